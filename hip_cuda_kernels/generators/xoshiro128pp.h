// xoshiro128++ (Blackman, Vigna 2019), its state filled from two SplitMix64 words, low half first (Rust's seed_from_u64).
#pragma once
#include "device.h"
#include "splitmix64.h"
#include "unshift.h"

template <class W> struct Xoshiro128pp {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Xoshiro128pp Beyond;
    W s0, s1, s2, s3;

    HD void seed(W low, u32 high) {
        SplitMix64<W> filler;
        filler.seed(low, high);
        auto first = filler.next_wide(), second = filler.next_wide();
        s0 = lo32(first);
        s1 = hi32(first);
        s2 = lo32(second);
        s3 = hi32(second);
    }
    HD W next() {
        W word = rotate_left(W(s0 + s3), 7) + s0;
        W shifted = s1 << 9;
        s2 = s2 ^ s0;
        s3 = s3 ^ s1;
        s1 = s1 ^ s2;
        s0 = s0 ^ s3;
        s2 = s2 ^ shifted;
        s3 = rotate_left(s3, 11);
        return word;
    }
    HD void back() {
        W mixed = rotate_left(s3, 32 - 11);
        s0 = s0 ^ mixed;
        const W before = without_left_shift(W(s1 ^ s2), 9);
        s2 = s1 ^ before ^ s0;
        s1 = before;
        s3 = mixed ^ before;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
