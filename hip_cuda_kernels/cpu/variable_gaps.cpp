// The search over variable gaps: a necessary condition in lanes, then an exact dynamic program over bit sets of positions.
//
// Draw j of a vector can only lie in a window of calls. A seed that matches too few of the first draws anywhere in their windows is
// dropped, what is left is packed and looked at over more draws, and what is left then is decided exactly: R[j][m] is the set of calls
// at which draw j can lie with at most m of the draws so far missed.
#include "variable_gaps.h"
#include "first_stage.h"
#include "stream.h"

namespace {
using namespace mimicry;

const u32 cache_bytes = 256 * 1024;  // what a block of lanes may fill: a part of a second-level cache
const u32 most_lanes = 512, packed_lanes = 128;

struct Span {  // calls at which a draw can lie, both ends included
    u64 first, last;
    u64 size() const { return last - first + 1; }
};

Span span_of(const Task &task, u32 vector, u32 draw) {
    const u64 place = task.index[(u64)vector * task.width + draw];
    return {task.start_lo + place * (task.gap_lo + 1),
            task.start_lo + task.start_count - 1 + place * (task.gap_lo + task.gap_count)};
}

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
    const Span window = span_of(task, vector, draw);
    const u64 wanted = task.value[(u64)vector * task.width + draw];
    for (u64 call = window.first; call <= window.last; ++call)
        if (values[call] == wanted) found.add(call);
    return found;
}

// What eight vectors ask of a seed: enough of their first `depth` draws somewhere in their windows.
class Condition {
  public:
    Condition(const Kernels &kernels, const Task &task, const Octet &octet, u32 depth) : kernels(kernels), octet(octet), depth(depth) {
        const u64 first = span_of(task, octet.vectors[0], 0).first;
        for (u32 draw = 0; draw < depth; ++draw) {
            const Span span = span_of(task, octet.vectors[0], draw);
            windows.push_back({(u32)(span.first - first), (u32)span.size()});
            for (u64 call = first + calls.size(); call <= span.last; ++call) calls.push_back((u32)call);
            all.push_back(draw);
        }
        room.reserve(calls.size() * nibbles * 64 / 4);
    }

    std::vector<u32> calls;  // that it looks at
    std::vector<Tally> left;
    u32 found = 0;  // so many of `left` count

    // Set `left` to the lanes that fulfil it, of rows of words at `calls`.
    void look(const u32 *q, u32 lanes) {
        unsigned char *bytes = (unsigned char *)marks.reserve((u64)depth * lanes / 4);
        const auto mark = octet.by_nibbles() ? kernels.mark_windows : kernels.mark_windows_between;
        mark(q, lanes, octet.targets.data(), windows.data(), depth, (unsigned char *)room.get(), bytes);
        if (left.size() < lanes) left.resize(lanes);
        found = kernels.tally(bytes, lanes, all.data(), 1, depth, depth - octet.missable, left.data());
    }

  private:
    const Kernels &kernels;
    const Octet &octet;
    const u32 depth;
    std::vector<Window> windows;
    std::vector<u32> all;
    Buffer room, marks;
};

// All seeds against up to eight vectors, in blocks of lanes that share one produced stream.
class VariablePass {
  public:
    VariablePass(const Kernels &kernels, const Search &search, const Octet &octet, std::vector<Hit> &hits)
        : kernels(kernels), search(search), task(search.task), scalar(scalar_of(search.family)), octet(octet), hits(hits),
          stream(kernels, search), packed_stream(kernels, search), first(kernels, task, octet, task.depth[octet.vectors[0]]),
          second(kernels, task, octet, (u32)octet.targets.size()), values(reachable_calls(task)) {
        const u64 lane_bytes = 8 * stream.rows_for((u32)first.calls.size(), first.calls.back());
        const u64 units = cache_bytes / (lane_bytes * stream.unit);
        lanes = stream.unit * (u32)std::clamp<u64>(units, 1, std::max(1u, most_lanes / stream.unit));
        batch = round_up(packed_lanes, stream.unit);
        packed.reserve(batch);
    }

    bool overflow = false;

    // Search the seeds [lo, lo + count), which share their upper half; returns whether it came to the end.
    bool run(u64 lo, u64 count) {
        high = (u32)(lo >> 32);
        for (u64 done = 0; done < count && !halted(); done += lanes) block(lo + done, (u32)std::min<u64>(lanes, count - done));
        flush();
        return !halted();
    }

    bool halted() const {
        return overflow || (search.stop && __atomic_load_n(search.stop, __ATOMIC_RELAXED) != search.stop_generation);
    }

