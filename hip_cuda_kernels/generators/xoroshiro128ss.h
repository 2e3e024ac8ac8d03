// xoroshiro128** (Blackman, Vigna 2021), its state two words of SplitMix64, as in PostgreSQL 15 and later.
#pragma once
#include "device.h"
#include "splitmix64.h"
#include "xoroshiro.h"

// A word is what random() shows: the upper 52 bits.
template <class W> struct Xoroshiro128ssPostgres : Xoroshiro<typename wide_of<W>::type, 64, 24, 16, 37> {
    enum : u32 { word_bits = 52, reach = unlimited };
    typedef Xoroshiro128ssPostgres Beyond;
    typedef typename wide_of<W>::type Wide;

    HD void seed(W low, u32 high) {
        SplitMix64<W> filler;
        filler.seed(low, high);
        this->x0 = filler.next_wide();
        this->x1 = filler.next_wide();
    }
    HD Wide next_wide() { return scrambled() >> 12; }
    HD W next() { return hi32(scrambled()); }
    HD void skip(u32 count) {
        for (; count; --count) this->step();
    }

  private:
    HD Wide scrambled() {
        Wide word = rotate_left64(Wide(this->x0 * 5ull), 7) * 9ull;
        this->step();
        return word;
    }
};
