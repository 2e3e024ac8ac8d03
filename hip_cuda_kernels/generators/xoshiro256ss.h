// xoshiro256** (Blackman, Vigna 2018), 64-bit words, with two seedings: four SplitMix64 words, and Lua's own.
#pragma once
#include "device.h"
#include "splitmix64.h"
#include "xoroshiro.h"

template <class W> struct Xoshiro256ssWords : Xoshiro256<typename wide_of<W>::type> {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef typename wide_of<W>::type Wide;

    HD Wide next_wide() {
        const Wide five = (this->x1 << 2) + this->x1, turned = rotate_left64(five, 7);
        this->step();
        return (turned << 3) + turned;
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        for (; count; --count) this->step();
    }
};

template <class W> struct Xoshiro256ss : Xoshiro256ssWords<W> {
    typedef Xoshiro256ss Beyond;
    HD void seed(W low, u32 high) {
        SplitMix64<W> filler;
        filler.seed(low, high);
        this->x0 = filler.next_wide();
        this->x1 = filler.next_wide();
        this->x2 = filler.next_wide();
        this->x3 = filler.next_wide();
    }
};

// math.randomseed(n) of Lua 5.4: the state is n, 0xff, the second seed (0) and 0; the first 16 words are dropped.
template <class W> struct Xoshiro256ssLua : Xoshiro256ssWords<W> {
    typedef Xoshiro256ssLua Beyond;
    typedef typename wide_of<W>::type Wide;
    HD void seed(W low, u32 high) {
        this->x0 = join_seed(low, high);
        this->x1 = Wide(0xffull);
        this->x2 = this->x3 = Wide(0ull);
        this->skip(16);
    }
};
