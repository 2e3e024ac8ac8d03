// Route "orbit": generators of 32 bits whose seeds are the states of one long cycle, for any number of starts and gaps.
//
// Every state is stepped once, wherever an alignment begins: a word that matches a draw is remembered for as long as an alignment is
// long, and only where enough of them gather are the alignments counted. Seeds beside the cycle are searched apart.
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
    void reserve(u32 most) {
        u32 size = 1;
        while (size < most) size *= 2;
        ring.resize(size);
        mask = size - 1;
    }
    void push(const Match &match) { ring[count++ & mask] = match; }
    // The match that is `back` matches old; null where there were not so many.
    const Match *at(u32 back) const { return back < count && back <= mask ? &ring[(count - 1 - back) & mask] : nullptr; }

  private:
    std::vector<Match> ring;
    u32 mask = 0, count = 0;
};

template <class Map> class Orbit {
  public:
    Orbit(const Kernels &kernels, const Search &search, const Cycle &cycle, const Map &step)
        : search(search), task(search.task), cycle(cycle), jump(step), routes(kernels.routes), sift(kernels, search),
          segment((cycle.period + routes.orbit_lanes - 1) / routes.orbit_lanes), hits((u64)steps_at_once * routes.orbit_lanes) {
        for (u32 v = 0; v < task.vectors; ++v)
            if (task.usable[v] >= task.threshold[v]) add_vector(v);
        sort_draws();
        recent.resize((u64)routes.orbit_lanes * vectors.size());
        for (Recent &ring : recent) ring.reserve(reach + 1);
    }

    Found run() {
        const u64 last_call = task.start_lo + task.start_count - 1 + reach;
        const u64 all = segment + last_call + 1;  // a lane goes on until the alignments of its last seed end
        for (u64 done = 0; done < all && !sift.halted(); done += steps_at_once) {
            walk((u32)done, (u32)std::min<u64>(steps_at_once, all - done));
            sift.show_progress((u64)((double)search.seed_count * (double)done / (double)all));
        }
        const u32 zero = 0;
        if (!cycle.zero_is_one && search.seed_lo == 0) sift.judge(0, &zero, 1);
        return sift.finish();
    }

  private:
    static constexpr u32 steps_at_once = 1u << 13;
    static constexpr u32 buckets = 1024, width = 1u << 22;  // of the words, by their top bits

    struct Vector {
        u32 number, threshold;
        const u32 *index;
        std::vector<int> draw_at;  // by place in the vector: its bit, or -1 for a draw that is missing
    };
    struct Draw {  // matches q where q + offset <= lim
        u32 vector, offset, lim;
        u64 bit;
    };

    void add_vector(u32 v) {
        const u32 row = v * task.width, usable = task.usable[v], last = task.index[row + usable - 1];
        Vector vector{v, task.threshold[v], task.index + row, std::vector<int>(last + 1, -1)};
        for (u32 i = 0; i < usable; ++i) {
            vector.draw_at[task.index[row + i]] = (int)i;
            draws.push_back({(u32)vectors.size(), task.offset[row + i], task.lim[row + i], 1ull << i});
        }
        reach = std::max(reach, last * (task.gap_lo + task.gap_count));
        vectors.push_back(std::move(vector));
    }

    // Draws by the top bits of the words that match them, and their distinct offsets.
    void sort_draws() {
        by_top.resize(buckets);
        for (const Draw &draw : draws) {
            offsets.push_back(draw.offset);
            lim = std::max(lim, draw.lim);
            const u32 first = 0 - draw.offset, touched = (u32)(((u64)(first % width) + draw.lim) / width) + 1;
            for (u32 i = 0; i < std::min(touched, buckets); ++i) by_top[(first / width + i) % buckets].push_back(draw);
        }
        std::sort(offsets.begin(), offsets.end());
        offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
    }

    void walk(u32 from, u32 steps) {
        u32 *states = start_states.reserve(routes.orbit_lanes);
        for (u32 lane = 0; lane < routes.orbit_lanes; ++lane) states[lane] = jump(cycle.origin, (lane * segment + from) % cycle.period);
        const OrbitProbe probe = {task.filter, (u32)offsets.size(), lim, offsets.data()};
        const u32 n = (routes.*cycle.walk)(probe, states, steps, hits.data());
        for (u32 i = 0; i < n && !sift.halted(); ++i) remember(hits[i].lane, from + hits[i].step, hits[i].q);
    }

    void remember(u32 lane, u32 place, u32 q) {
        matched.assign(vectors.size(), 0);
        for (const Draw &draw : by_top[q / width])
            if (q + draw.offset <= draw.lim) matched[draw.vector] |= draw.bit;
        for (u32 v = 0; v < vectors.size(); ++v)
            if (matched[v]) gather(lane, v, {place, matched[v]});
    }

    // Where the last `threshold` matches lie within reach of each other, look for the alignments that just got enough of them.
    void gather(u32 lane, u32 v, const Match &match) {
        Recent &ring = recent[(u64)lane * vectors.size() + v];
        ring.push(match);
        const Match *first = ring.at(vectors[v].threshold - 1);
        if (!first || match.place - first->place > reach) return;
        for (u32 gap = task.gap_lo; gap < task.gap_lo + task.gap_count; ++gap)
            for (u64 bits = match.draws; bits; bits &= bits - 1) {
                const u32 before = vectors[v].index[__builtin_ctzll(bits)] * (gap + 1);
                if (before <= match.place && matches_from(ring, vectors[v], match.place - before, gap) == vectors[v].threshold)
                    report(lane, vectors[v].number, match.place - before, gap);
            }
    }

    // How many draws of an alignment whose first call lies at `place` have matched by now.
    u32 matches_from(const Recent &ring, const Vector &vector, u32 place, u32 gap) const {
        u32 sum = 0;
        const Match *match;
        for (u32 back = 0; (match = ring.at(back)) && match->place >= place; ++back) {
            const u32 call = (match->place - place) / (gap + 1);
            if ((match->place - place) % (gap + 1) || call >= vector.draw_at.size() || vector.draw_at[call] < 0) continue;
            sum += match->draws >> vector.draw_at[call] & 1;
        }
        return sum;
    }

    // Every seed that has its first draw at `place` of a lane's walk after one of the starts.
    void report(u32 lane, u32 vector, u32 place, u32 gap) {
        for (u32 start = task.start_lo; start < task.start_lo + task.start_count && start <= place; ++start) {
            const u64 at = lane * segment + place - start;
            const u32 state = jump(cycle.origin, at % cycle.period);
            for (u64 seed = state; seed >> 32 == 0; seed += cycle.modulus) sift.judge(vector, seed, start, gap);
            for (u64 seed = 0; cycle.zero_is_one && state == 1 && seed >> 32 == 0; seed += cycle.modulus)
                sift.judge(vector, seed, start, gap);
        }
    }

    const Search &search;
    const Task &task;
    const Cycle &cycle;
    const Jumps<Map> jump;
    const RouteKernels &routes;
    Sift sift;
    const u64 segment;
    std::vector<OrbitHit> hits;
    u32 reach = 0, lim = 0;  // calls from an alignment's first draw to its last
    std::vector<Vector> vectors;
    std::vector<Draw> draws;
    std::vector<u32> offsets;
    std::vector<std::vector<Draw>> by_top;
    std::vector<Recent> recent;  // [lane][vector]
    std::vector<u64> matched;
    Buffer start_states;
};

}  // namespace

namespace mimicry {

Found search_orbit(const Kernels &kernels, const Search &search) {
    const Cycle &cycle = cycle_of(scalar_of(search.family).id);
    if (cycle.step.modulus) return Orbit<Congruence>(kernels, search, cycle, cycle.step).run();
    return Orbit<BitMatrix>(kernels, search, cycle, xorshift_step()).run();
}

}  // namespace mimicry
