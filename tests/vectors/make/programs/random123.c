/* Oracle: Random123's generators on a counter from 0. Arguments: CALL LO HI COUNT SEED... (seeds in hex). */
#include <Random123/philox.h>
#include <Random123/threefry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void philox(unsigned long long seed, int count) {
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t counter = {{0, 0, 0, 0}};
    for (int k = 0; k < count; ++k) {
        counter.v[0] = (uint32_t)(k / 4);
        printf(",%08x", philox4x32(counter, key).v[k % 4]);
    }
}

static void threefry2(unsigned long long seed, int count) {
    threefry2x64_key_t key = {{seed, 0}};
    threefry2x64_ctr_t counter = {{0, 0}};
    for (int k = 0; k < count; ++k) {
        counter.v[0] = (uint64_t)(k / 2);
        printf(",%016llx", (unsigned long long)threefry2x64(counter, key).v[k % 2]);
    }
}

static void threefry4(unsigned long long seed, int count) {
    threefry4x64_key_t key = {{seed, 0, 0, 0}};
    threefry4x64_ctr_t counter = {{0, 0, 0, 0}};
    for (int k = 0; k < count; ++k) {
        counter.v[0] = (uint64_t)(k / 4);
        printf(",%016llx", (unsigned long long)threefry4x64(counter, key).v[k % 4]);
    }
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    const int count = atoi(argv[4]);
    for (int i = 5; i < argc; ++i) {
        const unsigned long long seed = strtoull(argv[i], NULL, 16);
        printf("%s", argv[i]);
        if (!strcmp(argv[1], "philox4x32")) philox(seed, count);
        else if (!strcmp(argv[1], "threefry2x64")) threefry2(seed, count);
        else if (!strcmp(argv[1], "threefry4x64")) threefry4(seed, count);
        else return 2;
        printf("\n");
    }
    return 0;
}
