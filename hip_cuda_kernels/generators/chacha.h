// ChaCha with 8, 12 and 20 rounds (Bernstein 2008) as Rust's rand_chacha draws from it: key from the seed, stream 0, counter from 0.
#pragma once
#include "device.h"
#include "rust_seed.h"

template <class W> HD void chacha_quarter(W &a, W &b, W &c, W &d) {
    a = a + b;
    d = rotate_left(d ^ a, 16);
    c = c + d;
    b = rotate_left(b ^ c, 12);
    a = a + b;
    d = rotate_left(d ^ a, 8);
    c = c + d;
    b = rotate_left(b ^ c, 7);
}

template <class W, u32 rounds> struct ChaCha {
    enum : u32 { word_bits = 32, reach = unlimited };
    W key[8], words[16];
    u64 counter;
    u32 used;

    HD void seed(W low, u32 high) {
        RustSeed<W> filler(low, high);
        for (u32 i = 0; i < 8; ++i) key[i] = filler.next();
        counter = 0;
        used = 16;
    }
    HD W next() {
        if (used == 16) block();
        return words[used++];
    }
    HD void skip(u32 count) {
        if (count <= 16 - used) {
            used += count;
            return;
        }
        count -= 16 - used;
        counter += count / 16;
        block();
        used = count % 16;
    }

  private:
    HD void load(W *x) const {
        x[0] = W(0x61707865u);  // "expand 32-byte k"
        x[1] = W(0x3320646eu);
        x[2] = W(0x79622d32u);
        x[3] = W(0x6b206574u);
        for (u32 i = 0; i < 8; ++i) x[4 + i] = key[i];
        x[12] = W((u32)counter);
        x[13] = W((u32)(counter >> 32));
        x[14] = x[15] = W(0u);
    }
    HD void block() {
        W start[16];
        load(start);
        load(words);
        for (u32 round = 0; round < rounds; round += 2) {
            for (u32 i = 0; i < 4; ++i) chacha_quarter(words[i], words[4 + i], words[8 + i], words[12 + i]);
            for (u32 i = 0; i < 4; ++i)
                chacha_quarter(words[i], words[4 + (i + 1) % 4], words[8 + (i + 2) % 4], words[12 + (i + 3) % 4]);
        }
        for (u32 i = 0; i < 16; ++i) words[i] = words[i] + start[i];
        ++counter;
        used = 0;
    }
};

template <class W> struct ChaCha8 : ChaCha<W, 8> {
    typedef ChaCha8 Beyond;
};

template <class W> struct ChaCha12 : ChaCha<W, 12> {
    typedef ChaCha12 Beyond;
};

template <class W> struct ChaCha20 : ChaCha<W, 20> {
    typedef ChaCha20 Beyond;
};
