// NumPy's SeedSequence of one integer below 2^64 (O'Neill's seed_seq_fe128): four pooled words, hashed out as often as wanted.
#pragma once
#include "device.h"

template <class W> HD W seed_sequence_hash(W word, u32 before, u32 after) {
    word = (word ^ before) * after;
    return word ^ (word >> 16);
}

template <class W> struct SeedSequence {
    W pool[4];
    u32 index, hash;  // the next word to give, and the hash constant that it takes

    HD void seed(W low, u32 high) {
        u32 constant = 0x43b0d7e5u;
        auto hashed = [&constant](W word) {
            const u32 before = constant;
            constant *= 0x931e8875u;
            return seed_sequence_hash(word, before, constant);
        };
        pool[0] = hashed(low);
        pool[1] = hashed(W(high));
        pool[2] = hashed(W(0u));
        pool[3] = hashed(W(0u));
        for (u32 from = 0; from < 4; ++from)
            for (u32 to = 0; to < 4; ++to)
                if (from != to) pool[to] = mixed(pool[to], hashed(pool[from]));
        index = 0;
        hash = 0x8b51f9ddu;
    }
    // generate_state: 32-bit words in order; a 64-bit word is two of them, the low half first.
    HD W next() {
        W word = seed_sequence_hash(pool[index % 4], hash, hash * 0x58f38dedu);
        skip(1);
        return word;
    }
    HD typename wide_of<W>::type next_wide() {
        W low = next();
        return join(next(), low);
    }
    HD void skip(u32 count) {
        index += count;
        for (; count; --count) hash *= 0x58f38dedu;
    }

  private:
    HD W mixed(W x, W y) {
        W word = x * 0xca01f9ddu - y * 0x4973f715u;
        return word ^ (word >> 16);
    }
};
