/* Oracle: Random123's philox4x32 (10 rounds). Arguments: CALL LO HI COUNT SEED... (seeds in hex). */
#include <Random123/philox.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    const int count = atoi(argv[4]);
    for (int i = 5; i < argc; ++i) {
        const unsigned long long seed = strtoull(argv[i], NULL, 16);
        philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
        philox4x32_ctr_t counter = {{0, 0, 0, 0}};
        printf("%s", argv[i]);
        for (int k = 0; k < count; ++k) {
            counter.v[0] = (uint32_t)(k / 4);
            printf(",%08x", philox4x32(counter, key).v[k % 4]);
        }
        printf("\n");
    }
    return 0;
}
