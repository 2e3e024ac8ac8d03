// RANLUX in 48-bit words (Lüscher 1994): subtract with borrow of lags 5 and 12, as std::ranlux48 and as Lüscher's ranlxs of GSL.
#pragma once
#include "device.h"
#include "remainder.h"
#include "subtract_with_carry.h"

// std::ranlux48 shows 11 words of every 389. Every state word is two outputs of 40014 modulo 2147483563, low half first.
template <class W> struct StdRanlux48 {
    enum : u32 { word_bits = 48, reach = unlimited };
    typedef StdRanlux48 Beyond;
    typedef typename wide_of<W>::type Wide;
    SubtractWithCarry<Wide, 48, 5, 12> base;
    u32 shown;

    HD void seed(W low, u32) {
        W x = remainder32<2147483563u>(low | (equal_mask(low, W(0u)) & 19780503u));
        x = x | (equal_mask(x, W(0u)) & 1u);
        for (u32 i = 0; i < 12; ++i) {
            W lower = times_mod<2147483563u>(x, 40014u);
            x = times_mod<2147483563u>(lower, 40014u);
            base.x[i] = join(x, lower) & 0xffffffffffffull;
        }
        base.borrow = equal_mask(base.x[11], Wide(0ull)) & 1ull;
        base.at = shown = 0;
    }
    HD Wide next_wide() {
        if (shown == 11) {
            base.steps(389 - 11);
            shown = 0;
        }
        ++shown;
        return base.step();
    }
    HD W next() { return hi32(next_wide() << 16); }
    HD void skip(u32 count) {
        for (; count; --count) next_wide();
    }
};

// ranlxs shows all twelve words after `luxury` steps, each as two words of 24 bits, low half first. The seed's 31 bits run
// through b[n+31] = b[n] + b[n+18] modulo 2; 48 of these bits, the first one uppermost, make a state word.
template <class W, u32 luxury> struct Ranlxs {
    enum : u32 { word_bits = 24, reach = unlimited };
    typedef typename wide_of<W>::type Wide;
    SubtractWithCarry<Wide, 48, 5, 12> base;
    u32 shown;

    HD void seed(W low, u32) {
        W bits = (low | (equal_mask(low, W(0u)) & 1u)) & 0x7fffffffu;
        for (u32 i = 0; i < 12; ++i) {
            W first = taken(bits);
            W then = taken(bits);
            base.x[i] = (widen(first) << 24) | widen(then);
        }
        base.borrow = Wide(0ull);
        base.at = 0;
        shown = 24;
    }
    HD W next() {
        if (shown == 24) {
            base.steps(luxury);
            shown = 0;
        }
        const u32 place = base.at + shown / 2;
        Wide word = base.x[place < 12 ? place : place - 12];
        return lo32(shown++ % 2 ? word >> 24 : word) & 0xffffffu;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    HD W taken(W &bits) {  // the next 24
        W word = W(0u);
        for (u32 i = 0; i < 24; ++i) {
            word = (word << 1) | (bits & 1u);
            bits = (bits >> 1) | (((bits ^ (bits >> 18)) & 1u) << 30);
        }
        return word;
    }
};

template <class W> struct Ranlxs0 : Ranlxs<W, 109> {
    typedef Ranlxs0 Beyond;
};
template <class W> struct Ranlxs1 : Ranlxs<W, 202> {
    typedef Ranlxs1 Beyond;
};
template <class W> struct Ranlxs2 : Ranlxs<W, 397> {
    typedef Ranlxs2 Beyond;
};
