/* Oracle: rocRAND's own XORWOW engine, its header compiled for the host. Arguments: CALL LO HI COUNT SEED... (seeds in hex). */
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define __device__
#define __constant__
#define __forceinline__ inline
#include <rocrand/rocrand_xorwow.h>

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    const unsigned lo = atoi(argv[2]), range = atoi(argv[3]) - lo + 1;
    for (int i = 5; i < argc; ++i) {
        rocrand_device::xorwow_engine engine(strtoull(argv[i], nullptr, 16), 0, 0);
        printf("%s", argv[i]);
        for (int k = 0; k < atoi(argv[4]); ++k)
            if (strcmp(argv[1], "next")) printf(",%u", lo + engine.next() % range);
            else printf(",%08x", engine.next());
        printf("\n");
    }
}
