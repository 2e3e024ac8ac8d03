// zsh's RANDOM on glibc: the low 15 bits of rand().
#pragma once
#include "glibc_random.h"

template <class W> struct ZshRandom {
    enum : u32 { word_bits = 15, reach = unlimited };
    typedef ZshRandom Beyond;
    GlibcRandom<W> source;

    HD void seed(W low, u32 high) { source.seed(low, high); }
    HD W next() { return source.next() & 0x7fffu; }
    HD void skip(u32 count) { source.skip(count); }
};
