// PHP's own MT19937 of versions 5.2.1 to 7.0: its twist takes the low bit of the word it replaces instead of the next one's.
#pragma once
#include "mt19937.h"

template <class W> HD W mt_twist_php(W here, W after, W far) {
    W mixed = (here & 0x80000000u) | (after & 0x7fffffffu);
    return far ^ (mixed >> 1) ^ ((W(0u) - (here & 1u)) & 0x9908b0dfu);
}

// The whole state, twisted word by word as it is used: right at any distance.
template <class W> struct Mt19937PhpState {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Mt19937PhpState Beyond;
    W mt[624];
    u32 at;

    HD void seed(W low, u32) {
        W word = low;
        mt[0] = word;
        for (u32 i = 1; i < 624; ++i) mt[i] = word = mt_link(word, i);
        at = 0;
    }
    HD W next() {
        u32 after = at + 1 == 624 ? 0 : at + 1;
        u32 far = at + 397 < 624 ? at + 397 : at - 227;
        W word = mt_twist_php(mt[at], mt[after], mt[far]);
        mt[at] = word;
        at = after;
        return mt_temper(word);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};

// The first 227 words from two points that walk along the seeding chain, as in Mt19937InitGenrand: no state is kept.
template <class W> struct Mt19937Php {
    enum : u32 { word_bits = 32, reach = 227 };
    typedef Mt19937PhpState<W> Beyond;
    W here, far;
    u32 index;

    HD void seed(W low, u32) {
        here = far = low;
        index = 0;
        for (u32 i = 1; i < 397; ++i) far = mt_link(far, i);
    }
    HD W next() {
        W after = mt_link(here, index + 1);
        far = mt_link(far, index + 397);
        W word = mt_twist_php(here, after, far);
        here = after;
        ++index;
        return mt_temper(word);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
