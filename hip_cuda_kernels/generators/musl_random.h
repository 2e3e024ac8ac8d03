// musl's random(): BSD's additive feedback over 31 words, filled by the upper halves of a 64-bit linear congruential generator.
#pragma once
#include "additive_feedback.h"
#include "device.h"

template <class W> struct MuslRandom : AdditiveFeedback<W, 31, 3> {
    typedef MuslRandom Beyond;

    HD void seed(W low, u32) {
        auto state = widen(low);
        for (u32 i = 0; i < 31; ++i) {
            state = state * 6364136223846793005ull + 1ull;
            this->ring[i] = hi32(state);
        }
        this->ring[0] = this->ring[0] | 1u;
        this->begin();
    }
};
