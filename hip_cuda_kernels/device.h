// The one place that knows compilers and vendors: their words, our integer names, and the lane operations on one lane.
//
// Everything under generators/ and sieve.h is a template over a word W. On a GPU and in scalar code W is u32 (one lane);
// on the host's vector path W is a pack of native vectors (cpu/lanes.h), which overloads the same lane operations.
//
// The contract of a generator, template<class W> struct G:
//   enum { word_bits }             bits of a raw word; more than 32 makes the generator wide
//   enum { reach }, typedef Beyond how many words this form can produce, and the form to take beyond that (itself: no limit)
//   seed(W low, u32 high)          start from the seed high:low; all lanes share the high half
//   W next()                       the next raw word, or the top 32 bits of it when the generator is wide
//   next_wide()                    wide only: the whole word, right-aligned, in wide_of<W>::type
//   skip(u32 count)                pass over words that nobody wants
//   back()                         where the recurrence can be inverted: one step back, so that next() gives the last word again
// A generator whose parts several families share lies under parts/. Where a runtime computes per seed what lanes cannot (strings,
// doubles, loops of varying length), seed() runs over `lane_count<W>()` lanes with lane_of and set_lane.
#pragma once

typedef unsigned int u32;
typedef unsigned long long u64;

enum : u32 { unlimited = 0xffffffffu };

#if defined(__CUDACC__) || defined(__HIPCC__) || defined(__CUDACC_RTC__) || defined(__HIPCC_RTC__)
#define MIMICRY_ON_DEVICE 1
#define HD __host__ __device__ __forceinline__
#define MIMICRY_KERNEL extern "C" __global__ void __launch_bounds__(256)
#define MIMICRY_THREAD_INDEX ((u64)blockIdx.x * blockDim.x + threadIdx.x)
#define MIMICRY_THREAD_COUNT ((u64)gridDim.x * blockDim.x)
#define MIMICRY_FETCH_ADD(address, amount) atomicAdd(address, amount)
#else
#define HD inline __attribute__((always_inline))
// The host runs a kernel's body as one thread that does everything.
#define MIMICRY_THREAD_INDEX ((u64)0)
#define MIMICRY_THREAD_COUNT ((u64)1)
#define MIMICRY_FETCH_ADD(address, amount) ((*(address) += (amount)) - (amount))
#endif

// One lane. wide_of<W>::type holds 64 bits for every lane of W.
template <class W> struct wide_of;
template <> struct wide_of<u32> { typedef u64 type; };

HD u64 widen(u32 low) { return low; }
HD u32 lo32(u64 x) { return (u32)x; }
HD u32 hi32(u64 x) { return (u32)(x >> 32); }
HD u64 multiply_wide(u32 a, u32 b) { return (u64)a * b; }
HD u64 low_product(u64 a, u64 b) { return (u64)(u32)a * (u32)b; }  // of the low halves
HD u32 smaller(u32 a, u32 b) { return a < b ? a : b; }
HD u32 equal_mask(u32 a, u32 b) { return a == b ? 0xffffffffu : 0u; }
HD u32 above_mask(u32 a, u32 b) { return a > b ? 0xffffffffu : 0u; }
HD u64 equal_mask(u64 a, u64 b) { return a == b ? ~0ull : 0ull; }
HD u64 above_mask(u64 a, u64 b) { return a > b ? ~0ull : 0ull; }
HD u32 rotate_right_each(u32 x, u32 by) { return (x >> (by & 31u)) | (x << ((0u - by) & 31u)); }
HD u64 rotate_right_each(u64 x, u64 by) { return (x >> (by & 63u)) | (x << ((0u - by) & 63u)); }
HD u32 shift_right_each(u32 x, u32 by) { return x >> by; }  // by < 32
HD u64 shift_right_each(u64 x, u64 by) { return x >> by; }  // by < 64

// A table of every lane's own, at every lane's own place.
HD u32 pick(const u32 *table, u32 place) { return table[place]; }
HD u64 pick(const u64 *table, u32 place) { return table[place]; }
HD void put(u32 *table, u32 place, u32 value) { table[place] = value; }
HD void put(u64 *table, u32 place, u64 value) { table[place] = value; }

// Lane by lane, for what cannot be written for all lanes at once.
template <class W> struct lanes_in { enum : u32 { count = 1 }; };
template <class W> HD constexpr u32 lane_count() { return lanes_in<W>::count; }
HD u32 lane_of(u32 x, u32) { return x; }
HD u64 lane_of(u64 x, u32) { return x; }
HD void set_lane(u32 &x, u32, u32 value) { x = value; }
HD void set_lane(u64 &x, u32, u64 value) { x = value; }

// Compositions, the same for one lane and for a pack.
template <class W> HD W rotate_left(W x, int by) { return (x << by) | (x >> (32 - by)); }
template <class Wide> HD Wide rotate_left64(Wide x, int by) { return (x << by) | (x >> (64 - by)); }
template <class W> HD W select(W mask, W yes, W no) { return (yes & mask) | (no & ~mask); }
template <class W> HD typename wide_of<W>::type join(W high, W low) { return (widen(high) << 32) | widen(low); }
template <class W> HD typename wide_of<W>::type join_seed(W low, u32 high) { return widen(low) + ((u64)high << 32); }

// The upper 64 bits of a 64 x 64 bit product.
template <class Wide> HD Wide high_product64(Wide a, Wide b) {
    Wide a1 = a >> 32, b1 = b >> 32;
    Wide middle = low_product(a1, b) + (low_product(a, b) >> 32);
    Wide other = low_product(a, b1) + (middle & 0xffffffffull);
    return low_product(a1, b1) + (middle >> 32) + (other >> 32);
}
