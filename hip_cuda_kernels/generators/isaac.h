// ISAAC (Jenkins 1996) as Rust's rand_isaac seeds it from a u64: the seed's halves in the first two words, one pass of mixing.
#pragma once
#include "device.h"

template <class W> struct IsaacRust {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef IsaacRust Beyond;
    W memory[256], results[256], a, b;
    u32 blocks, used;

    HD void seed(W low, u32 high) {
        for (u32 i = 2; i < 256; ++i) memory[i] = W(0u);
        memory[0] = low;
        memory[1] = W(high);
        scramble();
        a = b = W(0u);
        blocks = 0;
        used = 256;
    }
    HD W next() {
        if (used == 256) block();
        return results[used++];
    }
    HD void skip(u32 count) {
        for (; count > 256 - used; block()) count -= 256 - used;
        used += count;
    }

  private:
    HD void scramble() {
        // The golden ratio in all eight, mixed four times (randinit of rand.c).
        W x[8] = {W(0x1367df5au), W(0x95d90059u), W(0xc3163e4bu), W(0x0f421ad8u),
                  W(0xd92a4a78u), W(0xa51a3c49u), W(0xc4efea1bu), W(0x30609119u)};
        for (u32 i = 0; i < 256; i += 8) {
            for (u32 j = 0; j < 8; ++j) x[j] = x[j] + memory[i + j];
            mix(x);
            for (u32 j = 0; j < 8; ++j) memory[i + j] = x[j];
        }
    }
    HD static void stir(W *x, u32 i, W shifted) {
        x[i] = x[i] ^ shifted;
        x[(i + 3) % 8] = x[(i + 3) % 8] + x[i];
        x[(i + 1) % 8] = x[(i + 1) % 8] + x[(i + 2) % 8];
    }
    HD static void mix(W *x) {
        stir(x, 0, x[1] << 11);
        stir(x, 1, x[2] >> 2);
        stir(x, 2, x[3] << 8);
        stir(x, 3, x[4] >> 16);
        stir(x, 4, x[5] << 10);
        stir(x, 5, x[6] >> 4);
        stir(x, 6, x[7] << 8);
        stir(x, 7, x[0] >> 9);
    }
    // One of 256 steps; the words of a block are handed out last made first.
    HD void step(u32 i, W mixed) {
        const W x = memory[i];
        a = mixed + memory[(i + 128) % 256];
        const W y = a + b + pick(memory, (x >> 2) & 255u);
        memory[i] = y;
        b = x + pick(memory, (y >> 10) & 255u);
        results[255 - i] = b;
    }
    HD void block() {
        b = b + ++blocks;
        for (u32 i = 0; i < 256; i += 4) {
            step(i, a ^ (a << 13));
            step(i + 1, a ^ (a >> 6));
            step(i + 2, a ^ (a << 2));
            step(i + 3, a ^ (a >> 16));
        }
        used = 0;
    }
};
