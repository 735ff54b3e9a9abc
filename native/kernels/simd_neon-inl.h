// simd-inl.h for Arm NEON (AArch64): four quarters of 128 bits; with or without dot products and 8-bit matrix products.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace dragoman::DRAGOMAN_TARGET {
namespace {

struct F32x16 {
  float32x4_t v[4];
};
struct I32x16 {
  int32x4_t v[4];
};

template <class Function>
inline F32x16 quarters(Function function) {
  return {{function(0), function(1), function(2), function(3)}};
}
template <class Function>
inline I32x16 integer_quarters(Function function) {
  return {{function(0), function(1), function(2), function(3)}};
}

// All ones in the first `count` lanes of quarter i (count may lie outside it).
inline uint32x4_t first_lanes(int count, int i) {
  constexpr int32_t kLanes[4] = {0, 1, 2, 3};
  return vcltq_s32(vld1q_s32(kLanes), vdupq_n_s32(count - 4 * i));
}

// `count` lanes of a quarter (it may be below 0 or above 4). There are no masked loads, and nothing beyond is read.
inline float32x4_t load_quarter(const float* p, int count) {
  if (count >= 4) return vld1q_f32(p);
  float32x4_t x = vdupq_n_f32(0.0f);
  if (count > 0) x = vld1q_lane_f32(p, x, 0);
  if (count > 1) x = vld1q_lane_f32(p + 1, x, 1);
  if (count > 2) x = vld1q_lane_f32(p + 2, x, 2);
  return x;
}
inline void store_quarter(float32x4_t x, float* p, int count) {
  if (count >= 4) return vst1q_f32(p, x);
  if (count > 0) vst1q_lane_f32(p, x, 0);
  if (count > 1) vst1q_lane_f32(p + 1, x, 1);
  if (count > 2) vst1q_lane_f32(p + 2, x, 2);
}

inline F32x16 load(const float* p) {
  return quarters([=](int i) { return vld1q_f32(p + 4 * i); });
}
inline F32x16 load(const float* p, int count) {
  return quarters([=](int i) { return load_quarter(p + 4 * i, count - 4 * i); });
}
inline void store(F32x16 x, float* p) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, x.v[i]);
}
inline void store(F32x16 x, float* p, int count) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) store_quarter(x.v[i], p + 4 * i, count - 4 * i);
}
inline F32x16 splat(float x) {
  return quarters([=](int) { return vdupq_n_f32(x); });
}

inline F32x16 operator+(F32x16 a, F32x16 b) {
  return quarters([&](int i) { return vaddq_f32(a.v[i], b.v[i]); });
}
inline F32x16 operator-(F32x16 a, F32x16 b) {
  return quarters([&](int i) { return vsubq_f32(a.v[i], b.v[i]); });
}
inline F32x16 operator*(F32x16 a, F32x16 b) {
  return quarters([&](int i) { return vmulq_f32(a.v[i], b.v[i]); });
}
inline F32x16 operator/(F32x16 a, F32x16 b) {
  return quarters([&](int i) { return vdivq_f32(a.v[i], b.v[i]); });
}
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return quarters([&](int i) { return vfmaq_f32(c.v[i], a.v[i], b.v[i]); });
}
inline F32x16 fnma(F32x16 a, F32x16 b, F32x16 c) {
  return quarters([&](int i) { return vfmsq_f32(c.v[i], a.v[i], b.v[i]); });
}

