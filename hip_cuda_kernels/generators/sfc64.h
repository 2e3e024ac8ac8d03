// SFC64 (Doty-Humphrey, PractRand): three chaotic words and a counter, as numpy.random.SFC64 seeds it.
#pragma once
#include "seed_sequence.h"

template <class W> struct Sfc64 {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef Sfc64 Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide a, b, c;
    u64 counter;

    HD void seed(W low, u32 high) {
        SeedSequence<W> sequence;
        sequence.seed(low, high);
        a = sequence.next_wide();
        b = sequence.next_wide();
        c = sequence.next_wide();
        counter = 1;
        skip(12);
    }
    HD Wide next_wide() {
        Wide word = a + b + counter++;
        a = b ^ (b >> 11);
        b = c + (c << 3);
        c = rotate_left64(c, 24) + word;
        return word;
    }
    HD W next() { return hi32(next_wide()); }
    HD void back() {
        Wide c_before = b * 0x8e38e38e38e38e39ull;  // b was c * 9
        Wide word = c - rotate_left64(c_before, 24);
        Wide half = a ^ (a >> 11);  // undoes b ^ b >> 11: the terms of a geometric series, by twos
        half = half ^ (half >> 22);
        b = half ^ (half >> 44);
        c = c_before;
        a = word - b - --counter;
    }
    HD void skip(u32 count) {
        for (; count; --count) next_wide();
    }
};