  private:
    void block(u64 seed, u32 n) {
        u32 *seeds = block_seeds.reserve(lanes);
        kernels.count_up(seeds, lanes, (u32)seed);
        first.look(stream.rows(seeds, high, first.calls, lanes), lanes);
        for (u32 lane : stream.short_lanes)
            if (lane < n) judge(seeds[lane], ~0u);
        for (u32 i = 0; i < first.found; ++i) {
            const u32 lane = first.left[i].at;
            if (lane >= n || stream.is_short(lane)) continue;
            packed.get()[waiting] = seeds[lane];
            if (++waiting == batch) flush();
        }
    }

    // The seeds that are left, packed, against more draws.
    void flush() {
        const u32 n = std::exchange(waiting, 0);
        if (n == 0 || halted()) return;
        std::fill(packed.get() + n, packed.get() + batch, packed.get()[0]);
        second.look(packed_stream.rows(packed.get(), high, second.calls, batch), batch);
        for (u32 lane : packed_stream.short_lanes)
            if (lane < n) judge(packed.get()[lane], ~0u);
        for (u32 i = 0; i < second.found; ++i) {
            const Tally &one = second.left[i];
            if (one.at < n && !packed_stream.is_short(one.at)) judge(packed.get()[one.at], one.vectors);
        }
    }

    void judge(u32 low, u32 slots) {
        if (halted()) return;
        const u64 seed = (u64)high << 32 | low;
        scalar.values(task.call, seed, 0, 0, values.size(), values.data());
        for (u32 slot = 0; slot < octet.vectors.size(); ++slot) {
            const u32 matched = slots >> slot & 1 ? best_alignment(task, octet.vectors[slot], values.data()) : 0;
            if (matched == 0) continue;
            if (hits.size() < search.max_hits)
                hits.push_back({(unsigned short)octet.vectors[slot], (unsigned short)matched, 0, 0, 0, seed});
            else
                overflow = true;
        }
    }

    const Kernels &kernels;
    const Search &search;
    const Task &task;
    const Scalar &scalar;
    const Octet &octet;
    std::vector<Hit> &hits;
    Stream stream, packed_stream;  // packed seeds are flushed while a block's lanes are still looked at
    Condition first, second;
    u32 lanes = 0, high = 0, batch = 0, waiting = 0;
    std::vector<u64> values;
    Buffer block_seeds, packed;
};

}  // namespace

namespace mimicry {

u64 reachable_calls(const Task &task) {
    u64 calls = 0;
    for (u32 v = 0; v < task.vectors; ++v)
        if (task.usable[v]) calls = std::max(calls, span_of(task, v, task.usable[v] - 1).last + 1);
    return calls;
}

u32 best_alignment(const Task &task, u32 vector, const u64 *values) {
    const u32 usable = task.usable[vector], levels = missable(task, vector) + 1;
    const u64 size = reachable_calls(task);
    std::vector<Calls> at(levels, Calls(size));
    for (u32 draw = 0; draw < usable; ++draw) {
        const Calls matches = matching(task, vector, draw, values, size);
        const u32 *index = task.index + (u64)vector * task.width + draw;
        const Span window = span_of(task, vector, 0);
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
    const u64 chunk = 1u << 16;  // seeds between two looks at a stop: what all vectors are searched in before it counts as done
    const std::vector<Octet> octets = octets_of(search.task, search.second_depth);
    Found found;
    std::vector<std::unique_ptr<VariablePass>> passes;
    for (const Octet &octet : octets) passes.push_back(std::make_unique<VariablePass>(kernels, search, octet, found.hits));
    while (found.seeds_done < search.seed_count && !found.stopped && !found.overflow) {
        const u64 seed = search.seed_lo + found.seeds_done, to_boundary = (1ull << 32) - (seed & 0xffffffffu);
        const u64 count = passes.empty() ? search.seed_count : std::min({chunk, search.seed_count - found.seeds_done, to_boundary});
        for (const auto &pass : passes) {
            found.stopped |= !pass->run(seed, count) && !pass->overflow;
            found.overflow |= pass->overflow;
        }
        if (!found.stopped && !found.overflow) found.seeds_done += count;
        if (search.progress) __atomic_store_n(search.progress, found.seeds_done, __ATOMIC_RELAXED);
    }
    auto beyond = [&](const Hit &hit) { return hit.seed - search.seed_lo >= found.seeds_done; };
    if (found.stopped) found.hits.erase(std::remove_if(found.hits.begin(), found.hits.end(), beyond), found.hits.end());
    std::sort(found.hits.begin(), found.hits.end(), [](const Hit &a, const Hit &b) {
        return a.seed != b.seed ? a.seed < b.seed : a.vector < b.vector;
    });
    return found;
}

}  // namespace mimicry
