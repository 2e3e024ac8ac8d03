// Squares (Widynski 2020), a counter from 0 squared four or five times under a key: the seed is the key, an odd number.
#pragma once
#include "device.h"

template <class Wide> HD Wide squared_round(Wide x, Wide add) {
    x = x * x + add;
    return (x >> 32) | (x << 32);
}

template <class W> struct SquaresState {
    typedef typename wide_of<W>::type Wide;
    Wide key, product;  // counter * key

    HD void seed(W low, u32 high) {
        key = join_seed(low, high);
        product = Wide(0ull);
    }
    HD void back() { product = product - key; }
    HD void skip(u32 count) { product = product + key * (u64)count; }

  protected:
    // Three rounds; y and z are the counter's product and the next one's.
    HD Wide three(Wide &y, Wide &z) {
        y = product;
        product = z = y + key;
        return squared_round(squared_round(squared_round(y, y), z), y);
    }
};

template <class W> struct Squares32 : SquaresState<W> {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Squares32 Beyond;
    HD W next() {
        typename wide_of<W>::type y, z, x = this->three(y, z);
        return hi32(x * x + z);
    }
};

template <class W> struct Squares64 : SquaresState<W> {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef Squares64 Beyond;
    typedef typename wide_of<W>::type Wide;
    HD Wide next_wide() {
        Wide y, z, x = this->three(y, z), t = x * x + z;
        x = (t >> 32) | (t << 32);
        return t ^ ((x * x + y) >> 32);
    }
    HD W next() { return hi32(next_wide()); }
};
