// The host's word: K native vectors side by side, with the operators and lane operations that the generators are written in.
//
// A pack is never wider than the instruction set, because gcc breaks wider vectors up badly. K hides the latency of one vector.
// kernels.cpp includes this once for every instruction set; the unnamed namespace keeps those copies apart at link time.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include "device.h"

namespace {

#if defined(__AVX512F__)
enum { vector_bytes = 64 };
#elif defined(__AVX2__)
enum { vector_bytes = 32 };
#else
enum { vector_bytes = 16 };
#endif
enum { native_lanes = vector_bytes / 4 };

typedef u32 Vector32 __attribute__((vector_size(vector_bytes)));
typedef u64 Vector64 __attribute__((vector_size(vector_bytes)));
typedef int Signed32 __attribute__((vector_size(vector_bytes)));

#define EACH _Pragma("GCC unroll 16") for (int i = 0; i < K; ++i)
#define OPERATOR(op)                                  \
    HD Pack operator op(const Pack &b) const {        \
        Pack r;                                       \
        EACH r.v[i] = v[i] op b.v[i];                 \
        return r;                                     \
    }                                                 \
    HD Pack operator op(Lane b) const {               \
        Pack r;                                       \
        EACH r.v[i] = v[i] op(Vector{} + b);          \
        return r;                                     \
    }

template <class Vector, class Lane, int K> struct Pack {
    Vector v[K];

    Pack() = default;
    HD explicit Pack(Lane lane) { EACH v[i] = Vector{} + lane; }
    OPERATOR(+)
    OPERATOR(-)
    OPERATOR(*)
    OPERATOR(&)
    OPERATOR(|)
    OPERATOR(^)
    OPERATOR(%)  // lane by lane: no vector instruction divides
    HD Pack operator~() const {
        Pack r;
        EACH r.v[i] = ~v[i];
        return r;
    }
    HD Pack operator<<(int by) const {
        Pack r;
        EACH r.v[i] = v[i] << by;
        return r;
    }
    HD Pack operator>>(int by) const {
        Pack r;
        EACH r.v[i] = v[i] >> by;
        return r;
    }
};
#undef OPERATOR

template <int K> using Words = Pack<Vector32, u32, K>;
// The 64-bit lanes of vector i lie in v[2i] (even 32-bit lanes) and v[2i+1] (odd ones).
template <int K> using WideWords = Pack<Vector64, u64, 2 * K>;

}  // namespace

template <int K> struct wide_of<Words<K>> { typedef WideWords<K> type; };
template <int K> struct lanes_in<Words<K>> { enum : u32 { count = K * native_lanes }; };

namespace {

const u64 low_half = 0xffffffffull;

HD Vector32 interleave(Vector64 even, Vector64 odd) {  // low halves of `even`, high halves of `odd`
#if defined(__AVX2__) && !defined(__AVX512F__)
    return (Vector32)_mm256_blend_epi32((__m256i)even, (__m256i)odd, 0xaa);
#elif defined(__SSE4_1__) && !defined(__AVX2__)
    return (Vector32)_mm_blend_epi16((__m128i)even, (__m128i)odd, 0xcc);
#else
    return (Vector32)((even & low_half) | (odd & ~low_half));
#endif
}

HD Vector64 multiply_even(Vector64 a, Vector64 b) {  // 32 x 32 -> 64 on the low halves
#if defined(__AVX512F__)
    return (Vector64)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (Vector64)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (Vector64)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & low_half) * (b & low_half);
#endif
}

template <int K> HD WideWords<K> widen(const Words<K> &a) {
    WideWords<K> r;
    EACH {
        r.v[2 * i] = (Vector64)a.v[i] & low_half;
        r.v[2 * i + 1] = (Vector64)a.v[i] >> 32;
    }
    return r;
}

template <int K2> HD Words<K2 / 2> lo32(const Pack<Vector64, u64, K2> &a) {
    const int K = K2 / 2;
    Words<K2 / 2> r;
    EACH r.v[i] = interleave(a.v[2 * i], a.v[2 * i + 1] << 32);
    return r;
}

