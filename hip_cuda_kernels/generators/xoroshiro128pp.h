// xoroshiro128++ (Blackman, Vigna 2021), its state filled by the JDK from a long.
#pragma once
#include "device.h"
#include "jdk_mixers.h"
#include "xoroshiro.h"

template <class W> struct Xoroshiro128ppJdk : Xoroshiro<typename wide_of<W>::type, 64, 49, 21, 28> {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef Xoroshiro128ppJdk Beyond;
    typedef typename wide_of<W>::type Wide;

    HD void seed(W low, u32 high) {
        Wide seed = join_seed(low, high) ^ (u64)silver_ratio;
        this->x0 = mix_stafford13(seed);
        this->x1 = mix_stafford13(Wide(seed + (u64)golden_ratio));
    }
    HD Wide next_wide() {
        Wide word = rotate_left64(Wide(this->x0 + this->x1), 17) + this->x0;
        this->step();
        return word;
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        for (; count; --count) this->step();
    }
};
