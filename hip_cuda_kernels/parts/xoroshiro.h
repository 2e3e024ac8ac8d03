// The linear engines of xoroshiro and xoshiro (Blackman, Vigna 2021), one step forward or back; scramblers and seedings lie elsewhere.
#pragma once
#include "device.h"

// Two words of `bits` bits; a, b and c are the paper's rotation, shift and rotation.
template <class Word, int bits, int a, int b, int c> struct Xoroshiro {
    Word x0, x1;

    HD void step() {
        Word mixed = x0 ^ x1;
        x0 = rotated(x0, a) ^ mixed ^ (mixed << b);
        x1 = rotated(mixed, c);
    }
    HD void back() {
        Word mixed = rotated(x1, bits - c);
        x0 = rotated(Word(x0 ^ mixed ^ (mixed << b)), bits - a);
        x1 = mixed ^ x0;
    }
    HD static Word rotated(Word x, int by) { return (x << by) | (x >> (bits - by)); }
};

// Four words of 64 bits: shift 17, rotation 45.
template <class Wide> struct Xoshiro256 {
    Wide x0, x1, x2, x3;

    HD void step() {
        Wide shifted = x1 << 17;
        x2 = x2 ^ x0;
        x3 = x3 ^ x1;
        x1 = x1 ^ x2;
        x0 = x0 ^ x3;
        x2 = x2 ^ shifted;
        x3 = rotate_left64(x3, 45);
    }
    HD void back() {
        x3 = rotate_left64(x3, 19);
        x0 = x0 ^ x3;
        Wide mixed = x1 ^ x2;  // the old x1 and its shift
        Wide old = mixed ^ (mixed << 17) ^ (mixed << 34) ^ (mixed << 51);
        x2 = x2 ^ x0 ^ (old << 17);
        x1 = old;
        x3 = x3 ^ x1;
    }
};
