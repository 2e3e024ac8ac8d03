// zsh's RANDOM on glibc: the low 15 bits of rand().
#pragma once
#include "glibc_random.h"

template <class W> struct ZshRandom : GlibcRandom<W> {
    enum : u32 { word_bits = 15 };
    typedef ZshRandom Beyond;
    HD W next() { return GlibcRandom<W>::next() & 0x7fffu; }
};
