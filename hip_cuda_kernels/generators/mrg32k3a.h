// MRG32k3a (L'Ecuyer 1999): two recurrences of order three modulo primes just below 2^32, one minus the other; seeded as R does.
#pragma once
#include "device.h"
#include "r_set_seed.h"

// A word is the difference, 1 .. m1; the double is that over m1 + 1.
template <class W> struct Mrg32k3aR {
    enum : u32 { word_bits = 32, reach = unlimited, m1 = 4294967087u, m2 = 4294944443u };
    typedef Mrg32k3aR Beyond;
    W x[3], y[3];  // oldest first

    // A state word that is no residue of m2 is passed over; the one after it always is one.
    HD void seed(W low, u32) {
        W word = r_state_word(low, 0);
        for (u32 i = 0; i < 6; ++i) {
            word = select(above_mask(word, W(m2 - 1u)), r_step(word), word);
            (i < 3 ? x[i] : y[i - 3]) = word;
            word = r_step(word);
        }
    }
    HD W next() {
        W p = combined<m1>(x[1], 1403580u, x[0], 810728u), q = combined<m2>(y[2], 527612u, y[0], 1370589u);
        x[0] = x[1];
        x[1] = x[2];
        x[2] = p;
        y[0] = y[1];
        y[1] = y[2];
        y[2] = q;
        return p - q + (~above_mask(p, q) & m1);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    // a * plus - b * minus modulo 2^32 - gap: what lies above 2^32 counts gap times below, until nothing lies there.
    template <u32 modulus> HD static W combined(W a, u32 plus, W b, u32 minus) {
        constexpr u32 gap = 0u - modulus;
        auto sum = multiply_wide(a, plus) + multiply_wide(W(W(modulus) - b), minus);
        for (u32 fold = 0; fold < 2; ++fold) sum = multiply_wide(hi32(sum), gap) + widen(lo32(sum));
        W rest = lo32(sum) + hi32(sum) * gap;
        return smaller(rest, W(rest - modulus));
    }
};
