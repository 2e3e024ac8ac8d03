// random() of 4.3BSD: additive feedback over 31 words, filled by the linear congruential generator of BSD's old rand().
#pragma once
#include "additive_feedback.h"
#include "device.h"

template <class W> struct BsdRandom : AdditiveFeedback<W, 31, 3> {
    typedef BsdRandom Beyond;

    HD void seed(W low, u32) {
        W x = low | (equal_mask(low, W(0u)) & 1u);
        for (u32 i = 0; i < 31; ++i) {
            this->ring[i] = x;
            x = x * 1103515245u + 12345u;
        }
        this->begin_after(10);
    }
};
