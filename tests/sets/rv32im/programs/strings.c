unsigned length(const char *text) {
    unsigned n = 0;
    while (text[n] != 0)
        n++;
    return n;
}

void reverse(char *text) {
    unsigned low = 0, high = length(text);
    while (low + 1 < high) {
        char c = text[low];
        text[low++] = text[--high];
        text[high] = c;
    }
}

void upper(char *text) {
    for (; *text; text++)
        if (*text >= 'a' && *text <= 'z')
            *text -= 32;
}
