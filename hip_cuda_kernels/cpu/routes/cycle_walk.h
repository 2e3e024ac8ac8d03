// The cycles that seeds lie on, jumps along them, and every word of a cycle that matches a draw, with what was met shortly before.
#pragma once
#include "routes.h"
#include "stream.h"

#include <array>
#include <cstring>
#include <stdexcept>

namespace {
using namespace mimicry;

// x -> x * multiplier + increment modulo `modulus`.
struct Congruence {
    u64 multiplier, increment, modulus;

    u32 operator()(u32 x) const { return (u32)((x * multiplier + increment) % modulus); }
    Congruence twice() const { return {multiplier * multiplier % modulus, (multiplier + 1) * increment % modulus, modulus}; }
};

// A linear map over GF(2), by the images of the 32 unit vectors.
struct BitMatrix {
    std::array<u32, 32> images;

    u32 operator()(u32 x) const {
        u32 sum = 0;
        for (; x; x &= x - 1) sum ^= images[(size_t)__builtin_ctz(x)];
        return sum;
    }
    BitMatrix twice() const {
        BitMatrix square;
        for (size_t i = 0; i < 32; ++i) square.images[i] = (*this)(images[i]);
        return square;
    }
};

BitMatrix xorshift_step() {
    BitMatrix step;
    for (u32 i = 0; i < 32; ++i) {
        u32 x = 1u << i;
        x ^= x << 13;
        x ^= x >> 17;
        step.images[i] = x ^ x << 5;
    }
    return step;
}

// Jumps of 2^k steps, k = 0 .. 31.
template <class Map> class Jumps {
  public:
    explicit Jumps(Map map) {
        for (u32 k = 0; k < 32; ++k, map = map.twice()) powers.push_back(map);
    }
    u32 operator()(u32 state, u64 steps) const {
        for (; steps; steps &= steps - 1) state = powers[(size_t)__builtin_ctzll(steps)](state);
        return state;
    }

  private:
    std::vector<Map> powers;
};

// A cycle of `period` states through `origin`; seeds that are equal modulo `modulus` begin at the same state.
struct Cycle {
    const char *family;
    OrbitWalk *RouteKernels::*walk;
    u64 period, modulus;
    u32 origin;
    bool zero_is_one;  // a seed that is 0 modulo `modulus` begins at 1; else 0 may be a cycle of its own
    Congruence step;   // modulus 0: xorshift32's
};
const Cycle cycles[] = {
    {"xorshift32/raw_seed", &RouteKernels::xorshift32_orbit, 0xffffffff, 1ull << 32, 1, false, {0, 0, 0}},
    {"lcg31/minstd16807", &RouteKernels::minstd16807_orbit, 0x7ffffffe, 0x7fffffff, 1, true, {16807, 0, 0x7fffffff}},
    {"lcg31/minstd48271", &RouteKernels::minstd48271_orbit, 0x7ffffffe, 0x7fffffff, 1, true, {48271, 0, 0x7fffffff}},
    // The state's top bit changes nothing below it and is never shown.
    {"msvc_rand/srand", &RouteKernels::msvc_orbit, 1u << 31, 1u << 31, 0, false, {214013, 2531011, 1u << 31}},
};

const Cycle &cycle_of(const char *family) {
    for (const Cycle &cycle : cycles)
        if (std::strcmp(cycle.family, family) == 0) return cycle;
    throw std::invalid_argument(std::string("family ") + family + " has no cycle to walk along");
}

// The last matches of one vector along one lane's walk, as many as an alignment can hold.
struct Match {
    u32 place;
    u64 draws;  // a bit for every usable draw
};
class Recent {
  public:
    // Remember a match; those more than `reach` before it are forgotten once there are many, so that a lane's stay close in memory.
    void push(const Match &match, u64 reach) {
        if (kept.size() >= room) {
            kept.erase(kept.begin(), std::find_if(kept.begin(), kept.end(), [&](const Match &one) { return one.place + reach >= match.place; }));
            room = std::max<size_t>(room, 2 * kept.size());
        }
        kept.push_back(match);
    }
    // The match that is `back` matches old; null where there were not so many within reach.
    const Match *at(u32 back) const { return back < kept.size() ? &kept[kept.size() - 1 - back] : nullptr; }

