void sort(int *numbers, int count) {
    for (int i = 1; i < count; i++) {
        int moved = numbers[i], j = i - 1;
        while (j >= 0 && numbers[j] > moved) {
            numbers[j + 1] = numbers[j];
            j--;
        }
        numbers[j + 1] = moved;
    }
}
