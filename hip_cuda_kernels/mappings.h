// From raw words to draws: one mapping call, exactly as the runtime makes it, and the cheap test that never misses a match.
//
// mappings.py names the mappings and lowering.py turns each into the numbers below, so a new mapping is data and not a branch here.
#pragma once
#include "device.h"

// How the words x that a call reads are made of raw words r, r'. `at` is a bit position of the raw word.
//   whole     r
//   window    32 bits of a wide word from bit `at` on: (r >> at) mod 2^32
//   halves    a word of 64 bits serves twice, its low half first
//   pairs     r + 2^32 r'
//   tops      (r >> at) 2^16 + (r' >> at): the top 16 bits of two words
enum View : u32 { whole = 0, window = 1, halves = 2, pairs = 3, tops = 4 };

// One mapping call. It reads a word x, again while x * multiplier + addend > accept_max modulo 2^64, and then gives with
// y = (x >> shift) & mask, joined to (y << join) + (x' >> second_shift) where a call takes two words, and M = range
//   itself      y
//   residue     y % M
//   scaled      floor(y / unit * M) in double, one more where `rounds` and what is left is at least a half
//   multiplied  (y * M) >> bits
// For words of up to 32 bits the test is one on 32 bits: its constants lie in the upper halves.
struct Call {
    enum : u32 { itself = 0, residue = 1, scaled = 2, multiplied = 3 };
    u32 kind, view, at, words, shift, join, second_shift, bits, rounds;
    u64 mask, multiplier, addend, accept_max, range;
    double unit;
};

// The test on one word, z = (x >> at) mod 2^32 or, where `reduce`, its residue. q = rotate_right(z >> shift, zeros) * multiplier is
// made once for a position and serves every draw that is compared there: a draw matches when q + offset <= lim, modulo 2^32. For
// M = 2^zeros * m with m odd and multiplier = 1/m, the words that leave the residue d are exactly such an interval: rotated, they are
// rotate_right(d) + k*m and never leave the low field. For the other mappings the words of one draw are an interval already, once
// the multiplier, a power of two, has pushed out what lies above; a residue is multiplied too, so that its upper bits tell. The test
// may pass too much, never too little.
struct Filter {
    u32 reduce, at, shift, zeros, multiplier;
};

// A generator that is stuck on one rejected word, as xorshift is from seed 0, would never end; another one never meets the bound,
// since every call accepts half of the words or more.
enum : u32 { patience = 256 };

HD bool rejects(const Call &call, u64 x) { return x * call.multiplier + call.addend > call.accept_max; }
HD bool can_reject(const Call &call) { return call.accept_max != ~0ull; }

// Raw words that `words` words of the view take at most.
HD u64 raw_words(const Call &call, u64 words) { return call.view == pairs || call.view == tops ? 2 * words : words; }

template <class G> HD u64 raw_word(G &g) {
    if constexpr (G::word_bits > 32)
        return g.next_wide();
    else
        return g.next();
}

template <class G> HD void skip_words(G &g, u64 count) {
    while (count) {
        const u32 now = count < unlimited ? (u32)count : unlimited;
        g.skip(now);
        count -= now;
    }
}

// (y * range) >> bits without 128-bit arithmetic; range <= 2^32, so both partial products fit.
HD u64 multiply_shift(u64 y, u64 range, u32 bits) {
    u64 low = (u64)(u32)y * range;
    return bits < 32 ? low >> bits : ((y >> 32) * range + (low >> 32)) >> (bits - 32);
}

HD u64 residue_of(u64 y, u64 range) { return (y | range) >> 32 ? y % range : (u32)y % (u32)range; }

HD u64 value_of(const Call &call, u64 y) {
    if (call.kind == Call::itself) return y;
    if (call.kind == Call::residue) return residue_of(y, call.range);
    if (call.kind == Call::multiplied) return multiply_shift(y, call.range, call.bits);
    const double z = (double)y / call.unit * (double)call.range;
    return (u64)z + (call.rounds && z - (double)(u64)z >= 0.5);
}

// The filter word of 32 bits of a word.
template <class W> HD W filtered(W z, const Filter &filter) {
    if (filter.shift) z = z >> (int)filter.shift;
    if (filter.zeros) z = (z >> (int)filter.zeros) | (z << (int)(32 - filter.zeros));
    return z * filter.multiplier;
}

// One generator, read as a call reads it. It is all inlined, so the generator's step stands in few places.
template <class G> struct Reader {
    const Call &call;
    G g;
    u64 kept = 0;  // halves: the last word, while its high half is still to come
    bool holds = false;

    HD Reader(const Call &of, u64 seed) : call(of) { g.seed((u32)seed, (u32)(seed >> 32)); }

    HD u64 word() {
        if (holds) {
            holds = false;
            return kept >> 32;
        }
        u64 first = 0, r = 0;
        for (u64 left = raw_words(call, 1); left; --left) {
            first = r;
            r = raw_word(g);
        }
        switch (call.view) {
            case window: return (u32)(r >> call.at);
            case halves: holds = true, kept = r; return (u32)r;
            case pairs: return first + (r << 32);
            case tops: return (first >> call.at << 16) + (r >> call.at);
            default: return r;
        }
    }

    HD void skip(u64 words) {
        if (call.view != halves) return skip_words(g, raw_words(call, words));
        if (words && holds) holds = false, --words;
        skip_words(g, words / 2);
        if constexpr (G::word_bits > 32)
            if (words % 2) word();
    }

    HD u64 accepted() {
        u64 x;
        u32 tries = 0;
        do x = word();
        while (rejects(call, x) && ++tries < patience);
        return x;
    }

    HD u64 draw() {
        u64 y = accepted() >> call.shift & call.mask;
        if (call.words == 2) y = (y << call.join) + (word() >> call.second_shift);
        return value_of(call, y);
    }

    HD void discard(u64 calls) {  // a call that can reject takes one word
        if (!can_reject(call)) return skip(calls * call.words);
        for (; calls; --calls) accepted();
    }
};

// The filter word of a word that the call accepts.
HD u32 filter_word(const Call &call, const Filter &filter, u64 x) {
    return filter.reduce ? (u32)((x >> call.shift) % call.range) * filter.multiplier : filtered((u32)(x >> filter.at), filter);
}
