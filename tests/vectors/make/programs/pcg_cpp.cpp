// Oracle: Melissa O'Neill's pcg-cpp. Arguments: ENGINE[%] LO HI COUNT SEED... (seeds in hex).
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pcg_random.hpp>

// Raw words in hex, or with a range the residues that fall in lo .. lo + range - 1.
template <class Engine>
static void print(Engine engine, int count, std::int64_t lo, std::uint64_t range) {
    for (int i = 0; i < count; ++i) {
        const auto word = static_cast<std::uint64_t>(engine());
        if (range) std::printf(",%" PRId64, lo + static_cast<std::int64_t>(word % range));
        else std::printf(",%08" PRIx64, word);
    }
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    char *call = argv[1];
    const std::int64_t lo = std::strtoll(argv[2], nullptr, 10), hi = std::strtoll(argv[3], nullptr, 10);
    const bool residues = std::strchr(call, '%');
    const std::uint64_t range = residues ? hi - lo + 1 : 0;
    call[std::strcspn(call, "%")] = 0;
    const int count = std::atoi(argv[4]);
    for (int i = 5; i < argc; ++i) {
        const std::uint64_t seed = std::strtoull(argv[i], nullptr, 16);
        std::printf("%s", argv[i]);
        if (!std::strcmp(call, "pcg32")) print(pcg32(seed, 54u), count, lo, range);
        else if (!std::strcmp(call, "pcg32_oneseq")) print(pcg32_oneseq(seed), count, lo, range);
        else if (!std::strcmp(call, "pcg32_fast")) print(pcg32_fast(seed), count, lo, range);
        else if (!std::strcmp(call, "pcg32_oneseq_once_insecure")) print(pcg32_oneseq_once_insecure(static_cast<std::uint32_t>(seed)), count, lo, range);
        else if (!std::strcmp(call, "pcg64_oneseq_once_insecure")) print(pcg64_oneseq_once_insecure(seed), count, lo, range);
        else return 2;
        std::printf("\n");
    }
    return 0;
}
