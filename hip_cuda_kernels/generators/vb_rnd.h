// Rnd of Visual Basic (VB6, VBA, VB.NET): a 24-bit linear congruential generator; the seed is the state, as Rnd(negative) sets it.
#pragma once
#include "device.h"
#include "lcg_jump.h"

template <class W> struct VbRnd {
    enum : u32 { word_bits = 24, reach = unlimited };
    typedef VbRnd Beyond;
    W state;  // its low 24 bits count

    HD void seed(W low, u32) { state = low; }
    HD W next() {
        state = state * 0x43fd43fdu + 0x00c39ec3u;
        return state & 0xffffffu;
    }
    HD void skip(u32 count) {
        const LcgStep jump = lcg_jump({0x43fd43fdu, 0x00c39ec3u}, count);
        state = state * (u32)jump.multiplier + (u32)jump.increment;
    }
    HD void back() { state = (state - 0x00c39ec3u) * (u32)odd_inverse(0x43fd43fdu); }
};

// Randomize(number) at a program's start: the number's upper half as a double, folded to 16 bits, over the initial state's low byte.
template <class W> struct VbRandomize : VbRnd<W> {
    typedef VbRandomize Beyond;

    HD void seed(W low, u32) {
        for (u32 lane = 0; lane < lane_count<W>(); ++lane) set_lane(this->state, lane, folded(upper_half(lane_of(low, lane))));
    }

  private:
    // The sign, exponent and first 20 mantissa bits of a signed whole number as a double.
    HD static u32 upper_half(u32 number) {
        if (number == 0) return 0;
        const u32 sign = number & 0x80000000u;
        u32 size = sign ? 0u - number : number, exponent = 1023 + 31;
        for (; !(size >> 31); size <<= 1) --exponent;
        return sign | exponent << 20 | (size << 1) >> 12;
    }
    HD static u32 folded(u32 upper) { return ((upper & 0xffffu) ^ (upper >> 16)) << 8; }
};
