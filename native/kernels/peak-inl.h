// Register-only loops of the products' innermost operation: the peak that benchmarks/kernels.py compares with.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// keep_in_register makes every step happen.
// As many independent sums as a tile keeps, so that latency hides and nothing spills.
constexpr int kPeakSums = kTileGroups == 2 ? 24 : 6;
#if defined(DRAGOMAN_NEON) && defined(__ARM_FEATURE_MATMUL_INT8)
constexpr int kProductsPerSum = 8;  // that a 32-bit sum takes in at once
#else
constexpr int kProductsPerSum = 4;
#endif

#if defined(DRAGOMAN_ADDS_PAIRS)
// Of reach 2, the longest (gemm_int8_pairs-inl.h).
int64_t peak_int8(int64_t rounds) {
  alignas(64) uint8_t a[64] = {};
  alignas(64) int8_t b[64] = {};
  asm("" : "+m"(b));  // or products of zeros vanish
  ByteActivations first = load_byte_activations(a), second = first;
  const ByteWeights weights = load_byte_weights(b);
  constexpr int kSums = kTileGroups == 2 ? 16 : 4;
  I32x16 sums[kSums];
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) sums[i] = zero_i32();
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) {
      add_widened(sums[i], add_pairs(first, weights) + add_pairs(second, weights));
      keep_in_register(sums[i]);
      keep_in_register(first);
      keep_in_register(second);
    }
  }
  return rounds * kSums * 16 * 2 * 4 * 2;
}
#else
[[maybe_unused]] int64_t peak_int8(int64_t rounds) {
  alignas(64) uint8_t a[64] = {};
  alignas(64) int8_t b[64] = {};
  asm("" : "+m"(b));  // or products of zeros vanish
  Activations activations = load_activations(a);
  const Weights weights = load_weights(b);
  I32x16 sums[kPeakSums];
#pragma GCC unroll 24
  for (int i = 0; i < kPeakSums; ++i) sums[i] = zero_i32();
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 24
    for (int i = 0; i < kPeakSums; ++i) {
      add_products(sums[i], activations, weights);
      keep_in_register(sums[i]);
      keep_in_register(activations);
    }
  }
  return rounds * kPeakSums * 16 * kProductsPerSum * 2;
}

#endif

int64_t peak_float(int64_t rounds) {
  F32x16 sums[kPeakSums];
  F32x16 a = splat(1.0f), b = splat(0.0f);
#pragma GCC unroll 24
  for (int i = 0; i < kPeakSums; ++i) sums[i] = b;
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 24
    for (int i = 0; i < kPeakSums; ++i) {
      sums[i] = fma(a, b, sums[i]);
      keep_in_register(sums[i]);
    }
  }
  return rounds * kPeakSums * 16 * 2;
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
