// The search over variable gaps: a necessary condition in lanes, then an exact dynamic program over bit sets of positions.
//
// Draw j of a vector can only lie in a window of calls. A seed that matches too few draws anywhere in their windows is dropped;
// what is left is decided exactly: R[j][m] is the set of calls at which draw j can lie with at most m of the draws so far missed.
#include "variable_gaps.h"
#include "stream.h"

namespace {
using namespace mimicry;

const u32 cache_bytes = 24 * 1024;  // what a block of lanes may fill: most of a first-level cache
const u32 most_lanes = 512;

struct Window {  // calls at which a draw can lie, both ends included
    u64 first, last;
    u64 size() const { return last - first + 1; }
};

Window window_of(const Task &task, u32 vector, u32 draw) {
    const u64 place = task.index[(u64)vector * task.width + draw];
    return {task.start_lo + place * (task.gap_lo + 1),
            task.start_lo + task.start_count - 1 + place * (task.gap_lo + task.gap_count)};
}

u32 missable(const Task &task, u32 vector) { return task.usable[vector] - task.threshold[vector]; }

bool reachable(const Task &task, u32 vector) { return task.usable[vector] >= task.threshold[vector]; }

// A set of calls, one bit each.
class Calls {
  public:
    explicit Calls(u64 size) : words(size / 64 + 1, 0) {}

    void add(u64 call) { words[call / 64] |= 1ull << (call % 64); }

    bool empty() const {
        u64 any = 0;
        for (u64 word : words) any |= word;
        return any == 0;
    }

    void operator|=(const Calls &other) {
        for (size_t i = 0; i < words.size(); ++i) words[i] |= other.words[i];
    }

    void operator&=(const Calls &other) {
        for (size_t i = 0; i < words.size(); ++i) words[i] &= other.words[i];
    }

    // The calls that lie `least` to `most` after one of these.
    Calls after(u64 least, u64 most) const {
        Calls spread = *this;
        spread.shift_into(*this, least, false);
        u64 covered = 1;
        const u64 wanted = most - least + 1;
        for (; 2 * covered <= wanted; covered *= 2) spread.shift_into(spread, covered, true);
        if (covered < wanted) spread.shift_into(spread, wanted - covered, true);
        return spread;
    }

  private:
    // Become (keep: or add) `from` moved up by `by`; from high to low, so that `from` may be this set.
    void shift_into(const Calls &from, u64 by, bool keep) {
        const size_t jump = by / 64, bits = by % 64;
        for (size_t i = words.size(); i-- > 0;) {
            u64 moved = i >= jump ? from.words[i - jump] << bits : 0;
            if (bits && i > jump) moved |= from.words[i - jump - 1] >> (64 - bits);
            words[i] = keep ? words[i] | moved : moved;
        }
    }

    std::vector<u64> words;
};

// The calls of a window whose value is the draw.
Calls matching(const Task &task, u32 vector, u32 draw, const u64 *values, u64 size) {
    Calls found(size);
    const Window window = window_of(task, vector, draw);
    const u64 wanted = task.value[(u64)vector * task.width + draw];
    for (u64 call = window.first; call <= window.last; ++call)
        if (values[call] == wanted) found.add(call);
    return found;
}

// All seeds, in blocks of lanes that share one produced stream.
class VariablePass {
  public:
    VariablePass(const Kernels &kernels, const Search &search)
        : kernels(kernels), search(search), task(search.task), scalar(scalar_of(search.family)), stream(kernels, search),
          values(reachable_calls(task)) {
        u64 first = ~0ull, last = 0, widest = 1;
        for (u32 v = 0; v < task.vectors; ++v)
            for (u32 draw = 0; reachable(task, v) && draw < task.depth[v]; ++draw) {
                const Window window = window_of(task, v, draw);
                first = std::min(first, window.first);
                last = std::max(last, window.last);
                widest = std::max(widest, window.size());
            }
        for (u64 call = first; call <= last && first != ~0ull; ++call) calls.push_back((u32)call);
        if (!calls.empty()) size_block(widest);
    }

    Found run() {
        while (found.seeds_done < search.seed_count && !calls.empty() && !halted()) {
            const u64 seed = search.seed_lo + found.seeds_done, to_boundary = (1ull << 32) - (seed & 0xffffffffu);
            const u32 n = (u32)std::min({(u64)lanes, search.seed_count - found.seeds_done, to_boundary});
            block(seed, n);
            if (halted()) break;
            found.seeds_done += n;
            if (search.progress) __atomic_store_n(search.progress, found.seeds_done, __ATOMIC_RELAXED);
        }
        if (calls.empty()) found.seeds_done = search.seed_count;
        return std::move(found);
    }

  private:
    void size_block(u64 widest) {
        const u64 lane_bytes = 4 * (stream.rows_for((u32)calls.size(), calls.back()) + widest + 2);
        const u64 units = cache_bytes / (lane_bytes * stream.unit);
        lanes = stream.unit * (u32)std::clamp<u64>(units, 1, std::max(1u, most_lanes / stream.unit));
        misses.reserve(widest * lanes);
        pairs.resize(widest);
        nowhere.resize(lanes);
        missed.resize(lanes);
    }