// Arm's own maximum and minimum would spread NaN and order the zeros.
inline float32x4_t greater(float32x4_t a, float32x4_t b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
inline F32x16 max(F32x16 a, F32x16 b) {
  return quarters([&](int i) { return greater(a.v[i], b.v[i]); });
}
inline F32x16 min(F32x16 a, F32x16 b) {
  return quarters([&](int i) { return vbslq_f32(vcltq_f32(a.v[i], b.v[i]), a.v[i], b.v[i]); });
}

// a < b ? x : y
inline F32x16 select_less(F32x16 a, F32x16 b, F32x16 x, F32x16 y) {
  return quarters([&](int i) { return vbslq_f32(vcltq_f32(a.v[i], b.v[i]), x.v[i], y.v[i]); });
}
// |magnitude| with the sign of `sign`.
inline F32x16 copy_sign(F32x16 magnitude, F32x16 sign) {
  return quarters([&](int i) { return vbslq_f32(vdupq_n_u32(0x80000000u), sign.v[i], magnitude.v[i]); });
}
// The first `count` lanes of x, then those of fill.
inline F32x16 keep_first(F32x16 x, int count, F32x16 fill) {
  return quarters([&](int i) { return vbslq_f32(first_lanes(count, i), x.v[i], fill.v[i]); });
}
// 16 bits: lane == value.
inline uint32_t equal_lanes(F32x16 a, F32x16 b) {
  constexpr uint32_t kBits[4] = {1, 2, 4, 8};
  uint32x4_t lanes = vdupq_n_u32(0);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const uint32x4_t bits = vshlq_u32(vld1q_u32(kBits), vdupq_n_s32(4 * i));
    lanes = vorrq_u32(lanes, vandq_u32(vceqq_f32(a.v[i], b.v[i]), bits));
  }
  return vaddvq_u32(lanes);
}

inline float32x4_t power_of_two(int32x4_t n) {
  return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
}
// x * 2^n, rounded once (x near 1), for n = `rounded` - 1.5 * 2^23 (`rounded` holds n in its low bits).
inline F32x16 scale_by_power(F32x16 x, F32x16 rounded) {
  return quarters([&](int i) {
    const int32x4_t n = vsubq_s32(vreinterpretq_s32_f32(rounded.v[i]), vdupq_n_s32(0x4b400000));
    const int32x4_t half = vshrq_n_s32(n, 1);
    return vmulq_f32(vmulq_f32(x.v[i], power_of_two(half)), power_of_two(vsubq_s32(n, half)));
  });
}

inline float sum(F32x16 x) {
  const float32x4_t four = vaddq_f32(vaddq_f32(x.v[0], x.v[2]), vaddq_f32(x.v[1], x.v[3]));
  return vpadds_f32(vadd_f32(vget_low_f32(four), vget_high_f32(four)));
}
// The largest lane; no lane may be NaN.
inline float largest(F32x16 x) {
  const float32x4_t four = greater(greater(x.v[0], x.v[2]), greater(x.v[1], x.v[3]));
  const float32x4_t two = greater(four, vextq_f32(four, four, 2));
  return vgetq_lane_f32(greater(two, vextq_f32(two, two, 1)), 0);
}

// Four floats from each of four places, one a 128-bit lane.
inline F32x16 load_lanes(const float* p0, const float* p1, const float* p2, const float* p3) {
  return {{vld1q_f32(p0), vld1q_f32(p1), vld1q_f32(p2), vld1q_f32(p3)}};
}
inline float32x4_t low_halves(float32x4_t a, float32x4_t b) {
  return vreinterpretq_f32_f64(vtrn1q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}
inline float32x4_t high_halves(float32x4_t a, float32x4_t b) {
  return vreinterpretq_f32_f64(vtrn2q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}
// In each 128-bit lane, the 4 x 4 matrix whose row i is lane of x[i].
inline void transpose_lanes(F32x16 (&x)[4]) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const float32x4_t even01 = vtrn1q_f32(x[0].v[i], x[1].v[i]), odd01 = vtrn2q_f32(x[0].v[i], x[1].v[i]);
    const float32x4_t even23 = vtrn1q_f32(x[2].v[i], x[3].v[i]), odd23 = vtrn2q_f32(x[2].v[i], x[3].v[i]);
    x[0].v[i] = low_halves(even01, even23);
    x[1].v[i] = low_halves(odd01, odd23);
    x[2].v[i] = high_halves(even01, even23);
    x[3].v[i] = high_halves(odd01, odd23);
  }
}

