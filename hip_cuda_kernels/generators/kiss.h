// JKISS (Jones 2010): a congruential, an xorshift and a multiply-with-carry generator, summed, seeded as dieharder's generator 208.
#pragma once
#include "device.h"
#include "lcg_jump.h"
#include "mt19937.h"

template <class W> struct Kiss {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Kiss Beyond;
    W x, y, z, carry;

    // Words of MT19937 with its seeding of 1999; a second word of 0 is passed over.
    HD void seed(W low, u32) {
        low = low | (equal_mask(low, W(0u)) & 4357u);
        W word[5];
        for (u32 i = 0; i < 5; ++i) word[i] = mt_temper(mt_twist(state(low, i), state(low, i + 1), state(low, i + 397)));
        const W none = equal_mask(word[1], W(0u));
        x = word[0];
        y = select(none, word[2], word[1]);
        z = select(none, word[3], word[2]);
        carry = select(none, word[4], word[3]) % 698769068u + 1u;
    }
    HD W next() {
        x = x * 314527869u + 1234567u;
        y = y ^ (y << 5);
        y = y ^ (y >> 7);
        y = y ^ (y << 22);
        auto product = multiply_wide(z, 4294584393u) + widen(carry);
        z = lo32(product);
        carry = hi32(product);
        return x + y + z;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    // A state word is the upper halves of two numbers of x -> 69069 x + 1.
    HD W state(W seed, u32 index) {
        const LcgStep jump = lcg_jump({69069, 1}, 2 * index);
        W first = seed * (u32)jump.multiplier + (u32)jump.increment;
        return (first & 0xffff0000u) | ((first * 69069u + 1u) >> 16);
    }
};
