int collatz(unsigned n) {
    int steps = 0;
    while (n > 1) {
        n = n % 2 ? 3 * n + 1 : n / 2;
        steps++;
    }
    return steps;
}

int written(char *text, int value) {
    int length = 0, negative = value < 0;
    unsigned rest = negative ? -(unsigned)value : (unsigned)value;
    do {
        text[length++] = '0' + rest % 10;
        rest /= 10;
    } while (rest);
    if (negative)
        text[length++] = '-';
    return length;
}

long long product(long long a, unsigned b) {
    return a * b;
}
