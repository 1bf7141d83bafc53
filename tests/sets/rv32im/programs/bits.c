int ones(unsigned word) {
    int count = 0;
    for (; word; word &= word - 1)
        count++;
    return count;
}

unsigned mirrored(unsigned word) {
    unsigned result = 0;
    for (int i = 0; i < 32; i++, word >>= 1)
        result = result << 1 | (word & 1);
    return result;
}

int is_power(unsigned word) {
    return word != 0 && (word & (word - 1)) == 0;
}

int shifted(int value, int by) {
    return by < 0 ? value >> -by : value << by;
}

int calls;

__attribute__((noinline)) int counted(unsigned word) {
    calls++;
    return ones(word) + is_power(word);
}

int counted_twice(unsigned word) {
    return counted(word) + counted(~word);
}