template <int K2> HD Words<K2 / 2> hi32(const Pack<Vector64, u64, K2> &a) {
    const int K = K2 / 2;
    Words<K2 / 2> r;
    EACH r.v[i] = interleave(a.v[2 * i] >> 32, a.v[2 * i + 1]);
    return r;
}

template <int K> HD WideWords<K> multiply_wide(const Words<K> &a, u32 b) {
    WideWords<K> r;
    const Vector64 factor = Vector64{} + (u64)b;
    EACH {
        r.v[2 * i] = multiply_even((Vector64)a.v[i], factor);
        r.v[2 * i + 1] = multiply_even((Vector64)a.v[i] >> 32, factor);
    }
    return r;
}

template <int K> HD WideWords<K> multiply_wide(const Words<K> &a, const Words<K> &b) {
    WideWords<K> r;
    EACH {
        r.v[2 * i] = multiply_even((Vector64)a.v[i], (Vector64)b.v[i]);
        r.v[2 * i + 1] = multiply_even((Vector64)a.v[i] >> 32, (Vector64)b.v[i] >> 32);
    }
    return r;
}

template <int K> HD Pack<Vector64, u64, K> low_product(const Pack<Vector64, u64, K> &a, const Pack<Vector64, u64, K> &b) {
    Pack<Vector64, u64, K> r;
    EACH r.v[i] = multiply_even(a.v[i], b.v[i]);
    return r;
}

template <class V, class L, int K> HD Pack<V, L, K> equal_mask(const Pack<V, L, K> &a, const Pack<V, L, K> &b) {
    Pack<V, L, K> r;
    EACH r.v[i] = (V)(a.v[i] == b.v[i]);
    return r;
}

template <class V, class L, int K> HD Pack<V, L, K> above_mask(const Pack<V, L, K> &a, const Pack<V, L, K> &b) {
    Pack<V, L, K> r;
    EACH r.v[i] = (V)(a.v[i] > b.v[i]);
    return r;
}

template <int K> HD Words<K> smaller(const Words<K> &a, const Words<K> &b) {
    Words<K> r;
    EACH r.v[i] = a.v[i] < b.v[i] ? a.v[i] : b.v[i];
    return r;
}

template <class V, class L, int K> HD Pack<V, L, K> rotate_right_each(const Pack<V, L, K> &x, const Pack<V, L, K> &by) {
    const L most = sizeof(L) * 8 - 1;
    Pack<V, L, K> r;
    EACH r.v[i] = (x.v[i] >> (by.v[i] & most)) | (x.v[i] << ((V{} - by.v[i]) & most));
    return r;
}

template <class V, class L, int K> HD Pack<V, L, K> shift_right_each(const Pack<V, L, K> &x, const Pack<V, L, K> &by) {
    Pack<V, L, K> r;
    EACH r.v[i] = x.v[i] >> by.v[i];
    return r;
}

template <int K> HD u32 lane_of(const Words<K> &x, u32 lane) { return x.v[lane / native_lanes][lane % native_lanes]; }
template <int K> HD void set_lane(Words<K> &x, u32 lane, u32 value) { x.v[lane / native_lanes][lane % native_lanes] = value; }

template <int K2> HD u64 lane_of(const Pack<Vector64, u64, K2> &x, u32 lane) {
    const u32 place = lane % native_lanes;
    return x.v[lane / native_lanes * 2 + place % 2][place / 2];
}
template <int K2> HD void set_lane(Pack<Vector64, u64, K2> &x, u32 lane, u64 value) {
    const u32 place = lane % native_lanes;
    x.v[lane / native_lanes * 2 + place % 2][place / 2] = value;
}

template <int K> HD Words<K> pick(const Words<K> *table, const Words<K> &place) {
    Words<K> r;
    for (u32 lane = 0; lane < lanes_in<Words<K>>::count; ++lane) set_lane(r, lane, lane_of(table[lane_of(place, lane)], lane));
    return r;
}
template <int K> HD WideWords<K> pick(const WideWords<K> *table, const Words<K> &place) {
    WideWords<K> r;
    for (u32 lane = 0; lane < lanes_in<Words<K>>::count; ++lane) set_lane(r, lane, lane_of(table[lane_of(place, lane)], lane));
    return r;
}
template <int K> HD void put(Words<K> *table, const Words<K> &place, const Words<K> &value) {
    for (u32 lane = 0; lane < lanes_in<Words<K>>::count; ++lane) set_lane(table[lane_of(place, lane)], lane, lane_of(value, lane));
}
template <int K> HD void put(WideWords<K> *table, const Words<K> &place, const WideWords<K> &value) {
    for (u32 lane = 0; lane < lanes_in<Words<K>>::count; ++lane) set_lane(table[lane_of(place, lane)], lane, lane_of(value, lane));
}

