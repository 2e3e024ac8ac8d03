// The compression function of SHA-1 (FIPS 180-4) on a message of one block.
#pragma once
#include "device.h"

// digest[0..4] of the padded block[0..15], both as big-endian words; the block is used up.
template <class W> HD void sha1_block(W *block, W *digest) {
    const u32 initial[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    const u32 constants[4] = {0x5a827999u, 0x6ed9eba1u, 0x8f1bbcdcu, 0xca62c1d6u};
    W a = W(initial[0]), b = W(initial[1]), c = W(initial[2]), d = W(initial[3]), e = W(initial[4]);
    for (u32 t = 0; t < 80; ++t) {
        W &word = block[t & 15];
        if (t >= 16) word = rotate_left(W(block[(t + 13) & 15] ^ block[(t + 8) & 15] ^ block[(t + 2) & 15] ^ word), 1);
        W chosen = t < 20 ? d ^ (b & (c ^ d)) : t >= 40 && t < 60 ? (b & c) | (d & (b | c)) : b ^ c ^ d;
        W mixed = rotate_left(a, 5) + chosen + e + word + constants[t / 20];
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = mixed;
    }
    digest[0] = a + initial[0];
    digest[1] = b + initial[1];
    digest[2] = c + initial[2];
    digest[3] = d + initial[3];
    digest[4] = e + initial[4];
}
