// simd-inl.h for any processor: arrays, and the C library's fused multiply-add. Slow and exact: the oracle in C++.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dragoman::DRAGOMAN_TARGET {
namespace {

struct F32x16 {
  float v[16];
};
struct I32x16 {
  int32_t v[16];
};

template <class Function>
inline F32x16 each_lane(Function function) {
  F32x16 result;
  for (int i = 0; i < 16; ++i) result.v[i] = function(i);
  return result;
}

inline uint32_t bits_of(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  return bits;
}
inline float float_of(uint32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, 4);
  return x;
}

inline F32x16 load(const float* p) {
  return each_lane([=](int i) { return p[i]; });
}
inline F32x16 load(const float* p, int count) {
  return each_lane([=](int i) { return i < count ? p[i] : 0.0f; });
}
inline void store(F32x16 x, float* p) { __builtin_memcpy(p, x.v, 64); }
inline void store(F32x16 x, float* p, int count) {
  for (int i = 0; i < count; ++i) p[i] = x.v[i];
}
inline F32x16 splat(float x) {
  return each_lane([=](int) { return x; });
}

inline F32x16 operator+(F32x16 a, F32x16 b) {
  return each_lane([&](int i) { return a.v[i] + b.v[i]; });
}
inline F32x16 operator-(F32x16 a, F32x16 b) {
  return each_lane([&](int i) { return a.v[i] - b.v[i]; });
}
inline F32x16 operator*(F32x16 a, F32x16 b) {
  return each_lane([&](int i) { return a.v[i] * b.v[i]; });
}
inline F32x16 operator/(F32x16 a, F32x16 b) {
  return each_lane([&](int i) { return a.v[i] / b.v[i]; });
}
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return each_lane([&](int i) { return __builtin_fmaf(a.v[i], b.v[i], c.v[i]); });
}
inline F32x16 fnma(F32x16 a, F32x16 b, F32x16 c) {
  return each_lane([&](int i) { return __builtin_fmaf(-a.v[i], b.v[i], c.v[i]); });
}
inline F32x16 max(F32x16 a, F32x16 b) {
  return each_lane([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
inline F32x16 min(F32x16 a, F32x16 b) {
  return each_lane([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}

// a < b ? x : y
inline F32x16 select_less(F32x16 a, F32x16 b, F32x16 x, F32x16 y) {
  return each_lane([&](int i) { return a.v[i] < b.v[i] ? x.v[i] : y.v[i]; });
}
// |magnitude| with the sign of `sign`.
inline F32x16 copy_sign(F32x16 magnitude, F32x16 sign) {
  return each_lane([&](int i) { return __builtin_copysignf(magnitude.v[i], sign.v[i]); });
}
// The first `count` lanes of x, then those of fill.
inline F32x16 keep_first(F32x16 x, int count, F32x16 fill) {
  return each_lane([&](int i) { return i < count ? x.v[i] : fill.v[i]; });
}
// 16 bits: lane == value.
inline uint32_t equal_lanes(F32x16 a, F32x16 b) {
  uint32_t lanes = 0;
  for (int i = 0; i < 16; ++i) lanes |= static_cast<uint32_t>(a.v[i] == b.v[i]) << i;
  return lanes;
}

// x * 2^n, rounded once (x near 1), for n = `rounded` - 1.5 * 2^23 (`rounded` holds n in its low bits).
inline F32x16 scale_by_power(F32x16 x, F32x16 rounded) {
  return each_lane([&](int i) {
    const int n = static_cast<int>(bits_of(rounded.v[i]) - 0x4b400000u);
    const int half = n >> 1;
    const float first = float_of((static_cast<uint32_t>(half) + 127u) << 23);
    return x.v[i] * first * float_of((static_cast<uint32_t>(n - half) + 127u) << 23);
  });
}

inline float sum(F32x16 x) {
  for (int step = 8; step > 0; step /= 2) {
    for (int i = 0; i < step; ++i) x.v[i] += x.v[i + step];
  }
  return x.v[0];
}
// The largest lane; no lane may be NaN.
inline float largest(F32x16 x) {
  for (int step = 8; step > 0; step /= 2) {
    for (int i = 0; i < step; ++i) x.v[i] = x.v[i] > x.v[i + step] ? x.v[i] : x.v[i + step];
  }
  return x.v[0];
}

// Four floats from each of four places, one a 128-bit lane.
inline F32x16 load_lanes(const float* p0, const float* p1, const float* p2, const float* p3) {
  const float* from[4] = {p0, p1, p2, p3};
  F32x16 result;
  for (int lane = 0; lane < 4; ++lane) __builtin_memcpy(result.v + 4 * lane, from[lane], 16);
  return result;
}
// In each 128-bit lane, the 4 x 4 matrix whose row i is lane of x[i].
inline void transpose_lanes(F32x16 (&x)[4]) {
  F32x16 result[4];
  for (int i = 0; i < 64; ++i) __builtin_memcpy(&result[i % 4].v[i / 4], &x[i / 4 % 4].v[i / 16 * 4 + i % 4], 4);
  for (int i = 0; i < 4; ++i) x[i] = result[i];
}

// round_half_even(x) + 127 as bytes; x in [-127, 127].
inline void store_shifted_bytes(F32x16 x, uint8_t* out, int count) {
  for (int i = 0; i < count; ++i) out[i] = static_cast<uint8_t>(bits_of(x.v[i] + 12582912.0f) - 0x4b400000u + 127u);
}
// 16 signed bytes as floats.
inline F32x16 load_bytes(const int8_t* p, int count) {
  return each_lane([=](int i) { return i < count ? static_cast<float>(p[i]) : 0.0f; });
}

inline I32x16 load(const int32_t* p) {
  I32x16 result;
  __builtin_memcpy(result.v, p, 64);
  return result;
}
inline I32x16 load(const int32_t* p, int count) {
  I32x16 result;
  for (int i = 0; i < 16; ++i) result.v[i] = i < count ? p[i] : 0;
  return result;
}
inline I32x16 zero_i32() { return {}; }
inline void store(I32x16 x, int32_t* p) { __builtin_memcpy(p, x.v, 64); }
inline I32x16 operator-(I32x16 a, I32x16 b) {
  for (int i = 0; i < 16; ++i) a.v[i] -= b.v[i];
  return a;
}
inline I32x16 operator+(I32x16 a, I32x16 b) {
  for (int i = 0; i < 16; ++i) a.v[i] += b.v[i];
  return a;
}
inline I32x16 times(I32x16 a, int32_t factor) {
  for (int i = 0; i < 16; ++i) a.v[i] *= factor;
  return a;
}
inline F32x16 to_float(I32x16 a) {
  return each_lane([&](int i) { return static_cast<float>(a.v[i]); });
}

// Products of bytes. Activations: 4 unsigned bytes of a row, the same for each lane; Weights: 4 signed bytes a column.
struct Activations {
  const uint8_t* p;
};
struct Weights {
  const int8_t* p;
};
inline Activations load_activations(const uint8_t* p) { return {p}; }
inline Weights load_weights(const int8_t* p) { return {p}; }
inline void add_products(I32x16& sums, Activations a, Weights b) {
  for (int i = 0; i < 16; ++i) {
    for (int k = 0; k < 4; ++k) sums.v[i] += a.p[k] * b.p[4 * i + k];
  }
}

// Weights of 4 bits, 0..15: two for each byte of a column, the low halves for 4 activations and the high ones for the
// next 4.
struct HalfBytes {
  const uint8_t* p;
};
inline HalfBytes load_half_bytes(const uint8_t* p) { return {p}; }
// Adds the products with 8 activations to the sum of `first` and `second`.
inline void add_products(I32x16& first, I32x16& second, const uint8_t* a, HalfBytes b) {
  for (int i = 0; i < 16; ++i) {
    for (int k = 0; k < 4; ++k) {
      first.v[i] += a[k] * (b.p[4 * i + k] & 15);
      second.v[i] += a[4 + k] * (b.p[4 * i + k] >> 4);
    }
  }
}

// There is none: in memory, so that every step happens.
inline void keep_in_register(I32x16& x) { asm volatile("" : "+m"(x.v)); }
inline void keep_in_register(Activations&) {}
inline void keep_in_register(F32x16& x) { asm volatile("" : "+m"(x.v)); }

constexpr int kTileGroups = 1;
constexpr int kTileRows = 2;
constexpr int kIntSums = 1;
constexpr int kStepsPerTurn = 1;
constexpr int kHeadsTogether = 1;
// Rows of short sentences that attend together.
constexpr int kAttendedRows = 4;
// Products take activations as the unsigned bytes that they are (otherwise: simd_neon-inl.h).
constexpr bool kSignedActivations = false;
constexpr int kFloatTileRows = 2;
constexpr int kFloatSums = 1;
constexpr int kFloatStepsPerTurn = 1;

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
