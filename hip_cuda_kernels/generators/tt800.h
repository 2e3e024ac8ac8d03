// TT800 (Matsumoto, Kurita 1994; output of 1996): the twisted GFSR that came before the Mersenne twister, seeded as GSL does.
#pragma once
#include "chain69069.h"
#include "device.h"

template <class W> struct Tt800 {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Tt800 Beyond;
    W x[25];
    u32 at;

    // Powers of 69069 times the seed; seed 0 stands for the state that the authors printed.
    HD void seed(W low, u32) {
        const u32 printed[25] = {
            0x95f24dabu, 0x0b685215u, 0xe76ccae7u, 0xaf3ec239u, 0x715fad23u, 0x24a590adu, 0x69e4b5efu, 0xbf456141u, 0x96bc1b7bu,
            0xa7bdf825u, 0xc1de75b7u, 0x8858a9c9u, 0x2da87693u, 0xb657f9ddu, 0xffdc8a9fu, 0x8121da71u, 0x8b823ecbu, 0x885d05f5u,
            0x4e20cd47u, 0x5a9ad5d9u, 0x512c0c03u, 0xea857ccdu, 0x4cc1d30fu, 0x8891a8a1u, 0xa6b7aadbu};
        const W none = equal_mask(low, W(0u));
        for (u32 i = 0; i < 25; ++i) {
            x[i] = low | (none & printed[i]);
            next69069(low);
        }
        at = 0;
    }
    HD W next() {
        const u32 far = at < 18 ? at + 7 : at - 18;
        W word = x[at];  // the seeds are the first words
        x[at] = x[far] ^ (word >> 1) ^ ((W(0u) - (word & 1u)) & 0x8ebfd028u);
        at = at == 24 ? 0 : at + 1;
        word = word ^ ((word << 7) & 0x2b5b2500u);
        word = word ^ ((word << 15) & 0xdb8b0000u);
        return word ^ (word >> 16);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
