// The difference of two multiplicative generators (L'Ecuyer, CACM 31(6), 1988), as Boost and GSL form it from one seed.
#pragma once
#include "device.h"
#include "remainder.h"

template <class W, u32 modulus, u32 multiplier> struct Lehmer {
    W x;

    HD void seed(W low) {
        x = remainder32<modulus>(low);
        x = x | (equal_mask(x, W(0u)) & 1u);
    }
    HD W next() { return x = times_mod<modulus>(x, multiplier); }
};

// x - y, raised by `add` unless x is above y.
template <class W> HD W raised_difference(W x, W y, u32 add) { return x - y + (~above_mask(x, y) & add); }

// boost::random::ecuyer1988
template <class W> struct Ecuyer1988 {
    enum : u32 { word_bits = 31, reach = unlimited };
    typedef Ecuyer1988 Beyond;
    Lehmer<W, 2147483563u, 40014u> x;
    Lehmer<W, 2147483399u, 40692u> y;

    HD void seed(W low, u32) {
        x.seed(low);
        y.seed(low);
    }
    HD W next() {
        W first = x.next();
        return raised_difference(first, y.next(), 2147483562u);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};

// gsl_rng_fishman2x: a seed that one of the moduli divides becomes 1.
template <class W> struct Fishman2x {
    enum : u32 { word_bits = 31, reach = unlimited };
    typedef Fishman2x Beyond;
    Lehmer<W, 2147483647u, 48271u> x;
    Lehmer<W, 2147483399u, 40692u> y;

    HD void seed(W low, u32) {
        W none = equal_mask(W(remainder32<2147483647u>(low)), W(0u)) | equal_mask(W(remainder32<2147483399u>(low)), W(0u));
        W kept = select(none, W(1u), low);
        x.seed(kept);
        y.seed(kept);
    }
    HD W next() {
        W first = x.next();
        return raised_difference(first, y.next(), 2147483647u);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
