// Oracle: Melissa O'Neill's pcg-cpp. Arguments: ENGINE LO HI COUNT SEED... (seeds in hex).
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pcg_random.hpp>

template <class Engine>
static void raw(Engine engine, int count) {
    for (int i = 0; i < count; ++i) std::printf(",%08" PRIx64, static_cast<std::uint64_t>(engine()));
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    const char *call = argv[1];
    const int count = std::atoi(argv[4]);
    for (int i = 5; i < argc; ++i) {
        const std::uint64_t seed = std::strtoull(argv[i], nullptr, 16);
        std::printf("%s", argv[i]);
        if (!std::strcmp(call, "pcg32")) raw(pcg32(seed, 54u), count);
        else if (!std::strcmp(call, "pcg32_oneseq")) raw(pcg32_oneseq(seed), count);
        else if (!std::strcmp(call, "pcg32_fast")) raw(pcg32_fast(seed), count);
        else if (!std::strcmp(call, "pcg32_oneseq_once_insecure")) raw(pcg32_oneseq_once_insecure(static_cast<std::uint32_t>(seed)), count);
        else if (!std::strcmp(call, "pcg64_oneseq_once_insecure")) raw(pcg64_oneseq_once_insecure(seed), count);
        else return 2;
        std::printf("\n");
    }
    return 0;
}
