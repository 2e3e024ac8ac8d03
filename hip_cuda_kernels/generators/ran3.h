// ran3 of Numerical Recipes (Knuth's subtractive generator): x[n] = x[n-55] - x[n-24] modulo 10^9, seeded as GSL does.
#pragma once
#include "device.h"
#include "remainder.h"

template <class W> struct Ran3 {
    enum : u32 { word_bits = 30, reach = unlimited, base = 1000000000u, mark = 161803398u };
    typedef Ran3 Beyond;
    W x[55];
    u32 at;

    // 161803398 less the seed (GSL: as a 64-bit number) and 1 run as Fibonacci differences to every 21st place; four rounds mix.
    HD void seed(W low, u32) {
        low = low | (equal_mask(low, W(0u)) & 1u);
        W past = minus(W(709551616u), remainder32<base>(low - mark));  // 2^64 = 709551616
        W before = select(above_mask(W(low), W(mark)), past, W(mark) - low), here = W(1u);
        x[54] = before;
        for (u32 i = 1; i < 55; ++i) {
            x[21 * i % 55 - 1] = here;
            W after = minus(before, here);
            before = here;
            here = after;
        }
        for (u32 round = 0; round < 4; ++round)
            for (u32 i = 0; i < 55; ++i) x[i] = minus(x[i], x[(i + 31) % 55]);
        at = 0;
    }
    HD W next() {
        W word = minus(x[at], x[at < 24 ? at + 31 : at - 24]);
        x[at] = word;
        at = at == 54 ? 0 : at + 1;
        return word;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    HD W minus(W a, W b) {
        W difference = a - b;
        return smaller(difference, W(difference + (u32)base));
    }
};