  private:
    size_t room = 24;
    std::vector<Match> kept;
};

// Walks along a whole cycle, many states abreast, and tells where words match the draws of some vectors.
template <class Map> class CycleWalk {
  public:
    CycleWalk(const Kernels &kernels, const Cycle &cycle, const Map &step, const Filter &filter)
        : lanes(kernels.routes.orbit_lanes), segment((cycle.period + lanes - 1) / lanes), cycle(cycle), jump(step), routes(kernels.routes),
          filter(filter), hits((u64)steps_at_once * lanes + 1), halves(half_words, 0) {}

    static constexpr u32 steps_at_once = 1u << 13;
    const u32 lanes;
    const u64 segment;  // of the cycle, for each lane

    // A draw of a vector matches q where q + offset <= lim.
    void add(u32 vector, u32 offset, u32 lim, u64 bit) {
        draws.push_back({vector, offset, lim, bit});
        matched.resize(std::max<size_t>(matched.size(), vector + 1));
    }

    // Draws by the top bits of the words that match them, and their distinct offsets.
    void sort_draws() {
        by_top.resize(buckets);
        for (const Draw &draw : draws) {
            offsets.push_back(draw.offset);
            widest = std::max(widest, draw.lim);
            const u32 first = 0 - draw.offset, touched = (u32)(((u64)(first % width) + draw.lim) / width) + 1;
            for (u32 i = 0; i < std::min(touched, buckets); ++i) by_top[(first / width + i) % buckets].push_back(draw);
            for (u64 word = first & ~0xffffull; word <= (u64)first + draw.lim; word += 1u << 16)
                halves[word >> 21 & (half_words - 1)] |= 1u << (word >> 16 & 31);
        }
        std::sort(offsets.begin(), offsets.end());
        offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
    }

    u32 state(u64 at) const { return jump(cycle.origin, at % cycle.period); }

    // Call met(lane, vector, match) for the words of the steps from .. from + steps - 1, until `halted`.
    template <class Halted, class Met> void walk(u32 from, u32 steps, Halted halted, Met met) {
        u32 *states = start_states.reserve(lanes);
        for (u32 lane = 0; lane < lanes; ++lane) states[lane] = state(lane * segment + from);
        const OrbitProbe probe = {filter, (u32)offsets.size(), widest, offsets.data(), halves.data()};
        const u32 n = (routes.*cycle.walk)(probe, states, steps, hits.data());
        for (u32 i = 0; i < n && !halted(); ++i) {
            matched.assign(matched.size(), 0);
            for (const Draw &draw : by_top[hits[i].q / width])
                if (hits[i].q + draw.offset <= draw.lim) matched[draw.vector] |= draw.bit;
            for (u32 v = 0; v < matched.size(); ++v)
                if (matched[v]) met(hits[i].lane, v, Match{from + hits[i].step, matched[v]});
        }
    }

    // Call use(seed) for every seed that begins at the state `at` steps along the cycle.
    template <class Use> void seeds_at(u64 at, Use use) const {
        const u32 begins = state(at);
        for (u64 seed = begins; seed >> 32 == 0; seed += cycle.modulus) use(seed);
        for (u64 seed = 0; cycle.zero_is_one && begins == 1 && seed >> 32 == 0; seed += cycle.modulus) use(seed);
    }

  private:
    static constexpr u32 buckets = 1024, width = 1u << 22;  // of the words, by their top bits

    struct Draw {
        u32 vector, offset, lim;
        u64 bit;
    };

    const Cycle &cycle;
    const Jumps<Map> jump;
    const RouteKernels &routes;
    const Filter filter;
    u32 widest = 0;
    std::vector<OrbitHit> hits;
    std::vector<Draw> draws;
    std::vector<u32> offsets, halves;
    std::vector<std::vector<Draw>> by_top;
    std::vector<u64> matched;
    Buffer start_states;
};

}  // namespace
