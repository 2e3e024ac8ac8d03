// OCaml's Random before 5.0: an additive lagged Fibonacci generator of 55 words of 30 bits, filled by MD5 of the seed's decimal text.
#pragma once
#include "decimal.h"
#include "device.h"
#include "md5.h"

template <class W> struct OcamlRandom {
    enum : u32 { word_bits = 30, reach = unlimited };
    typedef OcamlRandom Beyond;
    W ring[55];
    u32 at;

    // Random.init seed: 110 digests, each of the digest before it ("x" at first) and the text; 30 bits of each go into the ring.
    HD void seed(W low, u32 high) {
        W first[16], block[16], digest[4];
        messages(low, high, first, block);
        for (u32 i = 0; i < 55; ++i) ring[i] = W(i);
        for (u32 i = 0; i < 110; ++i) {
            md5_block(i == 0 ? first : block, digest);
            for (u32 word = 0; word < 4; ++word) block[word] = digest[word];
            ring[i % 55] = (ring[i % 55] ^ digest[0]) & 0x3fffffffu;
        }
        at = 0;
    }
    HD W next() {
        at = (at + 1) % 55;
        const W word = ring[at];
        ring[at] = (ring[(at + 24) % 55] + (word ^ ((word >> 25) & 31u))) & 0x3fffffffu;
        return ring[at];
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    // An int has 63 bits: the seed's top bit is its sign once more.
    HD static u32 int_text(u64 seed, unsigned char *text) {
        const bool negative = seed >> 62 & 1;
        text[0] = '-';
        return negative + decimal_text((negative ? 0 - seed : seed) & 0x7fffffffffffffffull, text + negative);
    }
    HD static void messages(W low, u32 high, W *first, W *block) {
        for (u32 word = 0; word < 16; ++word) first[word] = block[word] = W(0u);
        for (u32 lane = 0; lane < lane_count<W>(); ++lane) {
            unsigned char text[21];
            const u32 length = int_text((u64)high << 32 | lane_of(low, lane), text);
            place(first, lane, 0, 'x');
            for (u32 i = 0; i <= length; ++i) {
                place(first, lane, 1 + i, i < length ? text[i] : 0x80u);
                place(block, lane, 16 + i, i < length ? text[i] : 0x80u);
            }
            set_lane(first[14], lane, 8 * (1 + length));
            set_lane(block[14], lane, 8 * (16 + length));
        }
    }
    HD static void place(W *words, u32 lane, u32 byte, u32 value) {
        W &word = words[byte / 4];
        set_lane(word, lane, lane_of(word, lane) | value << byte % 4 * 8);
    }
};
