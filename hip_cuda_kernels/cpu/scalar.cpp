// The exact side of one group of families: raw words, draws and match counts of one seed, with nothing clever.
#include "host.h"

#include <type_traits>
#include <utility>

#include "headers.inc"
#include "sieve_kernel.h"

namespace {
using namespace mimicry;

template <template <class> class G, class Use> auto with_reach([[maybe_unused]] u64 words, Use use) {
    typedef G<u32> Near;
    if constexpr ((u32)Near::reach != unlimited)
        if (words > Near::reach) {
            typename Near::Beyond g;
            return use(g);
        }
    Near g;
    return use(g);
}

template <class G> void start_from(G &g, u64 seed) { g.seed((u32)seed, (u32)(seed >> 32)); }

template <template <class> class G> void raw(u64 seed, u64 skip, u64 count, u64 *out) {
    with_reach<G>(skip + count, [&](auto &g) {
        start_from(g, seed);
        for (; skip > unlimited; skip -= unlimited) g.skip(unlimited);
        g.skip((u32)skip);
        for (u64 i = 0; i < count; ++i) out[i] = raw_word(g);
        return 0;
    });
}

// The words from `forward - back` on, reached by `forward` steps and `back` steps back.
template <template <class> class G> void walk(u64 seed, u64 forward, u64 back, u64 count, u64 *out) {
    with_reach<G>(~0ull, [&](auto &g) {
        start_from(g, seed);
        for (; forward; --forward) raw_word(g);
        for (; back; --back) g.back();
        for (u64 i = 0; i < count; ++i) out[i] = raw_word(g);
        return 0;
    });
}

template <class G, class = void> struct Inverse {
    enum { given = false };
};
template <class G> struct Inverse<G, decltype(std::declval<G &>().back())> {
    enum { given = true };
};

template <template <class> class G> Walk *walk_of() {
    if constexpr (Inverse<typename G<u32>::Beyond>::given)
        return walk<G>;
    else
        return nullptr;
}

// Rejections have no bound, so a mapping that rejects takes the generator's unlimited form.
bool rejects(const Call &call, u32 word_bits) { return word_bits <= 32 && call.accept_max < (1ull << word_bits) - 1; }

u64 words_for(const Call &call, u32 word_bits, u64 calls) {
    return rejects(call, word_bits) ? ~0ull : calls * call.words;
}

template <template <class> class G> void values(const Call &call, u64 seed, u64 start, u64 gap, u64 count, u64 *out) {
    with_reach<G>(words_for(call, G<u32>::word_bits, start + count * (gap + 1)), [&](auto &g) {
        start_from(g, seed);
        discard(g, call, start);
        for (u64 i = 0; i < count; ++i) {
            if (i) discard(g, call, gap);
            out[i] = draw(g, call);
        }
        return 0;
    });
}

// Calls of the longest alignment of one vector at (start, gap).
u64 reach_of(const Task &task, u32 vector, u64 start, u64 gap) {
    const u32 usable = task.usable[vector];
    return usable ? start + (u64)task.index[vector * task.width + usable - 1] * (gap + 1) + 1 : 0;
}

template <template <class> class G> u32 count(const Task &task, u32 vector, u64 seed, u32 start, u32 gap) {
    const u64 words = words_for(task.call, G<u32>::word_bits, reach_of(task, vector, start, gap));
    return with_reach<G>(words, [&](auto &g) { return exact_count<std::decay_t<decltype(g)>>(task, vector, seed, start, gap); });
}

template <template <class> class G>
u32 filter(const Task &task, u64 seed_lo, u64 seed_count, u32 calls, Hit *proposals, u32 room) {
    u32 used = 0;
    filter_seeds<typename G<u32>::Beyond, kernel_room>(task, seed_lo, seed_count, calls, proposals, room, &used);
    return used;
}

template <template <class> class G> u32 judge_all(const Task &task, const Hit *proposals, u32 count, Hit *hits, u32 room) {
    u32 used = 0;
    judge_proposals<typename G<u32>::Beyond>(task, proposals, count, hits, room, &used);
    return used;
}

// The search as one writes it first: for every start and gap seed anew, run, take `%`, count all matches.
template <template <class> class G> u64 naive(const Task &task, u64 seed, u64 seeds) {
    const u64 last = seed + seeds;
    u64 hits = 0;
    for (; seed != last; ++seed)
        for (u32 vector = 0; vector < task.vectors; ++vector)
            for (u32 start = task.start_lo; start < task.start_lo + task.start_count; ++start)
                for (u32 gap = task.gap_lo; gap < task.gap_lo + task.gap_count; ++gap)
                    hits += with_reach<G>(words_for(task.call, G<u32>::word_bits, reach_of(task, vector, start, gap)), [&](auto &g) {
                        const u32 row = vector * task.width;
                        start_from(g, seed);
                        u64 at = 0;
                        u32 matched = 0;
                        for (u32 i = 0; i < task.usable[vector]; ++i, ++at) {
                            u64 wanted = start + (u64)task.index[row + i] * (gap + 1);
                            discard(g, task.call, wanted - at);
                            matched += draw(g, task.call) == task.value[row + i];
                            at = wanted;
                        }
                        return (u64)(matched >= task.threshold[vector]);
                    });
    return hits;
}

}  // namespace

namespace mimicry {

#define FAMILY(id, kernel, interleave) {id, kernel<u32>::word_bits, kernel<u32>::reach, raw<kernel>, walk_of<kernel>(), values<kernel>, count<kernel>, filter<kernel>, judge_all<kernel>, naive<kernel>},
extern const Scalar JOIN(scalars_, MIMICRY_GROUP)[] = {
#include "entries.inc"
};

}  // namespace mimicry
