// Oracle: the engines of libstdc++'s <random>, as g++ ships them.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

// Matsumoto and Nishimura's MT11213B, written out with the standard's template.
typedef std::mersenne_twister_engine<std::uint32_t, 32, 351, 175, 19, 0xccab8ee7, 11, 0xffffffff, 7, 0x31b6ab00, 15, 0xffe50000, 17, 1812433253>
    Mt11213b;

template <class Engine>
static void raw(std::uint64_t seed, int count) {
    Engine engine(static_cast<typename Engine::result_type>(seed));
    for (int i = 0; i < count; ++i) std::printf(",%08" PRIx64, static_cast<std::uint64_t>(engine()));
}

template <class Engine>
static void modulo(std::uint64_t seed, std::int64_t lo, std::int64_t hi, int count) {
    Engine engine(static_cast<typename Engine::result_type>(seed));
    const auto range = static_cast<std::uint64_t>(hi - lo + 1);
    for (int i = 0; i < count; ++i) {
        const auto word = static_cast<std::uint64_t>(engine());
        std::printf(",%" PRId64, lo + static_cast<std::int64_t>(word % range));
    }
}

static void multiply_shift(std::uint64_t seed, std::int64_t lo, std::int64_t hi, int count) {
    std::mt19937 engine(static_cast<std::uint32_t>(seed));
    const auto range = static_cast<std::uint64_t>(hi - lo + 1);
    for (int i = 0; i < count; ++i) {
        const auto word = static_cast<std::uint64_t>(engine());
        std::printf(",%" PRId64, lo + static_cast<std::int64_t>((word * range) >> 32));
    }
}

// Arguments: CALL LO HI COUNT SEED... (seeds in hex).
int main(int argc, char **argv) {
    if (argc < 6) return 2;
    const char *call = argv[1];
    const std::int64_t lo = std::strtoll(argv[2], nullptr, 10), hi = std::strtoll(argv[3], nullptr, 10);
    const int count = std::atoi(argv[4]);
    for (int i = 5; i < argc; ++i) {
        const std::uint64_t seed = std::strtoull(argv[i], nullptr, 16);
        std::printf("%s", argv[i]);
        if (!std::strcmp(call, "mt19937")) raw<std::mt19937>(seed, count);
        else if (!std::strcmp(call, "mt19937_64")) raw<std::mt19937_64>(seed, count);
        else if (!std::strcmp(call, "mt11213b")) raw<Mt11213b>(seed, count);
        else if (!std::strcmp(call, "ranlux24")) raw<std::ranlux24>(seed, count);
        else if (!std::strcmp(call, "ranlux48")) raw<std::ranlux48>(seed, count);
        else if (!std::strcmp(call, "knuth_b")) raw<std::knuth_b>(seed, count);
        else if (!std::strcmp(call, "minstd_rand0")) raw<std::minstd_rand0>(seed, count);
        else if (!std::strcmp(call, "minstd_rand")) raw<std::minstd_rand>(seed, count);
        else if (!std::strcmp(call, "minstd_rand0_mod")) modulo<std::minstd_rand0>(seed, lo, hi, count);
        else if (!std::strcmp(call, "minstd_rand_mod")) modulo<std::minstd_rand>(seed, lo, hi, count);
        else if (!std::strcmp(call, "mt19937_64_mod")) modulo<std::mt19937_64>(seed, lo, hi, count);
        else if (!std::strcmp(call, "knuth_b_mod")) modulo<std::knuth_b>(seed, lo, hi, count);
        else if (!std::strcmp(call, "ranlux24_mod")) modulo<std::ranlux24>(seed, lo, hi, count);
        else if (!std::strcmp(call, "ranlux48_mod")) modulo<std::ranlux48>(seed, lo, hi, count);
        else if (!std::strcmp(call, "mt19937_mod")) modulo<std::mt19937>(seed, lo, hi, count);
        else if (!std::strcmp(call, "mt19937_mulshift")) multiply_shift(seed, lo, hi, count);
        else return 2;
        std::printf("\n");
    }
    return 0;
}
