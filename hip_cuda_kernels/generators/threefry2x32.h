// Threefry2x32-20 (Salmon, Moraes, Dror, Shaw 2011) as JAX lays it out: the key is the seed, word i is both halves of block i, xored.
#pragma once
#include "device.h"

template <class W> struct Threefry2x32Jax {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Threefry2x32Jax Beyond;
    W key[3];
    u64 counter;

    HD void seed(W low, u32 high) {
        key[0] = W(high);
        key[1] = low;
        key[2] = low ^ (high ^ 0x1bd11bdau);
        counter = 0;
    }
    HD W next() {
        W x = key[0] + (u32)(counter >> 32), y = key[1] + (u32)counter;
        for (u32 group = 1; group <= 5; ++group) {
            const bool odd = group & 1;
            round(x, y, odd ? 13 : 17);
            round(x, y, odd ? 15 : 29);
            round(x, y, odd ? 26 : 16);
            round(x, y, odd ? 6 : 24);
            x = x + key[group % 3];
            y = y + key[(group + 1) % 3] + group;
        }
        ++counter;
        return x ^ y;
    }
    HD void skip(u32 count) { counter += count; }
    HD void back() { --counter; }

  private:
    HD void round(W &x, W &y, int by) {
        x = x + y;
        y = rotate_left(y, by) ^ x;
    }
};
