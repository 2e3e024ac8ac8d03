// Guile's (seed->random-state n): Marsaglia's multiply with carry in base 2^32, started from the number's decimal text.
#pragma once
#include "decimal.h"
#include "device.h"

template <class W> struct GuileMwc {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef GuileMwc Beyond;
    typename wide_of<W>::type state;  // the carry over the word

    // The text's characters are added into the eight bytes of word and carry in turn, each half modulo 2^32.
    HD void seed(W low, u32 high) {
        for (u32 lane = 0; lane < lane_count<W>(); ++lane) {
            unsigned char text[20];
            const u32 length = decimal_text((u64)high << 32 | lane_of(low, lane), text);
            u32 halves[2] = {0, 0};
            for (u32 i = 0; i < length; ++i) halves[i / 4 % 2] += (u32)text[i] << i % 4 * 8;
            set_lane(state, lane, (u64)halves[1] << 32 | halves[0]);
        }
    }
    HD W next() {
        state = multiply_wide(lo32(state), 2131995753u) + (state >> 32);
        return lo32(state);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
