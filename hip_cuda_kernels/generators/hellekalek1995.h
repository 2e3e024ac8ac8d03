// Boost's hellekalek1995: the inversive generator a/x + b modulo 2^31 - 1 (Eichenauer, Lehn 1986; constants of Hellekalek 1995).
#pragma once
#include "device.h"
#include "mod31.h"

template <class W> struct Hellekalek1995 {
    enum : u32 { word_bits = 31, reach = unlimited };
    typedef Hellekalek1995 Beyond;
    W x;

    HD void seed(W low, u32) { x = mod31(low); }
    HD W next() {
        x = plus_mod31(W(times_mod31(inverse(x), 9102u)), W(2147483647u - 36884165u));
        return x;
    }
    HD void back() {
        W difference = minus_mod31(x, W(2147483647u - 36884165u));
        x = inverse(times_mod31(difference, power_mod31(9102u, 0x7ffffffdu)));
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    // x^(2^31 - 3), Fermat's inverse, and 0 of 0: first all 29 ones of the exponent, then its last two digits.
    HD W inverse(W x) {
        W power = x;
        for (u32 ones = 1; ones < 29; ++ones) power = times_mod31(times_mod31(power, power), x);
        power = times_mod31(power, power);
        return times_mod31(times_mod31(power, power), x);
    }
};
