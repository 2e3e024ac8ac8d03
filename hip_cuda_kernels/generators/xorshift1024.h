// xorshift1024*phi (Vigna 2016): an xorshift of sixteen 64-bit words under a multiplication, seeded as randomgen.Xorshift1024(seed).
#pragma once
#include "device.h"
#include "seed_sequence.h"

template <class W> struct Xorshift1024 {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef Xorshift1024 Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide s[16];
    u32 at;

    HD void seed(W low, u32 high) {
        SeedSequence<W> words;
        words.seed(low, high);
        for (u32 i = 0; i < 16; ++i) s[i] = words.next_wide();
        at = 0;
    }
    HD Wide next_wide() {
        const Wide before = s[at];
        at = (at + 1) % 16;
        const Wide mixed = s[at] ^ (s[at] << 31);
        s[at] = mixed ^ before ^ (mixed >> 11) ^ (before >> 30);
        return s[at] * 0x9e3779b97f4a7c13ull;
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        for (; count; --count) next_wide();
    }
};
