// The exact side of one group of families: raw words, draws and match counts of one seed, with nothing clever.
#include "host.h"

#include <utility>

#include "headers.inc"
#include "sieve_kernel.h"

namespace {
using namespace mimicry;

template <class G> struct Form {
    typedef G type;
};

// Use the generator's short form where it can give so many words, and the unlimited one beyond.
template <template <class> class G, class Use> auto with_reach([[maybe_unused]] u64 words, Use use) {
    typedef G<u32> Near;
    if constexpr ((u32)Near::reach != unlimited)
        if (words > Near::reach) return use(Form<typename Near::Beyond>{});
    return use(Form<Near>{});
}

template <class G> G started(u64 seed) {
    G g;
    g.seed((u32)seed, (u32)(seed >> 32));
    return g;
}

template <template <class> class G> void raw(u64 seed, u64 skip, u64 count, u64 *out) {
    with_reach<G>(skip + count, [&](auto form) {
        auto g = started<typename decltype(form)::type>(seed);
        skip_words(g, skip);
        for (u64 i = 0; i < count; ++i) out[i] = raw_word(g);
        return 0;
    });
}

// The words from `forward - back` on, reached by `forward` steps and `back` steps back.
template <template <class> class G> void walk(u64 seed, u64 forward, u64 back, u64 count, u64 *out) {
    auto g = started<typename G<u32>::Beyond>(seed);
    for (; forward; --forward) raw_word(g);
    for (; back; --back) g.back();
    for (u64 i = 0; i < count; ++i) out[i] = raw_word(g);
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
u64 words_for(const Call &call, u64 calls) { return can_reject(call) ? ~0ull : raw_words(call, calls * call.words); }

template <template <class> class G> void values(const Call &call, u64 seed, u64 start, u64 gap, u64 count, u64 *out) {
    with_reach<G>(words_for(call, start + count * (gap + 1)), [&](auto form) {
        Reader<typename decltype(form)::type> reader(call, seed);
        reader.discard(start);
        for (u64 i = 0; i < count; ++i) {
            if (i) reader.discard(gap);
            out[i] = reader.draw();
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
    return with_reach<G>(words_for(task.call, reach_of(task, vector, start, gap)), [&](auto form) {
        return exact_count<typename decltype(form)::type>(task, vector, seed, start, gap);
    });
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
                    hits += with_reach<G>(words_for(task.call, reach_of(task, vector, start, gap)), [&](auto form) {
                        const u32 row = vector * task.width;
                        Reader<typename decltype(form)::type> reader(task.call, seed);
                        u64 at = 0;
                        u32 matched = 0;
                        for (u32 i = 0; i < task.usable[vector]; ++i, ++at) {
                            u64 wanted = start + (u64)task.index[row + i] * (gap + 1);
                            reader.discard(wanted - at);
                            matched += reader.draw() == task.value[row + i];
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