template <int K> HD Words<K> load(const u32 *from) {
    Words<K> r;
    EACH r.v[i] = *(const Vector32 *)(from + i * native_lanes);
    return r;
}

template <int K> HD void store(u32 *to, const Words<K> &words) { EACH *(Vector32 *)(to + i * native_lanes) = words.v[i]; }

HD u32 signs(const Vector32 &x) {  // bit i is the top bit of lane i
#if defined(__AVX512F__)
    return _mm512_movepi32_mask((__m512i)x);
#elif defined(__AVX2__)
    return (u32)_mm256_movemask_ps((__m256)x);
#elif defined(__SSE2__)
    return (u32)_mm_movemask_ps((__m128)x);
#else
    u32 bits = 0;
    for (int lane = 0; lane < native_lanes; ++lane) bits |= x[lane] >> 31 << lane;
    return bits;
#endif
}

HD bool any(const Vector32 &mask) { return signs(mask) != 0; }

// The same vectors as bytes.
typedef unsigned char Bytes __attribute__((vector_size(vector_bytes)));

HD u64 byte_signs(const Vector32 &x) {  // bit i is the top bit of byte i
#if defined(__AVX512BW__)
    return _mm512_movepi8_mask((__m512i)x);
#elif defined(__AVX2__)
    return (u32)_mm256_movemask_epi8((__m256i)x);
#elif defined(__SSE2__)
    return (u32)_mm_movemask_epi8((__m128i)x);
#else
    u64 bits = 0;
    for (int byte = 0; byte < vector_bytes; ++byte) bits |= (u64)((Bytes)x)[byte] >> 7 << byte;
    return bits;
#endif
}

HD bool some(const Vector32 &x) {  // whether a bit is set
#if defined(__AVX512F__)
    return _mm512_test_epi32_mask((__m512i)x, (__m512i)x) != 0;
#elif defined(__AVX2__)
    return !_mm256_testz_si256((__m256i)x, (__m256i)x);
#elif defined(__SSE4_1__)
    return !_mm_testz_si128((__m128i)x, (__m128i)x);
#else
    const Vector64 wide = (Vector64)x;
    return (wide[0] | wide[1]) != 0;
#endif
}

HD Vector32 sixteen(const unsigned char *bytes) {  // sixteen bytes over and over
#if defined(__AVX512F__)
    return (Vector32)_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)bytes));
#elif defined(__AVX2__)
    return (Vector32)_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)bytes));
#else
    Bytes r;
    for (int byte = 0; byte < vector_bytes; ++byte) r[byte] = bytes[byte % 16];
    return (Vector32)r;
#endif
}

// Every byte of `place`, below 16, becomes the one at that place of `table` (sixteen).
HD Vector32 look_up(const Vector32 &table, const Vector32 &place) {
#if defined(__AVX512BW__)
    return (Vector32)_mm512_shuffle_epi8((__m512i)table, (__m512i)place);
#elif defined(__AVX2__)
    return (Vector32)_mm256_shuffle_epi8((__m256i)table, (__m256i)place);
#elif defined(__SSSE3__)
    return (Vector32)_mm_shuffle_epi8((__m128i)table, (__m128i)place);
#else
    Bytes r;
    for (int byte = 0; byte < vector_bytes; ++byte) r[byte] = ((Bytes)table)[((Bytes)place)[byte]];
    return (Vector32)r;
#endif
}

// Four vectors of 32-bit lanes as bytes: byte i of a vector of bytes belongs to lane mark_lane(i) of the four.
HD u32 mark_lane(u32 byte) { return byte % 4 * native_lanes + byte / 4; }
#undef EACH

}  // namespace
