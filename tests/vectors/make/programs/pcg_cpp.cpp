// Oracle: Melissa O'Neill's pcg-cpp, engine pcg32(seed, stream 54). Arguments: CALL LO HI COUNT SEED... (seeds in hex).
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <pcg_random.hpp>

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    for (int i = 5; i < argc; ++i) {
        pcg32 engine(std::strtoull(argv[i], nullptr, 16), 54u);
        std::printf("%s", argv[i]);
        for (int k = 0; k < std::atoi(argv[4]); ++k) std::printf(",%08" PRIx32, static_cast<std::uint32_t>(engine()));
        std::printf("\n");
    }
    return 0;
}
