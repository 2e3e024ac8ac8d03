// bash's RANDOM: 15 bits of the Lehmer generator 16807; a number equal to the one before is passed over.
#pragma once
#include "mod31.h"

// bash 5.1 and later fold the upper half of the state into the lower, the versions before drop it.
struct BashFold {
    template <class W> static HD W word(W x) { return (x ^ (x >> 16)) & 0x7fffu; }
};
struct BashMask {
    template <class W> static HD W word(W x) { return x & 0x7fffu; }
};

template <class W, class Output> struct BashRandom {
    // Three steps always find another number: over the whole period none comes more than 3 times in a row, and 0, which a
    // fresh seed counts as the number before, no more than twice.
    enum : u32 { word_bits = 15, reach = unlimited, most_steps = 3 };
    W x, last;

    HD void seed(W low, u32) {
        x = mod31(low);
        x = x | (equal_mask(x, W(0u)) & 123459876u);
        last = W(0u);
    }
    HD W next() {
        const W before = last;
        for (u32 step = 0; step < most_steps; ++step) {
            const W repeated = equal_mask(last, before);
            x = select(repeated, times_mod31(x, 16807u), x);
            last = Output::word(x);
        }
        return last;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};

template <class W> struct BashRandomFold : BashRandom<W, BashFold> {
    typedef BashRandomFold Beyond;
};
template <class W> struct BashRandomMask : BashRandom<W, BashMask> {
    typedef BashRandomMask Beyond;
};
