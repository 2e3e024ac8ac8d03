// Java's SHA1PRNG: a word is 32 bits of SHA-1 of a 160-bit state, which then takes in the digest, byte by byte.
#pragma once
#include "device.h"
#include "sha1.h"

template <class W> struct Sha1Prng {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Sha1Prng Beyond;
    W state[5], output[5];  // big-endian words
    u32 used;

    // setSeed(long): the state is SHA-1 of the seed's eight bytes, lowest first.
    HD void seed(W low, u32 high) {
        W bytes[2] = {swapped(low), swapped(W(high))};
        hash(bytes, 2, state);
        used = 5;
    }
    HD W next() {
        if (used == 5) refill();
        return output[used++];
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    HD static W swapped(W x) { return (rotate_left(x, 8) & 0x00ff00ffu) | (rotate_left(x, 24) & 0xff00ff00u); }

    HD static void hash(const W *words, u32 count, W *digest) {
        W block[16];
        for (u32 i = 0; i < 16; ++i) block[i] = i < count ? words[i] : W(0u);
        block[count] = W(0x80000000u);
        block[15] = W(32 * count);
        sha1_block(block, digest);
    }
    HD void refill() {
        hash(state, 5, output);
        used = 0;
        take_in();
    }
    // state = state + output + 1 from byte 0 on. The bytes are signed, and so a carry is one less for every byte above 127; a state that
    // stays what it was gets 1 more in byte 0.
    HD void take_in() {
        W carry = W(1u), changed = W(0u);
        for (u32 i = 0; i < 5; ++i) {
            W before = state[i], after = W(0u);
            for (int shift = 24; shift >= 0; shift -= 8) {
                W a = (before >> shift) & 0xffu, b = (output[i] >> shift) & 0xffu;
                W sum = a + b + carry;
                after = after | ((sum & 0xffu) << shift);
                carry = ((sum + 0x400u) >> 8) - (a >> 7) - (b >> 7) - 4u;
            }
            changed = changed | (before ^ after);
            state[i] = after;
        }
        state[0] = state[0] + (equal_mask(changed, W(0u)) & 0x01000000u);
    }
};
