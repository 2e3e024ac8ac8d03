/* Oracle: rand() of newlib, whose own rand.c is built beside this. Arguments: CALL LO HI COUNT SEED... (seeds in hex). */
#include <reent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void newlib_srand(unsigned seed);
int newlib_rand(void);

static struct _reent state;
struct _reent *_REENT = &state;

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    const int lo = atoi(argv[2]), range = atoi(argv[3]) - lo + 1;
    for (int i = 5; i < argc; ++i) {
        newlib_srand((unsigned)strtoul(argv[i], NULL, 16));
        printf("%s", argv[i]);
        for (int k = 0; k < atoi(argv[4]); ++k) {
            const int word = newlib_rand();
            if (strcmp(argv[1], "rand")) printf(",%d", lo + word % range);
            else printf(",%08x", (unsigned)word);
        }
        printf("\n");
    }
    return 0;
}
