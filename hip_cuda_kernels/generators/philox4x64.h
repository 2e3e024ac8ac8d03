// Philox4x64-10 (Salmon, Moraes, Dror, Shaw 2011) as numpy.random.Philox seeds it: a 128-bit key, counter blocks from 1 on.
#pragma once
#include "seed_sequence.h"

template <class W> struct Philox4x64 {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef Philox4x64 Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide key0, key1, words[4];
    u64 at, held;  // the next word, and the counter of the block that `words` holds

    HD void seed(W low, u32 high) {
        SeedSequence<W> sequence;
        sequence.seed(low, high);
        key0 = sequence.next_wide();
        key1 = sequence.next_wide();
        at = 4;
        held = 0;
    }
    HD Wide next_wide() {
        if (held != at / 4) block(at / 4);
        return words[at++ % 4];
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) { at += count; }
    HD void back() { --at; }

  private:
    HD void block(u64 counter) {
        const u64 weyl0 = 0x9e3779b97f4a7c15ull, weyl1 = 0xbb67ae8584caa73bull;
        const Wide factor0(0xd2e7470ee14c6c93ull), factor1(0xca5a826395121157ull);
        Wide a(counter), b(0ull), c(0ull), d(0ull);
        for (u32 round = 0; round < 10; ++round) {
            Wide low = a * factor0;
            a = high_product64(a, factor0) ^ d ^ (key1 + weyl1 * round);
            d = low;
            low = c * factor1;
            c = high_product64(c, factor1) ^ b ^ (key0 + weyl0 * round);
            b = low;
            Wide kept = a;
            a = c;
            c = kept;
        }
        words[0] = a;
        words[1] = b;
        words[2] = c;
        words[3] = d;
        held = counter;
    }
};
