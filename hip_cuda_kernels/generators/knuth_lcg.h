// Classic linear congruential generators modulo 2^32 and 2^31 (those of Knuth, TAOCP 2, table 3.3.4-1), seeded as GSL does.
#pragma once
#include "chain69069.h"
#include "device.h"
#include "lcg_jump.h"

// A word is the whole state. Without an increment seed 0 becomes 1.
template <class W, u32 bits, u32 multiplier, u32 increment> struct KnuthLcg {
    enum : u32 { word_bits = bits, reach = unlimited, mask = 0xffffffffu >> (32 - bits) };
    W x;

    HD void seed(W low, u32) { x = increment ? low : one_for_zero(low); }
    HD W next() { return apply({multiplier, increment}); }
    HD void back() {
        const u64 inverse = odd_inverse(multiplier);
        apply({inverse, (0 - (u64)increment) * inverse});
    }
    HD void skip(u32 count) { apply(lcg_jump({multiplier, increment}, count)); }

  private:
    HD W apply(LcgStep step) { return x = (x * (u32)step.multiplier + (u32)step.increment) & mask; }
};

template <class W> struct Randu : KnuthLcg<W, 31, 65539u, 0u> {
    typedef Randu Beyond;
};
template <class W> struct Borosh13 : KnuthLcg<W, 32, 1812433253u, 0u> {
    typedef Borosh13 Beyond;
};
template <class W> struct Waterman14 : KnuthLcg<W, 32, 1566083941u, 0u> {
    typedef Waterman14 Beyond;
};
template <class W> struct Transputer : KnuthLcg<W, 32, 1664525u, 0u> {
    typedef Transputer Beyond;
};
template <class W> struct Vax : KnuthLcg<W, 32, 69069u, 1u> {
    typedef Vax Beyond;
};
