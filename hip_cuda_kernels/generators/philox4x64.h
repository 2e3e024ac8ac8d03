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
        const Wide factor0(0xd2e7470ee14c6c93ull), factor1(0xca5a826395121157ull);
        Wide a(counter), b(0ull), c(0ull), d(0ull), round0 = key0, round1 = key1;
        for (u32 round = 0; round < 10; ++round) {
            Wide high0 = high_product64(a, factor0), high1 = high_product64(c, factor1);
            Wide low0 = a * factor0, low1 = c * factor1;
            a = high1 ^ b ^ round0;
            b = low1;
            c = high0 ^ d ^ round1;
            d = low0;
            round0 = round0 + 0x9e3779b97f4a7c15ull;
            round1 = round1 + 0xbb67ae8584caa73bull;
        }
        words[0] = a;
        words[1] = b;
        words[2] = c;
        words[3] = d;
        held = counter;
    }
};
