// The word producers of one group of families for one instruction set (MIMICRY_GROUP and MIMICRY_ISA name them).
//
// All of it has internal linkage, and nothing of the standard library is used: a copy of an inline function compiled with AVX-512
// could otherwise win at link time and crash an older processor.
#include "kernels.h"
#include "lanes.h"

#include "headers.inc"

namespace {
using namespace mimicry;

template <template <class> class G, int K>
void produce(const u32 *seeds, u32 high, const u32 *want, u32 count, const Filter &filter, u32 lanes, u32 *out) {
    const Filter local = filter;
    for (u32 at = 0; at < lanes; at += K * native_lanes) {
        G<Words<K>> g;
        g.seed(load<K>(seeds + at), high);
        u32 *to = out + at;
        for (u32 i = 0, position = 0; i < count; position = want[i++] + 1, to += lanes) {
            g.skip(want[i] - position);
            store(to, filtered(g.next(), local));
        }
    }
}

template <template <class> class G, int K>
void produce_whole(const u32 *seeds, u32 high, const u32 *want, u32 count, const Filter &, u32 lanes, u32 *out) {
    for (u32 at = 0; at < lanes; at += K * native_lanes) {
        G<Words<K>> g;
        g.seed(load<K>(seeds + at), high);
        u32 *to = out + at;
        for (u32 i = 0, position = 0; i < count; position = want[i++] + 1, to += 2 * lanes) {
            g.skip(want[i] - position);
            auto word = g.next_wide();
            store(to, hi32(word));
            store(to + lanes, lo32(word));
        }
    }
}

template <template <class> class G> struct Beyond {
    template <class W> using type = typename G<W>::Beyond;
};

template <template <class> class G, int K> Producer producer() {
    typedef G<Words<K>> Pack;
    // A generator that carries its whole state is bound by memory, not by latency: two vectors abreast do.
    const int far = (u32)Pack::reach == unlimited || K < 2 ? K : 2;
    Producer p = {K * native_lanes, Pack::reach, produce<G, K>, produce<Beyond<G>::template type, far>, nullptr};
    if constexpr (Pack::word_bits > 32) p.whole = produce_whole<G, K>;
    return p;
}

}  // namespace

namespace mimicry {

#define FAMILY(id, kernel, interleave) producer<kernel, interleave>(),
const Producer PRODUCERS(MIMICRY_GROUP, MIMICRY_ISA)[] = {
#include "entries.inc"
};

}  // namespace mimicry
