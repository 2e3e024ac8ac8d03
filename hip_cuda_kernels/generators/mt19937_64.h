// MT19937-64 (Nishimura 2000), 64-bit words, seeded as std::mt19937_64: one 64-bit number through Knuth's multiplier.
#pragma once
#include "device.h"

// One link of the seeding chain: state word `index` from the one before it.
template <class Wide> HD Wide mt64_link(Wide word, u32 index) {
    return (word ^ (word >> 62)) * 6364136223846793005ull + (u64)index;
}

template <class Wide> HD Wide mt64_twist(Wide here, Wide after, Wide far) {
    Wide mixed = (here & 0xffffffff80000000ull) | (after & 0x7fffffffull);
    return far ^ (mixed >> 1) ^ ((Wide(0ull) - (after & 1ull)) & 0xb5026f5aa96619e9ull);
}

template <class Wide> HD Wide mt64_temper(Wide x) {
    x = x ^ ((x >> 29) & 0x5555555555555555ull);
    x = x ^ ((x << 17) & 0x71d67fffeda60000ull);
    x = x ^ ((x << 37) & 0xfff7eee000000000ull);
    return x ^ (x >> 43);
}

// The whole state, twisted word by word as it is used: right at any distance, 2.5 KB a lane.
template <class W> struct Mt19937_64State {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef Mt19937_64State Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide mt[312];
    u32 at;

    HD void seed(W low, u32 high) {
        Wide word = join_seed(low, high);
        mt[0] = word;
        for (u32 i = 1; i < 312; ++i) mt[i] = word = mt64_link(word, i);
        at = 0;
    }
    HD Wide twisted() {
        u32 after = at + 1 == 312 ? 0 : at + 1;
        u32 far = at + 156 < 312 ? at + 156 : at - 156;
        Wide word = mt64_twist(mt[at], mt[after], mt[far]);
        mt[at] = word;
        at = after;
        return word;
    }
    HD Wide next_wide() { return mt64_temper(twisted()); }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        for (; count; --count) twisted();
    }
};

// The first 156 words need only state words i, i+1 and i+156, so two points walk along the seeding chain and no state is kept.
template <class W> struct Mt19937_64 {
    enum : u32 { word_bits = 64, reach = 156 };
    typedef Mt19937_64State<W> Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide here, far;
    u32 index;

    HD void seed(W low, u32 high) {
        here = far = join_seed(low, high);
        index = 0;
        for (u32 i = 1; i < 156; ++i) far = mt64_link(far, i);
    }
    HD Wide next_wide() {
        Wide after = mt64_link(here, index + 1);
        far = mt64_link(far, index + 156);
        Wide word = mt64_twist(here, after, far);
        here = after;
        ++index;
        return mt64_temper(word);
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        for (; count; --count) next_wide();
    }
};
