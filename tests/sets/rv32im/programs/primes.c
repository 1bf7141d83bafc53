int primes(unsigned char *sieve, int limit) {
    int count = 0;
    for (int n = 2; n < limit; n++)
        sieve[n] = 1;
    for (int n = 2; n < limit; n++) {
        if (!sieve[n])
            continue;
        count++;
        for (int m = n * n; m < limit; m += n)
            sieve[m] = 0;
    }
    return count;
}
