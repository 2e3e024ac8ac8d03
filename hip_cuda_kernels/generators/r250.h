// R250 (Kirkpatrick, Stoll 1981), the shift register x[n] = x[n-250] ^ x[n-147], seeded as GSL does.
#pragma once
#include "chain69069.h"
#include "device.h"

template <class W> struct R250 {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef R250 Beyond;
    W x[250];
    u32 at;

    // 250 numbers of the chain; every seventh from the third on gets a diagonal bit and zeros above it: 32 independent words.
    HD void seed(W low, u32) {
        W word = one_for_zero(low);
        for (u32 i = 0; i < 250; ++i) x[i] = next69069(word);
        for (u32 i = 0; i < 32; ++i) x[7 * i + 3] = (x[7 * i + 3] & (0xffffffffu >> i)) | (0x80000000u >> i);
        at = 0;
    }
    HD W next() {
        W word = x[at] ^ x[at < 147 ? at + 103 : at - 147];
        x[at] = word;
        at = at == 249 ? 0 : at + 1;
        return word;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
