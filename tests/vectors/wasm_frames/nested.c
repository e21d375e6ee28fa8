/* Traps deep within calls: loop -> gather -> (through the table) checked -> share, line 7.
 *
 * clang --target=wasm32 -nostdlib -O1 -g -fno-inline -fdebug-compilation-dir=. -Wl,--no-entry
 *     -Wl,--export=loop -Wl,-z,stack-size=4096 -Wl,--initial-memory=65536 nested.c -o nested.wasm
 */
static int share(int sum, int parts) {
    return sum / parts;
}

static int checked(int sum, int parts) {
    if (sum < 0)
        return 0;
    return share(sum, parts) + 1;
}

static int plain(int sum, int parts) {
    return sum + parts;
}

typedef int (*combine)(int, int);
static volatile combine ways[] = {plain, checked};

static int gather(int rounds) {
    int sum = 7;
    for (int round = 0; round <= rounds; round++)
        sum = ways[round & 1](sum, rounds - round);
    return sum;
}

int loop(void) {
    return gather(1) + gather(2);
}
