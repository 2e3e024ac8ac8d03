// RAND(N) of MySQL and MariaDB: two coupled sums modulo 2^30 - 1, of which the first is shown.
#pragma once
#include "device.h"

template <class W> struct MysqlRand {
    enum : u32 { word_bits = 30, reach = unlimited };
    typedef MysqlRand Beyond;
    W first, second;

    HD void seed(W low, u32) {
        first = reduced(W(low * 0x10001u + 55555555u));
        second = reduced(W(low * 0x10000001u));
    }
    HD W next() {
        first = reduced(W(first * 3u + second));
        second = reduced(W(first + second + 33u));
        return first;
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }

  private:
    // Modulo 2^30 - 1: the bits from 30 on count once more.
    HD static W reduced(W x) {
        W sum = (x & 0x3fffffffu) + (x >> 30);
        return smaller(sum, W(sum - 0x3fffffffu));
    }
};
