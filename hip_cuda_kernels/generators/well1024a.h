// WELL1024a (Panneton, L'Ecuyer, Matsumoto 2006), seeded as Apache Commons Math seeds it from one int.
#pragma once
#include "device.h"

template <class W> struct Well1024a {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Well1024a Beyond;
    W s[32];
    u32 at;

    // Knuth's multiplier, as for MT19937, except that Java's shift brings in the sign.
    HD void seed(W low, u32) {
        s[0] = low;
        for (u32 i = 1; i < 32; ++i) {
            W sign = W(0u) - (low >> 31);
            s[i] = low = (low ^ (low >> 30) ^ (sign << 2)) * 1812433253u + i;
        }
        at = 0;
    }
    HD W next() {
        const W last = s[(at + 31) % 32], near = s[(at + 3) % 32], far = s[(at + 24) % 32], middle = s[(at + 10) % 32];
        W first = s[at] ^ near ^ (near >> 8);
        W second = far ^ (far << 19) ^ middle ^ (middle << 14);
        s[at] = first ^ second;
        at = (at + 31) % 32;
        return s[at] = last ^ (last << 11) ^ first ^ (first << 7) ^ second ^ (second << 13);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
