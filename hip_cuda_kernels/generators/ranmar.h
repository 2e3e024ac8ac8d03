// RANMAR (Marsaglia, Zaman, Tsang 1990): a 24-bit lagged Fibonacci generator less an arithmetic sequence, seeded as GSL does.
#pragma once
#include "device.h"
#include "remainder.h"

template <class W> struct Ranmar {
    enum : u32 { word_bits = 24, reach = unlimited };
    typedef Ranmar Beyond;
    W x[97];
    u32 at, drift;

    // The seed in mixed radix starts a three-lag product generator modulo 179 and a congruential one modulo 169; they choose the bits.
    HD void seed(W low, u32) {
        W upper = quotient32<30082u>(low), lower = low - upper * 30082u, above = quotient32<177u>(upper);
        W i = remainder32<177u>(above) + 2u, j = upper - above * 177u + 2u;
        above = quotient32<169u>(lower);
        W k = remainder32<178u>(above) + 1u, l = lower - above * 169u;
        for (u32 place = 97; place--;) {
            W word = W(0u);
            for (u32 bit = 0; bit < 24; ++bit) {
                W m = remainder32<179u>(remainder32<179u>(i * j) * k);
                i = j;
                j = k;
                k = m;
                l = remainder32<169u>(l * 53u + 1u);
                word = (word << 1) | (((l * m) >> 5) & 1u);
            }
            x[place] = word;
        }
        at = 0;
        drift = 362436;
    }
    HD W next() {
        W word = (x[at] - x[at < 33 ? at + 64 : at - 33]) & 0xffffffu;
        x[at] = word;
        at = at == 96 ? 0 : at + 1;
        drift = drift < 7654321 ? drift + (16777213 - 7654321) : drift - 7654321;
        return (word - drift) & 0xffffffu;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
