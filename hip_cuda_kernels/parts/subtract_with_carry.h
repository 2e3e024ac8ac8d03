// Subtract with borrow (Marsaglia, Zaman 1991): x[n] = x[n - near] - x[n - far] - borrow modulo 2^bits, kept in a ring of `far`.
#pragma once
#include "device.h"

template <class Word, u32 bits, u32 near, u32 far> struct SubtractWithCarry {
    Word x[far], borrow;
    u32 at;  // the oldest

    HD Word step() {
        const u32 later = at + (far - near);
        Word here = x[at] + borrow, from = x[later < far ? later : later - far];
        borrow = above_mask(here, from) & 1u;
        Word word = (from - here) & ((1ull << bits) - 1);
        x[at] = word;
        at = at + 1 == far ? 0 : at + 1;
        return word;
    }
    HD void steps(u32 count) {
        for (; count; --count) step();
    }
};
