// Racket's (random-seed k): L'Ecuyer's MRG32k3a (1999), its six words moved by numbers from the seed's two 16-bit halves.
#pragma once
#include "device.h"

// MRG32k3a's moduli are 2^32 - fold.
enum : u32 { mrg_fold1 = 209, mrg_fold2 = 22853 };

template <u32 fold, class W> HD W mrg_residue(W x) { return smaller(x, W(x + fold)); }

// a * x - b * y modulo 2^32 - fold, for a and b below 2^21: the upper half of the sum counts `fold` times, thrice over.
template <u32 fold, class W> HD W mrg_combined(u32 a, W x, u32 b, W y) {
    auto sum = multiply_wide(x, a) + multiply_wide(W(0u) - fold - y, b);
    for (u32 i = 0; i < 3; ++i) sum = multiply_wide(hi32(sum), fold) + (sum & 0xffffffffull);
    return mrg_residue<fold>(lo32(sum));
}

template <class W> struct RacketMrg {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef RacketMrg Beyond;
    W x[3], y[3];  // newest first

    HD void seed(W low, u32) {
        const u32 first[3] = {1062452522u, 2961816100u, 342112271u}, second[3] = {2854655037u, 3321940838u, 3542344109u};
        for (u32 i = 0; i < 3; ++i) {
            x[i] = W(first[i]);
            y[i] = W(second[i]);
        }
        move(low & 0xffffu);
        move(low >> 16);
    }
    HD W next() {
        const W newer = mrg_combined<mrg_fold1>(1403580u, x[1], 810728u, x[2]);
        const W other = mrg_combined<mrg_fold2>(527612u, y[0], 1370589u, y[2]);
        shift(x, newer);
        shift(y, other);
        return newer - other - (above_mask(other, newer) & mrg_fold1);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    HD static void shift(W *words, W newest) {
        words[2] = words[1];
        words[1] = words[0];
        words[0] = newest;
    }
    // Marsaglia's 16-bit multiply-with-carry, two numbers joined.
    HD static W number(W &carried) {
        const W high = carried & 0xffffu;
        carried = high * 30903u + (carried >> 16);
        const W low = carried & 0xffffu;
        carried = low * 30903u + (carried >> 16);
        return (high << 16) + low;
    }
    // The first word of a component stays above 0: it moves modulo one less, from 1 on. The sum is of 32 bits.
    template <u32 fold> HD static void move_component(W *words, W &carried) {
        words[0] = mrg_residue<fold + 1>(words[0] + mrg_residue<fold + 1>(number(carried))) + 1u;
        words[1] = mrg_residue<fold>(words[1] + mrg_residue<fold>(number(carried)));
        words[2] = mrg_residue<fold>(words[2] + mrg_residue<fold>(number(carried)));
    }
    HD void move(W half) {
        move_component<mrg_fold1>(x, half);
        move_component<mrg_fold2>(y, half);
    }
};
