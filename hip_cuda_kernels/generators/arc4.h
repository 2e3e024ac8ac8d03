// ARC4 as npm's seedrandom draws doubles from it: the key is the seed's decimal digits and a NUL, 256 bytes are passed over.
#pragma once
#include "device.h"

struct Arc4 {
    unsigned char table[256], i, j;

    HD void key(const unsigned char *bytes, u32 count) {
        for (u32 k = 0; k < 256; ++k) table[k] = (unsigned char)k;
        j = 0;
        for (u32 k = 0; k < 256; ++k) {
            j += table[k] + bytes[k % count];
            exchange((unsigned char)k);
        }
        i = j = 0;
        for (u32 k = 0; k < 256; ++k) byte();
    }
    HD u64 byte() {
        j += table[++i];
        exchange(i);
        return table[(unsigned char)(table[i] + table[j])];
    }

  private:
    HD void exchange(unsigned char k) {
        const unsigned char kept = table[k];
        table[k] = table[j];
        table[j] = kept;
    }
};

// A word is the upper 53 bits of a fraction: six bytes, and more until it has 53 bits without its leading zeros.
template <class W> struct Arc4SeedRandom {
    enum : u32 { word_bits = 53, reach = unlimited };
    typedef Arc4SeedRandom Beyond;
    typedef typename wide_of<W>::type Wide;
    Arc4 lanes[lane_count<W>()];

    HD void seed(W low, u32 high) {
        for (u32 lane = 0; lane < lane_count<W>(); ++lane) seed_lane(lanes[lane], (u64)high << 32 | lane_of(low, lane));
    }
    HD Wide next_wide() {
        Wide words;
        for (u32 lane = 0; lane < lane_count<W>(); ++lane) set_lane(words, lane, fraction(lanes[lane]));
        return words;
    }
    HD W next() { return lo32(next_wide() >> 21); }
    HD void skip(u32 count) {
        for (u32 lane = 0; lane < lane_count<W>(); ++lane)
            for (u32 i = 0; i < count; ++i) fraction(lanes[lane]);
    }

  private:
    HD void seed_lane(Arc4 &arc4, u64 number) {
        unsigned char text[21] = {};  // the digits from the end on, and the NUL behind them
        u32 first = 20;
        do text[--first] = (unsigned char)('0' + number % 10);
        while (number /= 10);
        arc4.key(text + first, 21 - first);
    }
    HD u64 fraction(Arc4 &arc4) {
        u64 value = 0;
        int bits = 0;
        for (; bits < 48 || value >> 52 == 0; bits += 8) value = value << 8 | arc4.byte();
        return value >> (bits - 53);
    }
};