    void block(u64 seed, u32 n) {
        const u32 high = (u32)(seed >> 32);
        u32 *seeds = block_seeds.reserve(lanes);
        kernels.count_up(seeds, lanes, (u32)seed);
        const u32 *q = stream.rows(seeds, high, calls, lanes);
        for (u32 v = 0; v < task.vectors && !halted(); ++v) {
            if (!reachable(task, v)) continue;
            const bool some = count_missed(v, q);
            for (u32 lane = 0; lane < n && (some || !stream.short_lanes.empty()); ++lane)
                if ((some && missed[lane] <= missable(task, v)) || stream.is_short(lane)) judge(v, seed + lane);
        }
    }

    // Count for every lane the draws that match nowhere in their windows; false once no lane is left.
    bool count_missed(u32 vector, const u32 *q) {
        std::fill(missed.begin(), missed.end(), 0);
        for (u32 draw = 0; draw < task.depth[vector]; ++draw) {
            find_nowhere(vector, draw, q);
            u32 fewest = ~0u;
            for (u32 lane = 0; lane < lanes; ++lane) {
                missed[lane] -= nowhere[lane];
                fewest = std::min(fewest, missed[lane]);
            }
            if (fewest > missable(task, vector)) return false;
        }
        return true;
    }

    void find_nowhere(u32 vector, u32 draw, const u32 *q) {
        const Window window = window_of(task, vector, draw);
        const u64 at = (u64)vector * task.width + draw;
        for (u32 i = 0; i < window.size(); ++i) {
            const u32 call = (u32)window.first + i;
            pairs[i] = {call - calls.front(), task.offset[at], task.lim[at]};
        }
        kernels.compare(q, lanes, pairs.data(), (u32)window.size(), misses.get());
        std::fill(nowhere.begin(), nowhere.end(), ~0u);
        const u32 *row = misses.get();
        for (u64 i = 0; i < window.size(); ++i, row += lanes)
            for (u32 lane = 0; lane < lanes; ++lane) nowhere[lane] &= row[lane];
    }

    void judge(u32 vector, u64 seed) {
        scalar.values(task.call, seed, 0, 0, values.size(), values.data());
        const u32 matched = best_alignment(task, vector, values.data());
        if (matched == 0) return;
        if (found.hits.size() < search.max_hits)
            found.hits.push_back({(unsigned short)vector, (unsigned short)matched, 0, 0, 0, seed});
        else
            found.overflow = true;
    }

    bool halted() {
        if (search.stop && __atomic_load_n(search.stop, __ATOMIC_RELAXED) != search.stop_generation) found.stopped = true;
        return found.stopped || found.overflow;
    }

    const Kernels &kernels;
    const Search &search;
    const Task &task;
    const Scalar &scalar;
    Stream stream;
    Found found;
    u32 lanes = 0;
    std::vector<u32> calls, nowhere, missed;
    std::vector<Pair> pairs;
    std::vector<u64> values;
    Buffer block_seeds, misses;
};

}  // namespace

namespace mimicry {

u64 reachable_calls(const Task &task) {
    u64 calls = 0;
    for (u32 v = 0; v < task.vectors; ++v)
        if (task.usable[v]) calls = std::max(calls, window_of(task, v, task.usable[v] - 1).last + 1);
    return calls;
}

u32 best_alignment(const Task &task, u32 vector, const u64 *values) {
    const u32 usable = task.usable[vector], levels = missable(task, vector) + 1;
    const u64 size = reachable_calls(task);
    std::vector<Calls> at(levels, Calls(size));
    for (u32 draw = 0; draw < usable; ++draw) {
        const Calls matches = matching(task, vector, draw, values, size);
        const u32 *index = task.index + (u64)vector * task.width + draw;
        const Window window = window_of(task, vector, 0);
        std::vector<Calls> next;
        for (u32 m = 0; m < levels; ++m) {
            if (draw == 0) {
                Calls all(size);
                for (u64 call = window.first; call <= window.last; ++call) all.add(call);
                next.push_back(m ? all : matches);
                continue;
            }
            const u64 steps = index[0] - index[-1];
            const u64 least = steps * (task.gap_lo + 1), most = steps * (task.gap_lo + task.gap_count);
            Calls reached = at[m].after(least, most);
            reached &= matches;
            if (m) reached |= at[m - 1].after(least, most);
            next.push_back(std::move(reached));
        }
        at = std::move(next);
        if (at.back().empty()) return 0;
    }
    for (u32 m = 0; m < levels; ++m)
        if (!at[m].empty()) return usable - m;
    return 0;
}

Found run_variable_gaps(const Kernels &kernels, const Search &search) {
    Found found = VariablePass(kernels, search).run();
    auto beyond = [&](const Hit &hit) { return hit.seed - search.seed_lo >= found.seeds_done; };
    if (found.stopped) found.hits.erase(std::remove_if(found.hits.begin(), found.hits.end(), beyond), found.hits.end());
    std::sort(found.hits.begin(), found.hits.end(), [](const Hit &a, const Hit &b) {
        return a.seed != b.seed ? a.seed < b.seed : a.vector < b.vector;
    });
    return found;
}

}  // namespace mimicry
