// WELL512a (Panneton, L'Ecuyer, Matsumoto 2006), seeded as Apache Commons Math seeds it from one int.
#pragma once
#include "device.h"

template <class W> struct Well512a {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Well512a Beyond;
    W s[16];
    u32 at;

    // Knuth's multiplier, as for MT19937, except that Java's shift brings in the sign.
    HD void seed(W low, u32) {
        s[0] = low;
        for (u32 i = 1; i < 16; ++i) {
            W sign = W(0u) - (low >> 31);
            s[i] = low = (low ^ (low >> 30) ^ (sign << 2)) * 1812433253u + i;
        }
        at = 0;
    }
    HD W next() {
        const W last = s[(at + 15) % 16], near = s[(at + 13) % 16], far = s[(at + 9) % 16];
        W first = s[at] ^ (s[at] << 16) ^ near ^ (near << 15);
        W second = far ^ (far >> 11);
        W third = first ^ second;
        s[at] = third;
        at = (at + 15) % 16;
        return s[at] = last ^ (last << 2) ^ first ^ (first << 18) ^ (second << 28) ^ third ^ ((third << 5) & 0xda442d24u);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
