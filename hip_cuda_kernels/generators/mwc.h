// Multiply with carry of lags 1 to 3 whose words are xored with the carry: MWC64X, MWC128X, MWC192X, seeded as randomgen does.
#pragma once
#include "device.h"
#include "seed_sequence.h"

// A carry that the multiplier does not allow becomes 1. (A state of zeros alone would too: one in 2^64 and more.)
template <class Word> HD Word valid_carry(Word carry, Word highest) {
    return select(above_mask(carry, highest), Word(1u), carry);
}

// 32-bit digits; the words of a SeedSequence are the digits, oldest first, then the carry.
template <class W, u32 lag, u32 multiplier> struct Mwc32 {
    enum : u32 { word_bits = 32, reach = unlimited };
    W x[lag], carry;

    HD void seed(W low, u32 high) {
        SeedSequence<W> words;
        words.seed(low, high);
        for (u32 i = 0; i < lag; ++i) x[i] = words.next();
        carry = valid_carry(words.next(), W(multiplier - 2u));
    }
    HD W next() {
        W word = x[lag - 1] ^ carry;
        auto product = multiply_wide(x[0], multiplier) + widen(carry);
        for (u32 i = 1; i < lag; ++i) x[i - 1] = x[i];
        x[lag - 1] = lo32(product);
        carry = hi32(product);
        return word;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};

template <class W> struct Mwc64x32 : Mwc32<W, 1, 0xfff145f8u> {
    typedef Mwc64x32 Beyond;
};
template <class W> struct Mwc128x32 : Mwc32<W, 3, 0xffcccc66u> {
    typedef Mwc128x32 Beyond;
};

// 64-bit digits, the same way.
template <class W, u32 lag, u64 multiplier> struct Mwc64 {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef typename wide_of<W>::type Wide;
    Wide x[lag], carry;

    HD void seed(W low, u32 high) {
        SeedSequence<W> words;
        words.seed(low, high);
        for (u32 i = 0; i < lag; ++i) x[i] = words.next_wide();
        carry = valid_carry(words.next_wide(), Wide(multiplier - 2u));
    }
    HD Wide next_wide() {
        Wide word = x[lag - 1] ^ carry, digit = x[0] * multiplier + carry;
        carry = high_product64(x[0], Wide(multiplier)) + (above_mask(carry, digit) & 1ull);
        for (u32 i = 1; i < lag; ++i) x[i - 1] = x[i];
        x[lag - 1] = digit;
        return word;
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        for (; count; --count) next_wide();
    }
};

template <class W> struct Mwc128x : Mwc64<W, 1, 0xff6da236274e252eull> {
    typedef Mwc128x Beyond;
};
template <class W> struct Mwc192x : Mwc64<W, 2, 0xff4e24dd418f5433ull> {
    typedef Mwc192x Beyond;
};
