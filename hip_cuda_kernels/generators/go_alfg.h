// Go's math/rand (version 1): the additive lagged Fibonacci generator x[i] = x[i-273] + x[i-607] modulo 2^64. A word is Int63().
//
// NewSource(seed) fills the 607 words from a chain of 48271-multiplications modulo 2^31 - 1, three links a word, over a fixed table.
#pragma once
#include "device.h"
#include "go_cooked.h"
#include "lcg31.h"

// The link `distance` of the chain from the seed is the seed times this.
HD constexpr u32 go_power(u32 distance) {
    u64 power = 1;
    for (u32 i = 0; i < distance; ++i) power = power * 48271u % 0x7fffffffu;
    return (u32)power;
}

// The signed seed modulo 2^31 - 1, where 2^32 counts as 2; 0 becomes Go's own number.
template <class W> HD W go_seed(W low, u32 high) {
    const u32 upper = (u32)((2ull * high + (high >> 31 ? 8 * 0x7fffffffull - 4 : 0)) % 0x7fffffffu);
    W x = mod31(low) + upper;
    x = smaller(x, W(x - 0x7fffffffu));
    return select(equal_mask(x, W(0u)), W(89482311u), x);
}

// Word `index` of the first 607, from the first of its three links.
template <class W> HD typename wide_of<W>::type go_filled(W link, u32 index) {
    W second = times_mod31(link, 48271u), third = times_mod31(second, 48271u);
    return (widen(link) << 40) ^ (widen(second) << 20) ^ widen(third) ^ go_cooked(index);
}

template <class W> struct GoAlfgState {
    enum : u32 { word_bits = 63, reach = unlimited };
    typedef GoAlfgState Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide ring[607];
    u32 tap, feed;

    HD void seed(W low, u32 high) {
        W link = times_mod31(go_seed(low, high), go_power(21));
        for (u32 i = 0; i < 607; ++i) {
            ring[i] = go_filled(link, i);
            link = times_mod31(link, go_power(3));
        }
        tap = 0;
        feed = 334;
    }
    HD Wide sum() {
        tap = tap == 0 ? 606 : tap - 1;
        feed = feed == 0 ? 606 : feed - 1;
        return ring[feed] = ring[feed] + ring[tap];
    }
    HD Wide next_wide() { return sum() & 0x7fffffffffffffffull; }
    HD W next() { return hi32(sum() << 1); }
    HD void skip(u32 count) {
        for (; count; --count) sum();
    }
};

// The first 273 words add two of the filled words each, from the ends down: two links walk back along the chain, no word is kept.
template <class W> struct GoAlfg {
    enum : u32 { word_bits = 63, reach = 273 };
    typedef GoAlfgState<W> Beyond;
    typedef typename wide_of<W>::type Wide;
    W feed, tap;
    u32 used;

    HD void seed(W low, u32 high) {
        W start = go_seed(low, high);
        feed = times_mod31(start, go_power(21 + 3 * 333));
        tap = times_mod31(start, go_power(21 + 3 * 606));
        used = 0;
    }
    HD Wide sum() {
        const Wide word = go_filled(feed, 333 - used) + go_filled(tap, 606 - used);
        skip(1);
        return word;
    }
    HD Wide next_wide() { return sum() & 0x7fffffffffffffffull; }
    HD W next() { return hi32(sum() << 1); }
    HD void skip(u32 count) {
        const u32 three_back = 856800417u;  // 48271^-3 modulo 2^31 - 1
        for (used += count; count; --count) {
            feed = times_mod31(feed, three_back);
            tap = times_mod31(tap, three_back);
        }
    }
};
