// The 48-bit linear congruential generator of java.util.Random and drand48, kept as 32 + 16 bits: three low multiplies a step.
#pragma once
#include "device.h"
#include "lcg_jump.h"

template <class W> struct Lcg48State {
    W high, low;  // state = high * 2^16 + low, low < 2^16

    // state = state * 0x5DEECE66D + 11 mod 2^48
    HD void step() {
        W carry = low * 0xe66du + 0xbu;
        high = high * 0xdeece66du + low * 0x5deecu + (carry >> 16);
        low = carry & 0xffffu;
    }
    HD void skip(u32 count) {
        if (count < 8) {
            for (; count; --count) step();
        } else {
            apply(lcg_jump({0x5deece66dull, 11}, count));
        }
    }
    HD void back() {
        const u64 inverse = odd_inverse(0x5deece66dull);
        apply({inverse, (0 - 11ull) * inverse});
    }

  private:
    // With state = high * 2^16 + low and a multiplier of 48 bits: what falls beyond 2^48 is dropped.
    HD void apply(LcgStep step) {
        W carry = low * (u32)(step.multiplier & 0xffffu) + (u32)(step.increment & 0xffffu);
        high = high * (u32)step.multiplier + low * (u32)(step.multiplier >> 16) + (u32)(step.increment >> 16) + (carry >> 16);
        low = carry & 0xffffu;
    }
};

// new Random(seed): the seed's low 48 bits, xored with the multiplier. A word is next(32) as unsigned.
template <class W> struct Lcg48Java : Lcg48State<W> {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Lcg48Java Beyond;
    HD void seed(W low, u32 high) {
        W scrambled = low ^ 0xdeece66du;
        this->high = (scrambled >> 16) | (((high ^ 0x5u) & 0xffffu) << 16);
        this->low = scrambled & 0xffffu;
    }
    HD W next() {
        this->step();
        return this->high;
    }
};

// srand48(seed): 32 seed bits over 0x330E. A word is the whole 48-bit state.
template <class W> struct Lcg48Drand48 : Lcg48State<W> {
    enum : u32 { word_bits = 48, reach = unlimited };
    typedef Lcg48Drand48 Beyond;
    HD void seed(W low, u32) {
        this->high = low;
        this->low = W(0x330eu);
    }
    HD W next() {
        this->step();
        return this->high;
    }
    HD typename wide_of<W>::type next_wide() {
        this->step();
        return (widen(this->high) << 16) + widen(this->low);
    }
};
