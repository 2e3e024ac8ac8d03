/* Oracle: msvcrt's rand, built with MinGW and run by Wine. Arguments: CALL LO HI COUNT SEED... (seeds in hex). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int draw(const char *call, long lo, long range) {
    if (!strcmp(call, "rand")) return printf(",%04x", rand());
    if (!strcmp(call, "rand_mod")) return printf(",%ld", lo + rand() % range);
    if (!strcmp(call, "rand_float")) return printf(",%ld", lo + (long)floor(rand() / (RAND_MAX + 1.0) * range));
    exit(2);
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    const long lo = atol(argv[2]), hi = atol(argv[3]);
    for (int i = 5; i < argc; ++i) {
        srand((unsigned)strtoul(argv[i], NULL, 16));
        printf("%s", argv[i]);
        for (int k = 0; k < atoi(argv[4]); ++k) draw(argv[1], lo, hi - lo + 1);
        printf("\n");
    }
    return 0;
}
