// R's default, Mersenne-Twister: MT19937 whose seeding is a stretch of one linear congruential orbit, so any state word is one jump away.
#pragma once
#include "device.h"
#include "mt19937.h"
#include "r_set_seed.h"

template <class W> struct RMersenneState : Mt19937State<W> {
    typedef RMersenneState Beyond;
    HD void seed(W low, u32) {
        W word = r_state_word(low, 1);  // word 0 is the position
        for (u32 i = 0; i < 624; ++i) {
            this->mt[i] = word;
            word = r_step(word);
        }
        this->at = 0;
    }
};

// The first 227 words need only state words i, i+1 and i+397, so two points walk along the orbit and no state is kept.
template <class W> struct RMersenne {
    enum : u32 { word_bits = 32, reach = 227 };
    typedef RMersenneState<W> Beyond;
    W here, far;

    HD void seed(W low, u32) {
        here = r_state_word(low, 1);
        far = r_state_word(low, 398);
    }
    HD W next() {
        W after = r_step(here);
        W word = mt_twist(here, after, far);
        here = after;
        far = r_step(far);
        return mt_temper(word);
    }
    HD void skip(u32 count) {
        const LcgStep jump = lcg_jump({69069u, 1u}, count);
        here = here * (u32)jump.multiplier + (u32)jump.increment;
        far = far * (u32)jump.multiplier + (u32)jump.increment;
    }
};
