// glibc's random() and rand() with each of the five state sizes of initstate(); the default one is TYPE_3.
#pragma once
#include "additive_feedback.h"
#include "device.h"
#include "lcg31.h"
#include "lcg_jump.h"

// srandom(seed): seed 0 becomes 1; steps of 16807 modulo 2^31 - 1 on the seed as a signed number; ten rounds dropped.
template <class W, u32 degree, u32 separation> struct GlibcAdditive : AdditiveFeedback<W, degree, separation> {
    HD void seed(W low, u32) {
        W *ring = this->ring;
        ring[0] = low = low | (equal_mask(low, W(0u)) & 1u);
        W x = residue_of_signed(low);
        for (u32 i = 1; i < degree; ++i) ring[i] = x = times_mod31(x, 16807u);
        this->begin_after(10);
    }

  private:
    // (x read as int32) modulo 2^31 - 1: -2^31 counts as -1, and -1 as the largest residue.
    HD W residue_of_signed(W x) {
        W negative = x >> 31;
        W rest = x & 0x7fffffffu;
        rest = smaller(rest, W(rest - 0x7fffffffu)) - negative;
        return rest + ((W(0u) - (rest >> 31)) & 0x7fffffffu);
    }
};

template <class W> struct GlibcRandomType1 : GlibcAdditive<W, 7, 3> {
    typedef GlibcRandomType1 Beyond;
};

template <class W> struct GlibcRandomType2 : GlibcAdditive<W, 15, 1> {
    typedef GlibcRandomType2 Beyond;
};

template <class W> struct GlibcRandom : GlibcAdditive<W, 31, 3> {
    typedef GlibcRandom Beyond;
};

template <class W> struct GlibcRandomType4 : GlibcAdditive<W, 63, 1> {
    typedef GlibcRandomType4 Beyond;
};

// TYPE_0 is the linear congruential generator of the C standard's example, shown whole.
template <class W> struct GlibcRandomType0 {
    enum : u32 { word_bits = 31, reach = unlimited };
    typedef GlibcRandomType0 Beyond;
    W state;

    HD void seed(W low, u32) { state = low | (equal_mask(low, W(0u)) & 1u); }
    HD W next() {
        state = state * 1103515245u + 12345u;
        return state & 0x7fffffffu;
    }
    HD void skip(u32 count) {
        const LcgStep jump = lcg_jump({1103515245u, 12345u}, count);
        state = state * (u32)jump.multiplier + (u32)jump.increment;
    }
    HD void back() { state = (state - 12345u) * (u32)odd_inverse(1103515245u); }
};
