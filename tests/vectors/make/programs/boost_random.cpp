// Oracle: the engines of Boost.Random. Arguments: ENGINE LO HI COUNT SEED... (seeds in hex).
#include <boost/random.hpp>
#include <boost/random/taus88.hpp>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

template <class Engine>
static void raw(std::uint64_t seed, int count) {
    Engine engine(static_cast<typename Engine::result_type>(seed));
    for (int i = 0; i < count; ++i) std::printf(",%08" PRIx64, static_cast<std::uint64_t>(engine()));
}

// boost::random::uniform_01 on the engine, times the range.
template <class Engine>
static void uniform(std::uint64_t seed, std::int64_t lo, std::int64_t hi, int count) {
    Engine engine(static_cast<typename Engine::result_type>(seed));
    boost::random::uniform_01<double> unit;
    for (int i = 0; i < count; ++i) std::printf(",%" PRId64, lo + static_cast<std::int64_t>(unit(engine) * static_cast<double>(hi - lo + 1)));
}

template <class Engine>
static void modulo(std::uint64_t seed, std::int64_t lo, std::int64_t hi, int count) {
    Engine engine(static_cast<typename Engine::result_type>(seed));
    for (int i = 0; i < count; ++i) std::printf(",%" PRId64, lo + static_cast<std::int64_t>(engine() % static_cast<std::uint64_t>(hi - lo + 1)));
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    const char *call = argv[1];
    const std::int64_t lo = std::strtoll(argv[2], nullptr, 10), hi = std::strtoll(argv[3], nullptr, 10);
    const int count = std::atoi(argv[4]);
    for (int i = 5; i < argc; ++i) {
        const std::uint64_t seed = std::strtoull(argv[i], nullptr, 16);
        std::printf("%s", argv[i]);
        if (!std::strcmp(call, "mt11213b")) raw<boost::random::mt11213b>(seed, count);
        else if (!std::strcmp(call, "mt19937_64")) raw<boost::random::mt19937_64>(seed, count);
        else if (!std::strcmp(call, "taus88")) raw<boost::random::taus88>(seed, count);
        else if (!std::strcmp(call, "ecuyer1988")) raw<boost::random::ecuyer1988>(seed, count);
        else if (!std::strcmp(call, "kreutzer1986")) raw<boost::random::kreutzer1986>(seed, count);
        else if (!std::strcmp(call, "hellekalek1995")) raw<boost::random::hellekalek1995>(seed, count);
        else if (!std::strcmp(call, "mt11213b_mod")) modulo<boost::random::mt11213b>(seed, lo, hi, count);
        else if (!std::strcmp(call, "mt11213b_uniform")) uniform<boost::random::mt11213b>(seed, lo, hi, count);
        else if (!std::strcmp(call, "taus88_mod")) modulo<boost::random::taus88>(seed, lo, hi, count);
        else if (!std::strcmp(call, "taus88_uniform")) uniform<boost::random::taus88>(seed, lo, hi, count);
        else if (!std::strcmp(call, "ecuyer1988_mod")) modulo<boost::random::ecuyer1988>(seed, lo, hi, count);
        else if (!std::strcmp(call, "kreutzer1986_mod")) modulo<boost::random::kreutzer1986>(seed, lo, hi, count);
        else if (!std::strcmp(call, "hellekalek1995_mod")) modulo<boost::random::hellekalek1995>(seed, lo, hi, count);
        else if (!std::strcmp(call, "hellekalek1995_uniform")) uniform<boost::random::hellekalek1995>(seed, lo, hi, count);
        else if (!std::strcmp(call, "ranlux24")) raw<boost::random::ranlux24>(seed, count);
        else if (!std::strcmp(call, "ranlux48")) raw<boost::random::ranlux48>(seed, count);
        else if (!std::strcmp(call, "knuth_b")) raw<boost::random::knuth_b>(seed, count);
        else return 2;
        std::printf("\n");
    }
    return 0;
}
