// Jump-ahead of linear congruential generators modulo a power of two up to 2^64: n steps as one multiply and one add.
#pragma once
#include "device.h"

struct LcgStep {
    u64 multiplier, increment;
};

// The step that does `count` steps of x -> x * multiplier + increment at once (Brown 1994): log2(count) squarings, the same for
// all lanes. Modulo 2^k take the low k bits.
HD LcgStep lcg_jump(LcgStep step, u64 count) {
    LcgStep all = {1, 0};
    for (; count; count >>= 1) {
        if (count & 1) all = {all.multiplier * step.multiplier, all.increment * step.multiplier + step.increment};
        step = {step.multiplier * step.multiplier, (step.multiplier + 1) * step.increment};
    }
    return all;
}

// The inverse of an odd number modulo 2^64, by Newton's method: the multiplier of the inverse step.
HD constexpr u64 odd_inverse(u64 odd) {
    u64 x = odd;
    for (int i = 0; i < 6; ++i) x *= 2 - odd * x;
    return x;
}
