// Sixteen floats and sixteen int32 as one value on every target, so that each kernel is written once.
//
//   F32x16  one zmm, two ymm, four q or an array; I32x16 likewise.
// All targets agree bit for bit, also on which operand min and max return when one is NaN:
//   max(a, b) = a > b ? a : b and min(a, b) = a < b ? a : b, so a NaN in `a` loses and a NaN in `b` stays.
// `count` arguments say how many leading lanes are in memory (1..16, 0 allowed); the others load as zero and are not
// stored.
#pragma once

#if defined(__AVX512F__)
#include "kernels/simd_avx512-inl.h"
#elif defined(__AVX2__)
#include "kernels/simd_avx2-inl.h"
#elif defined(DRAGOMAN_NEON)
#include "kernels/simd_neon-inl.h"
#else
#include "kernels/simd_generic-inl.h"
#endif

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// 1.5 * 2^23: adding it rounds to the nearest even integer and leaves that integer in the low bits.
constexpr float kRoundingMagic = 12582912.0f;

inline int lanes_left(int columns, int column) { return columns - column < 16 ? columns - column : 16; }

// Loads and stores that pick the whole-vector form when they can.
inline F32x16 load_part(const float* p, int count) { return count == 16 ? load(p) : load(p, count); }
inline void store_part(F32x16 x, float* p, int count) {
  if (count == 16) {
    store(x, p);
  } else {
    store(x, p, count);
  }
}

// min(max(round_half_even(x * multiplier), -127), 127) + 127 as bytes; NaN becomes 254. Clamping first is the same.
inline void quantise_part(F32x16 x, F32x16 multiplier, uint8_t* out, int count) {
  const F32x16 clamped = max(min(x * multiplier, splat(127.0f)), splat(-127.0f));
  store_shifted_bytes(clamped, out, count);
}

// quantise_part of 32 columns of two rows: x[0], x[1] to `first`, x[2], x[3] to `second`, which may be the same.
inline void quantise_pair(const F32x16 (&x)[4], F32x16 multiplier, uint8_t* first, uint8_t* second) {
#if defined(DRAGOMAN_PACKS_PAIRS)
  F32x16 bounded[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) bounded[i] = min(x[i] * multiplier, splat(127.0f));
  store_shifted_pair(bounded, first, second);
#else
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) quantise_part(x[i], multiplier, (i < 2 ? first : second) + 16 * (i % 2), 16);
#endif
}

#if !defined(DRAGOMAN_PAIRS_ROWS)
// Four activations of one row alone; elsewhere a product may take two rows at once.
using RowActivations = Activations;
inline RowActivations load_row_activations(const uint8_t* p) { return load_activations(p); }
#endif

#if !defined(DRAGOMAN_SUMS_FOUR)
// sum() of each of four, to out[0..4).
inline void sum_four(const F32x16 (&x)[4], float* out) {
  for (int i = 0; i < 4; ++i) out[i] = sum(x[i]);
}
#endif

inline F32x16 abs(F32x16 x) { return max(x, splat(0.0f) - x); }

// The correctly rounded quotient, nearly always, by a shared divisor; inverse = 1 / divisor.
inline F32x16 divide(F32x16 x, F32x16 divisor, F32x16 inverse) {
  const F32x16 quotient = x * inverse;
  return fma(fnma(quotient, divisor, x), inverse, quotient);
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
