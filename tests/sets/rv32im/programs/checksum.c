unsigned crc32(const unsigned char *bytes, unsigned count) {
    unsigned crc = 0xffffffff;
    for (unsigned i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xedb88320 & -(crc & 1));
    }
    return ~crc;
}

unsigned adler(const unsigned char *bytes, unsigned count) {
    unsigned a = 1, b = 0;
    for (unsigned i = 0; i < count; i++) {
        a = (a + bytes[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}
