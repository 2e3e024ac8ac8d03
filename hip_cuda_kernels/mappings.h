// From raw words to draws: one mapping call, exactly as the runtime makes it, and the cheap test that never misses a match.
//
// mappings.py names the mappings and lowers each to the numbers below, so a new mapping is data and not a branch here.
#pragma once
#include "device.h"

// One mapping call. It reads a word until one is <= accept_max, and then with y = word >> shift gives, for M = range,
//   residue     y % M
//   scaled      floor(y / unit * M) in double; with two words y is (y << join) + (second word >> second_shift)
//   multiplied  (y * M) >> bits
struct Call {
    enum : u32 { residue = 0, scaled = 1, multiplied = 2 };
    u32 kind, words, shift, join, second_shift, bits;
    u64 accept_max, range;
    double unit;
};

// The test on one word. q = rotate_right(word >> shift, zeros) * multiplier is made once for a position and serves every draw that is
// compared there: a draw matches when q + offset <= lim, modulo 2^32. For M = 2^zeros * m with m odd and multiplier = 1/m, the
// words that leave the residue d are exactly such an interval: rotated, they are rotate_right(d) + k*m and never leave the low field.
// For the other mappings the words of one draw are an interval already (multiplier 1). A modulus of more than 32 bits of word is
// taken beforehand (reduce). The test may pass too much, never too little.
struct Filter {
    u32 reduce, shift, zeros, multiplier;
};

template <class G> HD u64 raw_word(G &g) {
    if constexpr (G::word_bits > 32)
        return g.next_wide();
    else
        return g.next();
}

// (y * range) >> bits without 128-bit arithmetic; range <= 2^32, so both partial products fit.
HD u64 multiply_shift(u64 y, u64 range, u32 bits) {
    u64 low = (u64)(u32)y * range;
    return bits < 32 ? low >> bits : ((y >> 32) * range + (low >> 32)) >> (bits - 32);
}

template <class G> HD u64 residue_of(u64 y, u64 range) {
    if constexpr (G::word_bits > 32)
        return y % range;
    else
        return range >> 32 ? y : (u32)y % (u32)range;
}

template <class G> HD u64 map_word(G &g, const Call &call, u64 word) {
    u64 y = word >> call.shift;
    if (call.kind == Call::residue) return residue_of<G>(y, call.range);
    if (call.words == 2) y = (y << call.join) + (raw_word(g) >> call.second_shift);
    if (call.kind == Call::multiplied) return multiply_shift(y, call.range, call.bits);
    return (u64)((double)y / call.unit * (double)call.range);
}

template <class G> HD u64 accepted_word(G &g, const Call &call) {
    u64 word = raw_word(g);
    while (word > call.accept_max) word = raw_word(g);
    return word;
}

template <class G> HD u64 draw(G &g, const Call &call) { return map_word(g, call, accepted_word(g, call)); }

template <class G> HD void discard(G &g, const Call &call, u64 calls) {
    for (; calls; --calls) {
        accepted_word(g, call);
        if (call.words == 2) g.skip(1);
    }
}

// The filter word of a raw word, or of the top 32 bits of a wide one.
template <class W> HD W filtered(W word, const Filter &filter) {
    if (filter.shift) word = word >> (int)filter.shift;
    if (filter.zeros) word = (word >> (int)filter.zeros) | (word << (int)(32 - filter.zeros));
    return word * filter.multiplier;
}
