// The largest test value seen so far in any lane: one operation a word tells whether all words of a block are accepted.
#pragma once
#include "kernels.h"
#include "lanes.h"

namespace {

struct Worst {
    mimicry::Accept accept;
    bool plain;  // the test compares the word itself

    HD explicit Worst(const mimicry::Accept &accept) : accept(accept), plain(accept.multiplier == 1 && accept.addend == 0) {}

    template <int K> HD void see(const Words<K> &word, Vector32 &worst) const {
        if (accept.max == ~0u) return;
        const Words<K> test = plain ? word : word * accept.multiplier + accept.addend;
        _Pragma("GCC unroll 16") for (int i = 0; i < K; ++i) worst = test.v[i] > worst ? test.v[i] : worst;
    }

    HD bool found(const Vector32 &worst) const { return any((Vector32)(worst > (Vector32{} + accept.max))); }
};

}  // namespace
