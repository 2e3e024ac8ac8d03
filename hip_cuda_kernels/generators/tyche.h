// Tyche (Neves, Araujo 2011): the quarter round of ChaCha as a generator, seeded as randomgen.Tyche(seed).
#pragma once
#include "device.h"
#include "seed_sequence.h"

template <class W> struct Tyche {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Tyche Beyond;
    W a, b, c, d;

    // Two words of a SeedSequence are Tyche's seed, the third its stream; twenty words dropped.
    HD void seed(W low, u32 high) {
        SeedSequence<W> words;
        words.seed(low, high);
        b = words.next();
        a = words.next();
        c = W(2654435769u);
        d = words.next() ^ 1367130551u;
        skip(20);
    }
    HD W next() {
        half(16, 12);
        half(8, 7);
        return b;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
    HD void back() {
        half_back(8, 7);
        half_back(16, 12);
    }

  private:
    HD void half(int first, int second) {
        a = a + b;
        d = rotate_left(W(d ^ a), first);
        c = c + d;
        b = rotate_left(W(b ^ c), second);
    }
    HD void half_back(int first, int second) {
        b = rotate_left(b, 32 - second) ^ c;
        c = c - d;
        d = rotate_left(d, 32 - first) ^ a;
        a = a - b;
    }
};
