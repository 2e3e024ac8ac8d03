// JSF, the "small noncryptographic" generator of Bob Jenkins (2007), in 64 and 32 bits.
#pragma once
#include "device.h"
#include "seed_sequence.h"

// Jenkins starts three of the four words from one number and drops twenty words.
template <class Word> struct Jsf64State {
    Word a, b, c, d;

    HD Word step() {
        Word e = a - rotate_left64(b, 7);
        a = b ^ rotate_left64(c, 13);
        b = c + rotate_left64(d, 37);
        c = d + e;
        return d = e + a;
    }
    HD void start(Word seed) {
        a = Word(0xf1ea5eedull);
        b = c = d = seed;
        for (u32 i = 0; i < 20; ++i) step();
    }
};

template <class Word> struct Jsf32State {
    Word a, b, c, d;

    HD Word step() {
        Word e = a - rotate_left(b, 27);
        a = b ^ rotate_left(c, 17);
        b = c + d;
        c = d + e;
        return d = e + a;
    }
    HD void start(Word seed) {
        a = Word(0xf1ea5eedu);
        b = c = d = seed;
        for (u32 i = 0; i < 20; ++i) step();
    }
};

// randomgen.JSF(seed): the number is the first 64-bit word of a SeedSequence.
template <class W> struct RandomgenJsf64 : Jsf64State<typename wide_of<W>::type> {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef RandomgenJsf64 Beyond;

    HD void seed(W low, u32 high) {
        SeedSequence<W> words;
        words.seed(low, high);
        this->start(words.next_wide());
    }
    HD typename wide_of<W>::type next_wide() { return this->step(); }
    HD W next() { return hi32(this->step()); }
    HD void skip(u32 count) {
        for (; count; --count) this->step();
    }
};

// Jenkins' own raninit(x, seed) in 64 bits.
template <class W> struct JenkinsJsf64 : Jsf64State<typename wide_of<W>::type> {
    enum : u32 { word_bits = 64, reach = unlimited };
    typedef JenkinsJsf64 Beyond;

    HD void seed(W low, u32 high) { this->start(join_seed(low, high)); }
    HD typename wide_of<W>::type next_wide() { return this->step(); }
    HD W next() { return hi32(this->step()); }
    HD void skip(u32 count) {
        for (; count; --count) this->step();
    }
};

// Jenkins' own raninit(x, seed) in 32 bits.
template <class W> struct JenkinsJsf32 : Jsf32State<W> {
    enum : u32 { word_bits = 32, reach = unlimited };
    typedef JenkinsJsf32 Beyond;

    HD void seed(W low, u32) { this->start(low); }
    HD W next() { return this->step(); }
    HD void skip(u32 count) {
        for (; count; --count) this->step();
    }
};
