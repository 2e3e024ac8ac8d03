// HC-128 (Wu 2004), the stream cipher, as Rust's rand_hc keys it from a u64: four key words, then four words of the vector.
#pragma once
#include "device.h"
#include "rust_seed.h"

template <class W> HD W rotate_right(W x, int by) { return rotate_left(x, 32 - by); }

template <class W> struct Hc128Rust {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Hc128Rust Beyond;
    W table[1024];  // P, then Q
    u32 at;

    HD void seed(W low, u32 high) {
        RustSeed<W> filler(low, high);
        for (u32 i = 0; i < 4; ++i) table[i] = table[i + 4] = filler.next();
        for (u32 i = 8; i < 12; ++i) table[i] = table[i + 4] = filler.next();
        for (u32 i = 16; i < 272; ++i) table[i] = expanded(i, i);
        for (u32 i = 0; i < 16; ++i) table[i] = table[i + 256];
        for (u32 i = 16; i < 1024; ++i) table[i] = expanded(i, i + 256);
        at = 0;
        for (u32 i = 0; i < 1024; ++i) table[i] = next();
    }
    HD W next() {
        const bool in_q = at >= 512;
        const W *other = in_q ? table : table + 512;
        W *own = in_q ? table + 512 : table;
        const u32 i = at % 512;
        const W x = own[(i + 500) % 512];
        own[i] = own[i] + (in_q ? updated<false>(own, i) : updated<true>(own, i));
        at = (at + 1) % 1024;
        return (pick(other, x & 255u) + pick(other + 256, (x >> 16) & 255u)) ^ own[i];
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    // Rotations to the right by 23, 10 and 8 in P, to the left by as much in Q.
    template <bool right> HD static W turned(W x, int by) { return right ? rotate_right(x, by) : rotate_left(x, by); }
    template <bool right> HD static W updated(const W *own, u32 i) {
        const W oldest = turned<right>(own[(i + 1) % 512], 23), latest = turned<right>(own[(i + 509) % 512], 10);
        return turned<right>(own[(i + 502) % 512], 8) + (oldest ^ latest);
    }
    HD W expanded(u32 i, u32 count) const {
        const W x = table[i - 2], y = table[i - 15];
        const W f2 = rotate_right(x, 17) ^ rotate_right(x, 19) ^ (x >> 10);
        const W f1 = rotate_right(y, 7) ^ rotate_right(y, 18) ^ (y >> 3);
        return f2 + table[i - 7] + f1 + table[i - 16] + count;
    }
};
