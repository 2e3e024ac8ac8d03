// Rust's SmallRng on 64-bit machines (rand 0.8): xoshiro256++ (Blackman, Vigna 2019) whose state seed_from_u64 fills.
#pragma once
#include "device.h"
#include "rust_seed.h"

template <class W> struct SmallRng {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef SmallRng Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide s0, s1, s2, s3;

    HD void seed(W low, u32 high) {
        RustSeed<W> filler(low, high);
        s0 = filler.next_wide();
        s1 = filler.next_wide();
        s2 = filler.next_wide();
        s3 = filler.next_wide();
    }
    HD Wide next_wide() {
        const Wide word = rotate_left64(Wide(s0 + s3), 23) + s0;
        const Wide shifted = s1 << 17;
        s2 = s2 ^ s0;
        s3 = s3 ^ s1;
        s1 = s1 ^ s2;
        s0 = s0 ^ s3;
        s2 = s2 ^ shifted;
        s3 = rotate_left64(s3, 45);
        return word;
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        for (; count; --count) next_wide();
    }
};
