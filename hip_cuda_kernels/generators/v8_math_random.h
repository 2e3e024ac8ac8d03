// Math.random of V8 (Chrome, Node, Deno), 2015 to now: xorshift128+ seeded by --random-seed, in the five forms it has had.
#pragma once
#include "xorshift128plus.h"

template <class W> using V8Xorshift = Xorshift128Plus<W, 23, 17, 26>;

template <class Wide> HD Wide murmur_mix(Wide x) {
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
    return x ^ (x >> 33);
}

// --random-seed is a signed number: its sign fills the upper half.
template <class W> HD typename wide_of<W>::type v8_signed(W seed) { return join(W(0u) - (seed >> 31), seed); }

template <class W> HD V8Xorshift<W> v8_hashed(W seed) { return {murmur_mix(v8_signed(seed)), murmur_mix(~v8_signed(seed))}; }

// Words are made `size` at a time and handed out from the last to the first. No block is kept: the state at its end is, and the state
// that comes next is stepped back from there.
template <class W, u32 size> struct V8Cache {
    enum : u32 { reach = unlimited };
    V8Xorshift<W> end, here;
    u32 left;

    HD void start(const V8Xorshift<W> &state) {
        end = here = state;
        left = 0;
    }
    HD V8Xorshift<W> draw() {
        if (left == 0) refill();
        V8Xorshift<W> given = here;
        here.back();
        --left;
        return given;
    }
    HD void skip(u32 count) {
        for (; count > left; refill()) count -= left;
        for (; count; --count) {
            here.back();
            --left;
        }
    }
    HD void back() {
        if (left == size) {
            for (u32 i = 0; i < size; ++i) end.back();
            here = end;
            for (u32 i = 0; i < size; ++i) here.back();
            left = 0;
        }
        here.step();
        ++left;
    }

  private:
    HD void refill() {
        for (u32 i = 0; i < size; ++i) end.step();
        here = end;
        left = size;
    }
};

// 2015 to 2018: the seed is both words, two of the 64 places hold the state, and the low 52 bits of the sum are the fraction.
template <class W> struct V8Sum52 : V8Cache<W, 62> {
    enum : u32 { word_bits = 52 };
    typedef V8Sum52 Beyond;
    HD void seed(W low, u32) { this->start({v8_signed(low), v8_signed(low)}); }
    HD typename wide_of<W>::type next_wide() { return this->draw().sum() & 0xfffffffffffffull; }
    HD W next() { return lo32(this->draw().sum() >> 20); }
};

// 2018 to 2024: the top 52 bits of one state word, without the sum.
template <class W> struct V8State52 : V8Cache<W, 64> {
    enum : u32 { word_bits = 52 };
    typedef V8State52 Beyond;
    HD void seed(W low, u32) { this->start(v8_hashed(low)); }
    HD typename wide_of<W>::type next_wide() { return this->draw().older >> 12; }
    HD W next() { return hi32(this->draw().older); }
};

// 2024 and 2025: the top 53 bits.
template <class W> struct V8State53 : V8Cache<W, 64> {
    enum : u32 { word_bits = 53 };
    typedef V8State53 Beyond;
    HD void seed(W low, u32) { this->start(v8_hashed(low)); }
    HD typename wide_of<W>::type next_wide() { return this->draw().older >> 11; }
    HD W next() { return hi32(this->draw().older); }
};

// 2026, V8 14.6: the top 53 bits of the sum.
template <class W> struct V8CachedSum53 : V8Cache<W, 64> {
    enum : u32 { word_bits = 53 };
    typedef V8CachedSum53 Beyond;
    HD void seed(W low, u32) { this->start(v8_hashed(low)); }
    HD typename wide_of<W>::type next_wide() { return this->draw().sum() >> 11; }
    HD W next() { return hi32(this->draw().sum()); }
};

// V8 15: the same in order, without blocks.
template <class W> struct V8Sum53 {
    enum : u32 { word_bits = 53, reach = unlimited };
    typedef V8Sum53 Beyond;
    V8Xorshift<W> state;

    HD void seed(W low, u32) { state = v8_hashed(low); }
    HD typename wide_of<W>::type next_wide() {
        state.step();
        return state.sum() >> 11;
    }
    HD W next() {
        state.step();
        return hi32(state.sum());
    }
    HD void back() { state.back(); }
    HD void skip(u32 count) {
        for (; count; --count) state.step();
    }
};
