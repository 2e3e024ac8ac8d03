// sfc32 (Doty-Humphrey, PractRand) as JavaScript users seed it: three constants, the seed in the counter's place, 15 words passed over.
#pragma once
#include "device.h"

template <class W> struct Sfc32PhiPiE {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Sfc32PhiPiE Beyond;
    W a, b, c, counter;

    HD void seed(W low, u32) {
        a = W(0x9e3779b9u);  // the fractions of the golden ratio, pi and e
        b = W(0x243f6a88u);
        c = W(0xb7e15162u);
        counter = low ^ 0xdeadbeefu;
        skip(15);
    }
    HD W next() {
        W word = a + b + counter;
        counter = counter + 1u;
        a = b ^ (b >> 9);
        b = c + (c << 3);
        c = rotate_left(c, 21) + word;
        return word;
    }
    HD void back() {
        W c_before = b * 0x38e38e39u;  // b was c * 9
        W word = c - rotate_left(c_before, 21);
        b = a ^ (a >> 9);  // undoes b ^ b >> 9, by twos
        b = b ^ (b >> 18);
        c = c_before;
        counter = counter - 1u;
        a = word - b - counter;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
