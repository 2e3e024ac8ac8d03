/* Oracle: the C library's random, rand, rand_r, srand48 and drand48. Arguments: CALL LO HI COUNT SEED... (seeds in hex).
   A call random8 to random256 (or random8_mod ...) gives random() a state of so many bytes. */
#define _DEFAULT_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *call;

static unsigned rand_r_state;

static void seed_all(unsigned seed) {
    static char state[256];
    int bytes;
    if (sscanf(call, "random%d", &bytes) == 1) initstate(seed, state, bytes);
    else srandom(seed);
    srand(seed);
    srand48((long)(int32_t)seed);
    rand_r_state = seed;
}

static int draw(int64_t lo, int64_t range) {
    if (!strncmp(call, "random", 6)) {
        const long word = random();
        return strstr(call, "_mod") ? printf(",%" PRId64, lo + word % range) : printf(",%08" PRIx32, (uint32_t)word);
    }
    if (!strcmp(call, "rand")) return printf(",%08" PRIx32, (uint32_t)rand());
    if (!strcmp(call, "rand_r")) return printf(",%08" PRIx32, (uint32_t)rand_r(&rand_r_state));
    if (!strcmp(call, "rand_r_mod")) return printf(",%" PRId64, lo + rand_r(&rand_r_state) % range);
    if (!strcmp(call, "rand_mod")) return printf(",%" PRId64, lo + rand() % range);
    if (!strcmp(call, "rand_float")) return printf(",%" PRId64, lo + (int64_t)floor(rand() / (RAND_MAX + 1.0) * range));
    if (!strcmp(call, "drand48")) return printf(",%012" PRIx64, (uint64_t)(drand48() * 281474976710656.0));
    if (!strcmp(call, "drand48_float")) return printf(",%" PRId64, lo + (int64_t)floor(drand48() * range));
    if (!strcmp(call, "lrand48_mod")) return printf(",%" PRId64, lo + lrand48() % range);
    exit(2);
}

/* nrand48 leaves the whole 48-bit state in the caller's array: a second road to the same words. */
static void nrand48_states(uint32_t seed, int count) {
    unsigned short xsubi[3] = {0x330E, (unsigned short)seed, (unsigned short)(seed >> 16)};
    for (int i = 0; i < count; ++i) {
        nrand48(xsubi);
        printf(",%04x%04x%04x", xsubi[2], xsubi[1], xsubi[0]);
    }
}

/* java.util.Random shares drand48's recurrence; jrand48 returns the upper 32 bits of the state, as nextInt does. */
static void java_words(uint64_t seed, int count) {
    const uint64_t state = seed ^ UINT64_C(0x5DEECE66D);
    unsigned short xsubi[3] = {(unsigned short)state, (unsigned short)(state >> 16), (unsigned short)(state >> 32)};
    for (int i = 0; i < count; ++i) printf(",%08" PRIx32, (uint32_t)jrand48(xsubi));
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    call = argv[1];
    const int64_t lo = strtoll(argv[2], NULL, 10), hi = strtoll(argv[3], NULL, 10);
    const int count = atoi(argv[4]);
    for (int i = 5; i < argc; ++i) {
        const uint64_t wide = strtoull(argv[i], NULL, 16);
        const uint32_t seed = (uint32_t)wide;
        printf("%s", argv[i]);
        if (!strcmp(call, "nrand48")) nrand48_states(seed, count);
        else if (!strcmp(call, "jrand48")) java_words(wide, count);
        else {
            seed_all(seed);
            for (int k = 0; k < count; ++k) draw(lo, hi - lo + 1);
        }
        printf("\n");
    }
    return 0;
}
