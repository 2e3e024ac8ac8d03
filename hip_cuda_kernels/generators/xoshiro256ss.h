// xoshiro256** (Blackman, Vigna 2018), 64-bit words, with two seedings: four SplitMix64 words, and Lua's own.
#pragma once
#include "device.h"
#include "splitmix64.h"

template <class W> struct Xoshiro256ssState {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef typename wide_of<W>::type Wide;
    Wide s0, s1, s2, s3;

    HD Wide next_wide() {
        const Wide five = (s1 << 2) + s1, turned = rotate_left64(five, 7);
        step();
        return (turned << 3) + turned;
    }
    HD W next() { return hi32(next_wide()); }
    HD void step() {
        const Wide shifted = s1 << 17;
        s2 = s2 ^ s0;
        s3 = s3 ^ s1;
        s1 = s1 ^ s2;
        s0 = s0 ^ s3;
        s2 = s2 ^ shifted;
        s3 = rotate_left64(s3, 45);
    }
    // s1 ^ s2 of the new state is old ^ old << 17 for the old s1; the rest follows.
    HD void back() {
        const Wide mixed = rotate_left64(s3, 19), hidden = s1 ^ s2, half = hidden ^ (hidden << 17);
        const Wide old = half ^ (half << 34);
        s0 = s0 ^ mixed;
        s2 = s0 ^ s1 ^ old;
        s3 = mixed ^ old;
        s1 = old;
    }
    HD void skip(u32 count) {
        for (; count; --count) step();
    }
};

template <class W> struct Xoshiro256ss : Xoshiro256ssState<W> {
    typedef Xoshiro256ss Beyond;
    HD void seed(W low, u32 high) {
        SplitMix64<W> filler;
        filler.seed(low, high);
        this->s0 = filler.next_wide();
        this->s1 = filler.next_wide();
        this->s2 = filler.next_wide();
        this->s3 = filler.next_wide();
    }
};

// math.randomseed(n) of Lua 5.4: the state is n, 0xff, the second seed (0) and 0; the first 16 words are dropped.
template <class W> struct Xoshiro256ssLua : Xoshiro256ssState<W> {
    typedef Xoshiro256ssLua Beyond;
    typedef typename wide_of<W>::type Wide;
    HD void seed(W low, u32 high) {
        this->s0 = join_seed(low, high);
        this->s1 = Wide(0xffull);
        this->s2 = this->s3 = Wide(0ull);
        this->skip(16);
    }
};
