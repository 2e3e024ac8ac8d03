// taus113, also called lfsr113 (L'Ecuyer 1999): four Tausworthe components, xored, seeded as GSL does.
#pragma once
#include "chain69069.h"
#include "device.h"
#include "tausworthe.h"

template <class W> struct Taus113 {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef Taus113 Beyond;
    W a, b, c, d;

    // Four numbers of the chain, then ten words dropped.
    HD void seed(W low, u32) {
        a = raised(W(one_for_zero(low) * 69069u), 2);
        b = raised(W(a * 69069u), 8);
        c = raised(W(b * 69069u), 16);
        d = raised(W(c * 69069u), 128);
        skip(10);
    }
    HD W next() {
        tausworthe<6, 13, 1, 18>(a);
        tausworthe<2, 27, 3, 2>(b);
        tausworthe<13, 21, 4, 7>(c);
        tausworthe<3, 12, 7, 13>(d);
        return a ^ b ^ c ^ d;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
};
