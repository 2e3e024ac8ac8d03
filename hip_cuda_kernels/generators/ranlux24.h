// RANLUX (Lüscher 1994; James 1994): 24-bit subtract with borrow of lags 10 and 24 that throws away most of every block of words.
#pragma once
#include "device.h"
#include "remainder.h"
#include "subtract_with_carry.h"

// `used` words of every `block` are shown.
template <class W, u32 block, u32 used> struct Ranlux24State {
    enum : u32 { word_bits = 24, reach = unlimited };
    SubtractWithCarry<W, 24, 10, 24> base;
    u32 shown;

    HD W next() {
        if (shown == used) {
            base.steps(block - used);
            shown = 0;
        }
        ++shown;
        return base.step();
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  protected:
    // 40014 modulo 2147483563 (L'Ecuyer) gives the 24 words; `first` is the place of its first one in order of age, `way` +1 or -1.
    HD void fill(W x, u32 first, u32 way) {
        for (u32 i = 0; i < 24; ++i) {
            x = times_mod<2147483563u>(x, 40014u);
            base.x[first + way * i] = x & 0xffffffu;
        }
        base.borrow = W(0u);
        base.at = shown = 0;
    }
};

// The C++ standard: seed 0 becomes 19780503; the first borrow is set when the newest word is 0.
template <class W> struct StdRanlux24 : Ranlux24State<W, 223, 23> {
    typedef StdRanlux24 Beyond;
    HD void seed(W low, u32) {
        W x = remainder32<2147483563u>(low | (equal_mask(low, W(0u)) & 19780503u));
        this->fill(x | (equal_mask(x, W(0u)) & 1u), 0, 1);
        this->base.borrow = equal_mask(this->base.x[23], W(0u)) & 1u;
    }
};

// GSL's ranlux and ranlux389: seed 0 becomes 314159265, the words stand newest first.
template <class W, u32 block> struct GslRanlux : Ranlux24State<W, block, 24> {
    HD void seed(W low, u32) { this->fill(low | (equal_mask(low, W(0u)) & 314159265u), 23, 0u - 1u); }
};

template <class W> struct GslRanlux223 : GslRanlux<W, 223> {
    typedef GslRanlux223 Beyond;
};

template <class W> struct GslRanlux389 : GslRanlux<W, 389> {
    typedef GslRanlux389 Beyond;
};
