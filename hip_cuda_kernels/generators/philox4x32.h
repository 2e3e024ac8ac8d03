// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011): the seed is the key, the 128-bit counter runs from 0, four words a block.
#pragma once
#include "device.h"

template <class W> struct Philox4x32 {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Philox4x32 Beyond;
    W key, words[4];
    u32 high_key, counter, used;

    HD void seed(W low, u32 high) {
        key = low;
        high_key = high;
        counter = 0;
        used = 4;
    }
    HD W next() {
        if (used == 4) block();
        return words[used++];
    }
    HD void skip(u32 count) {
        if (count <= 4 - used) {
            used += count;
            return;
        }
        count -= 4 - used;
        counter += count / 4;
        block();
        used = count % 4;
    }

  private:
    HD void block() {
        W a = W(counter), b = W(0u), c = W(0u), d = W(0u), key0 = key;
        u32 key1 = high_key;
        for (u32 round = 0; round < 10; ++round) {
            auto first = multiply_wide(a, 0xd2511f53u), second = multiply_wide(c, 0xcd9e8d57u);
            a = hi32(second) ^ b ^ key0;
            b = lo32(second);
            c = hi32(first) ^ d ^ key1;
            d = lo32(first);
            key0 = key0 + 0x9e3779b9u;
            key1 += 0xbb67ae85u;
        }
        words[0] = a;
        words[1] = b;
        words[2] = c;
        words[3] = d;
        ++counter;
        used = 0;
    }
};
