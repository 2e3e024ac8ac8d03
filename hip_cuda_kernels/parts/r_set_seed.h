// R's set.seed(): fifty steps of x -> 69069 x + 1 scramble the seed, and the steps after those fill any generator's state.
#pragma once
#include "device.h"
#include "lcg_jump.h"

// One step, and the state word of this index (from 0), as R numbers the words of .Random.seed behind the kind.
template <class W> HD W r_step(W x) { return x * 69069u + 1u; }
template <class W> HD W r_state_word(W seed, u32 index) {
    const LcgStep jump = lcg_jump({69069u, 1u}, 51 + index);
    return seed * (u32)jump.multiplier + (u32)jump.increment;
}

// A word that must not be zero is 1 instead.
template <class W> HD W r_nonzero(W x) { return x | (equal_mask(x, W(0u)) & 1u); }
