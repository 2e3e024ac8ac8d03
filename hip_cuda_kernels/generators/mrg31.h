// Multiple recursive generators modulo 2^31 - 1 (L'Ecuyer, Blouin, Couture 1993; L'Ecuyer 1996; Knuth), seeded as GSL does.
#pragma once
#include "chain69069.h"
#include "device.h"
#include "mod31.h"
#include "remainder.h"

// gsl_rng_mrg: x[n] = 107374182 x[n-1] + 104480 x[n-5]; five numbers of the chain, then six words dropped.
template <class W> struct Mrg5 {
    enum : u32 { word_bits = 31, reach = unlimited };
    typedef Mrg5 Beyond;
    W x[5];

    HD void seed(W low, u32) {
        W word = one_for_zero(low);
        for (u32 i = 0; i < 5; ++i) x[i] = mod31(next69069(word));
        skip(6);
    }
    HD W next() {
        W word = plus_mod31(times_mod31(x[0], 107374182u), times_mod31(x[4], 104480u));
        for (u32 i = 4; i; --i) x[i] = x[i - 1];
        return x[0] = word;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};

// gsl_rng_cmrg: the difference of two of order three, the second modulo 2145483479; six numbers of the chain, seven words dropped.
template <class W> struct Cmrg {
    enum : u32 { word_bits = 31, reach = unlimited, second = 2145483479u };
    typedef Cmrg Beyond;
    W x[3], y[3];

    HD void seed(W low, u32) {
        W word = one_for_zero(low);
        for (u32 i = 0; i < 3; ++i) x[i] = mod31(next69069(word));
        for (u32 i = 0; i < 3; ++i) y[i] = remainder32<second>(next69069(word));
        skip(7);
    }
    HD W next() {
        W first = minus_mod31(times_mod31(x[1], 63308u), times_mod31(x[2], 183326u));
        W other = times_mod<second>(y[0], 86098u) - times_mod<second>(y[2], 539608u);
        push(x, first);
        push(y, smaller(other, W(other + second)));
        return minus_mod31(x[0], y[0]);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    HD void push(W *state, W word) {
        state[2] = state[1];
        state[1] = state[0];
        state[0] = word;
    }
};

// gsl_rng_knuthran2 (TAOCP 2, 3.3.4): x[n] = 271828183 x[n-1] + 1833324378 x[n-2]; both start from the seed.
template <class W> struct Knuthran2 {
    enum : u32 { word_bits = 31, reach = unlimited };
    typedef Knuthran2 Beyond;
    W x, before;

    HD void seed(W low, u32) {
        x = mod31(low);
        x = x | (equal_mask(x, W(0u)) & 1u);
        before = x;
    }
    HD W next() {
        W word = plus_mod31(times_mod31(x, 271828183u), times_mod31(before, 1833324378u));
        before = x;
        return x = word;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
