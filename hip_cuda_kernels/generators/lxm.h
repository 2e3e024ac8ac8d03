// LXM (Steele, Vigna 2021) as in JDK 17: a linear congruential generator plus a xor-based one, the sum mixed; seeded from a long.
#pragma once
#include "device.h"
#include "jdk_mixers.h"
#include "lcg_jump.h"
#include "xoroshiro.h"

// 64 bits: s = s * multiplier + a beside an engine X; a is the seed's own, odd.
template <class W, class X> struct Lxm64 {
    enum : u32 { word_bits = 64, reach = unlimited };
    enum : u64 { multiplier = 0xd1342543de82ef95ull };
    typedef typename wide_of<W>::type Wide;
    Wide a, s;
    X x;

    HD void step() {
        s = s * (u64)multiplier + a;
        x.step();
    }
    HD void back() {
        s = (s - a) * odd_inverse(multiplier);
        x.back();
    }
    HD void skip(u32 count) {
        for (; count; --count) step();
    }

  protected:
    // Begin the linear congruential half; what is left of the seed is for the other half.
    HD Wide begin(W low, u32 high) {
        Wide seed = join_seed(low, high) ^ (u64)silver_ratio;
        a = mix_murmur64(seed) | 1ull;
        s = Wide(1ull);
        return seed;
    }
};

template <class W>
using Lxm64x128 = Lxm64<W, Xoroshiro<typename wide_of<W>::type, 64, 24, 16, 37>>;

template <class W> struct L64X128Mix : Lxm64x128<W> {
    typedef L64X128Mix Beyond;
    typedef typename wide_of<W>::type Wide;

    HD void seed(W low, u32 high) {
        Wide seed = this->begin(low, high);
        this->x.x0 = mix_stafford13(seed);
        this->x.x1 = mix_stafford13(Wide(seed + (u64)golden_ratio));
    }
    HD Wide next_wide() {
        Wide sum = this->s + this->x.x0;
        this->step();
        return mix_lea64(sum);
    }
    HD W next() { return hi32(next_wide()); }
};

// The scrambler of xoroshiro128** stands in the place of the mixer.
template <class W> struct L64X128StarStar : L64X128Mix<W> {
    typedef L64X128StarStar Beyond;
    typedef typename wide_of<W>::type Wide;

    HD Wide next_wide() {
        Wide sum = this->s + this->x.x0;
        this->step();
        return rotate_left64(Wide(sum * 5ull), 7) * 9ull;
    }
    HD W next() { return hi32(next_wide()); }
};

template <class W> struct L64X256Mix : Lxm64<W, Xoshiro256<typename wide_of<W>::type>> {
    typedef L64X256Mix Beyond;
    typedef typename wide_of<W>::type Wide;

    HD void seed(W low, u32 high) {
        Wide seed = this->begin(low, high);
        this->x.x0 = mix_stafford13(seed);
        this->x.x1 = mix_stafford13(seed = seed + (u64)golden_ratio);
        this->x.x2 = mix_stafford13(seed = seed + (u64)golden_ratio);
        this->x.x3 = mix_stafford13(seed = seed + (u64)golden_ratio);
    }
    HD Wide next_wide() {
        Wide sum = this->s + this->x.x0;
        this->step();
        return mix_lea64(sum);
    }
    HD W next() { return hi32(next_wide()); }
};

// The congruential half has 128 bits, multiplier 2^64 + its low half; the mixer sees the upper half of the sum.
template <class W> struct L128X128Mix {
    enum : u32 { word_bits = 64, reach = unlimited };
    enum : u64 { low_multiplier = 0xd605bbb58c8abbfdull };
    typedef L128X128Mix Beyond;
    typedef typename wide_of<W>::type Wide;
    Wide a_high, a_low, s_high, s_low;
    Xoroshiro<Wide, 64, 24, 16, 37> x;

    HD void seed(W low, u32 high) {
        Wide seed = join_seed(low, high) ^ (u64)silver_ratio;
        a_high = mix_murmur64(seed);
        a_low = mix_murmur64(seed = seed + (u64)golden_ratio) | 1ull;
        s_high = Wide(0ull);
        s_low = Wide(1ull);
        x.x0 = mix_stafford13(seed);
        x.x1 = mix_stafford13(Wide(seed + (u64)golden_ratio));
    }
    HD Wide next_wide() {
        Wide sum = s_high + x.x0;
        step();
        return mix_lea64(sum);
    }
    HD W next() { return hi32(next_wide()); }
    HD void skip(u32 count) {
        for (; count; --count) step();
    }

  private:
    HD void step() {
        Wide product = s_low * (u64)low_multiplier;
        s_high = s_high * (u64)low_multiplier + high_product64(s_low, Wide((u64)low_multiplier)) + s_low + a_high;
        s_low = product + a_low;
        s_high = s_high + (above_mask(product, s_low) & 1ull);
        x.step();
    }
};

// Everything in 32 bits: the upper half of the scrambled seed gives the increment, which all lanes share, the lower half the rest.
template <class W> struct L32X64Mix {
    enum : u32 { word_bits = 32, reach = unlimited };
    enum : u32 { multiplier = 0xadb4a92du };
    typedef L32X64Mix Beyond;
    u32 a;
    W s;
    Xoroshiro<W, 32, 26, 9, 13> x;

    HD void seed(W low, u32 high) {
        W seed = low ^ (u32)silver_ratio;
        a = mix_murmur32(high ^ (u32)(silver_ratio >> 32)) | 1u;
        s = W(1u);
        x.x0 = mix_lea32(seed);
        x.x1 = mix_lea32(W(seed + golden_ratio32));
    }
    HD W next() {
        W sum = s + x.x0;
        s = s * (u32)multiplier + a;
        x.step();
        return mix_lea32(sum);
    }
    HD void skip(u32 count) {
        for (; count; --count) next();
    }
    HD void back() {
        s = (s - a) * (u32)odd_inverse(multiplier);
        x.back();
    }
};
