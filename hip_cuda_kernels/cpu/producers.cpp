// The word producers of one group of families for one instruction set (MIMICRY_GROUP and MIMICRY_ISA name them).
//
// All of it has internal linkage, and nothing of the standard library is used: a copy of an inline function compiled with AVX-512
// could otherwise win at link time and crash an older processor.
#include "kernels.h"
#include "kernels.h"
#include "lanes.h"

#include "headers.inc"

namespace {
using namespace mimicry;

// The largest test value seen in any lane: one operation a word tells whether all words are accepted.
class Worst {
  public:
    HD explicit Worst(const Accept &accept) : accept(accept), plain(accept.multiplier == 1 && accept.addend == 0) {}

    template <int K> HD void see(const Words<K> &word) {
        const Words<K> test = plain ? word : word * accept.multiplier + accept.addend;
        _Pragma("GCC unroll 16") for (int i = 0; i < K; ++i) worst = test.v[i] > worst ? test.v[i] : worst;
    }

    HD bool found() const { return any((Vector32)(worst > (Vector32{} + accept.max))); }

  private:
    const Accept accept;
    const bool plain;  // the test compares the word itself
    Vector32 worst{};
};

template <template <class> class G, int K>
bool produce(const u32 *seeds, u32 high, const u32 *want, u32 count, const Filter &filter, const Accept &accept, u32 lanes, u32 *out) {
    const Filter local = filter;
    const bool sees_all = accept.max != ~0u;
    Worst worst(accept);
    for (u32 at = 0; at < lanes; at += K * native_lanes) {
        G<Words<K>> g;
        g.seed(load<K>(seeds + at), high);
        u32 *to = out + at;
        for (u32 i = 0, position = 0; i < count; position = want[i++] + 1, to += lanes) {
            u32 unwanted = want[i] - position;
            for (; sees_all && unwanted; --unwanted) worst.see(g.next());
            g.skip(unwanted);
            const Words<K> word = g.next();
            worst.see(word);
            store(to, filtered(word, local));
        }
    }
    return worst.found();
}

template <template <class> class G, int K>
void produce_wide(const u32 *seeds, u32 high, const u32 *want, u32 count, u32 lanes, u32 *out) {
    for (u32 at = 0; at < lanes; at += K * native_lanes) {
        G<Words<K>> g;
        g.seed(load<K>(seeds + at), high);
        u32 *to = out + at;
        for (u32 i = 0, position = 0; i < count; position = want[i++] + 1, to += 2 * lanes) {
            g.skip(want[i] - position);
            auto word = g.next_wide();
            store(to, lo32(word));
            store(to + lanes, hi32(word));
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
    Producer p = {K * native_lanes, Pack::reach, produce<G, K>, produce<Beyond<G>::template type, far>, nullptr, nullptr};
    if constexpr (Pack::word_bits > 32) {
        p.near_wide = produce_wide<G, K>;
        p.beyond_wide = produce_wide<Beyond<G>::template type, far>;
    }
    return p;
}

}  // namespace

namespace mimicry {

#define FAMILY(id, kernel, interleave) producer<kernel, interleave>(),
const Producer PRODUCERS(MIMICRY_GROUP, MIMICRY_ISA)[] = {
#include "entries.inc"
};

}  // namespace mimicry
