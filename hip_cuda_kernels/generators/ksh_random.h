// ksh93's RANDOM on glibc: 15 bits of rand_r(); a number equal to the one before is passed over.
#pragma once
#include "glibc_rand_r.h"

template <class W> struct KshRandom {
    // Two steps always find another number: over the whole period none comes more than twice in a row.
    enum : u32 { word_bits = 15, reach = unlimited, most_steps = 2 };
    typedef KshRandom Beyond;
    GlibcRandR<W> source;
    W last;

    HD void seed(W low, u32 high) {
        source.seed(low, high);
        last = W(unlimited);  // no number
    }
    HD W next() {
        const W before = last;
        for (u32 step = 0; step < most_steps; ++step) {
            GlibcRandR<W> ahead = source;
            const W repeated = equal_mask(last, before), word = (ahead.next() >> 3) & 0x7fffu;
            source.state = select(repeated, ahead.state, source.state);
            last = select(repeated, word, last);
        }
        return last;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