// round_half_even(x) + 127 as bytes; x in [-127, 127].
inline void store_shifted_bytes(F32x16 x, uint8_t* out, int count) {
  const auto rounded = [&](int i) { return vmovn_s32(vcvtnq_s32_f32(x.v[i])); };
  const int16x8_t low = vaddq_s16(vcombine_s16(rounded(0), rounded(1)), vdupq_n_s16(127));
  const int16x8_t high = vaddq_s16(vcombine_s16(rounded(2), rounded(3)), vdupq_n_s16(127));
  const uint8x16_t bytes = vcombine_u8(vqmovun_s16(low), vqmovun_s16(high));
  if (count == 16) return vst1q_u8(out, bytes);
  uint8_t all[16];
  vst1q_u8(all, bytes);
  for (int i = 0; i < count; ++i) out[i] = all[i];
}
// 16 signed bytes as floats.
inline F32x16 load_bytes(const int8_t* p, int count) {
  int8_t all[16] = {};
  if (count < 16) {
    for (int i = 0; i < count; ++i) all[i] = p[i];
    p = all;
  }
  const int8x16_t bytes = vld1q_s8(p);
  const int16x8_t halves[2] = {vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)};
  return quarters([&](int i) {
    const int16x8_t half = halves[i / 2];
    return vcvtq_f32_s32(i % 2 == 0 ? vmovl_s16(vget_low_s16(half)) : vmovl_high_s16(half));
  });
}

inline I32x16 zero_i32() {
  return integer_quarters([](int) { return vdupq_n_s32(0); });
}
inline I32x16 load(const int32_t* p) {
  return integer_quarters([=](int i) { return vld1q_s32(p + 4 * i); });
}
inline I32x16 load(const int32_t* p, int count) {
  int32_t all[16] = {};
  for (int i = 0; i < count; ++i) all[i] = p[i];
  return load(all);
}
inline void store(I32x16 x, int32_t* p) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) vst1q_s32(p + 4 * i, x.v[i]);
}
inline I32x16 operator-(I32x16 a, I32x16 b) {
  return integer_quarters([&](int i) { return vsubq_s32(a.v[i], b.v[i]); });
}
inline I32x16 operator+(I32x16 a, I32x16 b) {
  return integer_quarters([&](int i) { return vaddq_s32(a.v[i], b.v[i]); });
}
inline I32x16 times(I32x16 a, int32_t factor) {
  return integer_quarters([&](int i) { return vmulq_n_s32(a.v[i], factor); });
}
inline F32x16 to_float(I32x16 a) {
  return quarters([&](int i) { return vcvtq_f32_s32(a.v[i]); });
}

// Products of bytes. Only the matrix products multiply unsigned by signed; the others take activations - 127, which is
// what was quantised, so that sums lack 127 * column sums (kSignedActivations).
inline int8x16_t signed_activations(uint8x16_t x) { return vreinterpretq_s8_u8(vsubq_u8(x, vdupq_n_u8(127))); }
inline uint8x16_t four_activations(const uint8_t* p) {
  uint32_t four;
  __builtin_memcpy(&four, p, 4);
  return vreinterpretq_u8_u32(vdupq_n_u32(four));
}

struct Weights {
  int8x16_t v[4];
};
inline Weights load_weights(const int8_t* p) {
  return {{vld1q_s8(p), vld1q_s8(p + 16), vld1q_s8(p + 32), vld1q_s8(p + 48)}};
}

