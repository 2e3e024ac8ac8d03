// The bit mixers and constants that the JDK's random number generators share, each a bijection of a word.
#pragma once
#include "device.h"

enum : u64 { silver_ratio = 0x6a09e667f3bcc909ull, golden_ratio = 0x9e3779b97f4a7c15ull };
enum : u32 { golden_ratio32 = 0x9e3779b9u };

// Word ^ word >> first, times a factor; again with second; and ^ word >> last.
template <class Word> HD Word mixed(Word x, int first, u64 factor, int second, u64 other, int last) {
    x = (x ^ (x >> first)) * factor;
    x = (x ^ (x >> second)) * other;
    return x ^ (x >> last);
}

// Appleby's finalizer of MurmurHash3, Stafford's variant 13 of it, and one of Lea's.
template <class Wide> HD Wide mix_murmur64(Wide x) {
    return mixed(x, 33, 0xff51afd7ed558ccdull, 33, 0xc4ceb9fe1a85ec53ull, 33);
}
template <class Wide> HD Wide mix_stafford13(Wide x) {
    return mixed(x, 30, 0xbf58476d1ce4e5b9ull, 27, 0x94d049bb133111ebull, 31);
}
template <class Wide> HD Wide mix_lea64(Wide x) {
    return mixed(x, 32, 0xdaba0b6eb09322e3ull, 32, 0xdaba0b6eb09322e3ull, 32);
}

// The same for 32 bits.
template <class W> HD W mixed32(W x, int first, u32 factor, int second, u32 other, int last) {
    x = (x ^ (x >> first)) * factor;
    x = (x ^ (x >> second)) * other;
    return x ^ (x >> last);
}
template <class W> HD W mix_murmur32(W x) { return mixed32(x, 16, 0x85ebca6bu, 13, 0xc2b2ae35u, 16); }
template <class W> HD W mix_lea32(W x) { return mixed32(x, 16, 0xd36d884bu, 16, 0xd36d884bu, 16); }
