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
#endif

// One lane. wide_of<W>::type holds 64 bits for every lane of W.
template <class W> struct wide_of;
template <> struct wide_of<u32> { typedef u64 type; };

HD u64 widen(u32 low) { return low; }
HD u32 lo32(u64 x) { return (u32)x; }
HD u32 hi32(u64 x) { return (u32)(x >> 32); }
HD u64 multiply_wide(u32 a, u32 b) { return (u64)a * b; }
HD u32 smaller(u32 a, u32 b) { return a < b ? a : b; }
HD u32 equal_mask(u32 a, u32 b) { return a == b ? 0xffffffffu : 0u; }
HD u32 rotate_right_each(u32 x, u32 by) { return (x >> (by & 31u)) | (x << ((0u - by) & 31u)); }

// Compositions, the same for one lane and for a pack.
template <class W> HD W rotate_left(W x, int by) { return (x << by) | (x >> (32 - by)); }
template <class W> HD typename wide_of<W>::type join_seed(W low, u32 high) { return widen(low) + ((u64)high << 32); }