#if defined(__ARM_FEATURE_MATMUL_INT8)
// 8 k of two rows and of two columns: four sums. (The tile arranges both.)
struct Activations {
  uint8x16_t v;
};
inline Activations load_activations(const uint8_t* p) { return {four_activations(p)}; }
inline void add_products(I32x16& sums, Activations a, Weights b) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) sums.v[i] = vusmmlaq_s32(sums.v[i], a.v, b.v[i]);
}
// Of one row alone: four sums of 4 k.
#define DRAGOMAN_PAIRS_ROWS
struct RowActivations {
  uint8x16_t v;
};
inline RowActivations load_row_activations(const uint8_t* p) { return {four_activations(p)}; }
inline void add_products(I32x16& sums, RowActivations a, Weights b) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) sums.v[i] = vusdotq_s32(sums.v[i], a.v, b.v[i]);
}
constexpr bool kSignedActivations = false;
constexpr int kTileRows = 6;
#elif defined(__ARM_FEATURE_DOTPROD)
// Four steps of a row, of which the dot product names one as its lane.
struct Activations {
  int8x16_t v;
};
inline Activations load_activations(const uint8_t* p) { return {signed_activations(four_activations(p))}; }
inline void add_products(I32x16& sums, Activations a, Weights b) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) sums.v[i] = vdotq_s32(sums.v[i], b.v[i], a.v);
}
constexpr bool kSignedActivations = true;
constexpr int kTileRows = 5;
#else
// Pairs of products add up to 2 * 127 * 127 at most, which 16 bits hold.
struct Activations {
  int8x16_t v;
};
inline Activations load_activations(const uint8_t* p) { return {signed_activations(four_activations(p))}; }
inline void add_products(I32x16& sums, Activations a, Weights b) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const int16x8_t low = vmull_s8(vget_low_s8(b.v[i]), vget_low_s8(a.v)), high = vmull_high_s8(b.v[i], a.v);
    sums.v[i] = vpadalq_s16(sums.v[i], vpaddq_s16(low, high));
  }
}
constexpr bool kSignedActivations = true;
constexpr int kTileRows = 4;
constexpr int kStepsPerTurn = 1;
#endif
// Weights of 4 bits, 0..15: two for each byte of a column, the low halves for 4 activations and the high ones for the
// next 4.
struct HalfBytes {
  uint8x16_t v[4];
};
inline HalfBytes load_half_bytes(const uint8_t* p) {
  return {{vld1q_u8(p), vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48)}};
}
inline void add_unsigned(int32x4_t& sums, uint8x16_t a, uint8x16_t b) {
#if defined(__ARM_FEATURE_DOTPROD)
  sums = vreinterpretq_s32_u32(vdotq_u32(vreinterpretq_u32_s32(sums), a, b));
#else
  const uint16x8_t low = vmull_u8(vget_low_u8(a), vget_low_u8(b)), high = vmull_high_u8(a, b);
  sums = vaddq_s32(sums, vreinterpretq_s32_u32(vpaddq_u32(vpaddlq_u16(low), vpaddlq_u16(high))));
#endif
}
// Adds the products with 8 activations to the sum of `first` and `second`.
inline void add_products(I32x16& first, I32x16& second, const uint8_t* a, HalfBytes b) {
  const uint8x16_t these = four_activations(a), next = four_activations(a + 4);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    add_unsigned(first.v[i], these, vandq_u8(b.v[i], vdupq_n_u8(15)));
    add_unsigned(second.v[i], next, vshrq_n_u8(b.v[i], 4));
  }
}

// Adds the four weights of each column.
inline void add_weights(I32x16& sums, Weights b) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) sums.v[i] = vpadalq_s16(sums.v[i], vpaddlq_s8(b.v[i]));
}

inline void keep_in_register(Activations& x) { asm volatile("" : "+w"(x.v)); }
inline void keep_in_register(I32x16& x) { asm volatile("" : "+w"(x.v[0]), "+w"(x.v[1]), "+w"(x.v[2]), "+w"(x.v[3])); }
inline void keep_in_register(F32x16& x) { asm volatile("" : "+w"(x.v[0]), "+w"(x.v[1]), "+w"(x.v[2]), "+w"(x.v[3])); }

// The tallest tile whose sums stay in registers (with kTileRows above), and how many sums of 16 lanes a low tile may
// keep in flight.
constexpr int kTileGroups = 1;
constexpr int kIntSums = 4;
constexpr int kHeadsTogether = 1;
constexpr int kAttendedRows = 4;
constexpr int kFloatTileRows = 6;
constexpr int kFloatSums = 4;
constexpr int kFloatStepsPerTurn = 1;

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
