// taus88 (L'Ecuyer 1996): three Tausworthe components, xored.
#pragma once
#include "chain69069.h"
#include "device.h"
#include "tausworthe.h"

template <class W> struct Taus88State {
    enum : u32 { word_bits = 32, reach = unlimited };
    W a, b, c;

    HD W next() {
        tausworthe<13, 19, 1, 12>(a);
        tausworthe<2, 25, 3, 4>(b);
        tausworthe<3, 11, 4, 17>(c);
        return a ^ b ^ c;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};

// boost::random::taus88: all three components start from the seed.
template <class W> struct BoostTaus88 : Taus88State<W> {
    typedef BoostTaus88 Beyond;
    HD void seed(W low, u32) {
        this->a = raised(low, 2);
        this->b = raised(low, 8);
        this->c = raised(low, 16);
    }
};

// gsl_rng_taus2: three numbers of the chain, then six words dropped.
template <class W> struct GslTaus2 : Taus88State<W> {
    typedef GslTaus2 Beyond;
    HD void seed(W low, u32) {
        this->a = raised(W(one_for_zero(low) * 69069u), 2);
        this->b = raised(W(this->a * 69069u), 8);
        this->c = raised(W(this->b * 69069u), 16);
        this->skip(6);
    }
};
