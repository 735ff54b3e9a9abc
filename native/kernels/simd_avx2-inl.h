// simd-inl.h for AVX2 and FMA, with or without AVX-VNNI: two 256-bit halves.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace dragoman::DRAGOMAN_TARGET {
namespace {

struct F32x16 {
  __m256 lo, hi;
};
struct I32x16 {
  __m256i lo, hi;
};

// All ones in the first `count` lanes of eight (count may be below 0 or above 8).
inline __m256i first_lanes(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

inline F32x16 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline F32x16 load(const float* p, int count) {
  return {_mm256_maskload_ps(p, first_lanes(count)), _mm256_maskload_ps(p + 8, first_lanes(count - 8))};
}
inline void store(F32x16 x, float* p) {
  _mm256_storeu_ps(p, x.lo);
  _mm256_storeu_ps(p + 8, x.hi);
}
inline void store(F32x16 x, float* p, int count) {
  _mm256_maskstore_ps(p, first_lanes(count), x.lo);
  _mm256_maskstore_ps(p + 8, first_lanes(count - 8), x.hi);
}
inline F32x16 splat(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }

inline F32x16 operator+(F32x16 a, F32x16 b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
inline F32x16 operator-(F32x16 a, F32x16 b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
inline F32x16 operator*(F32x16 a, F32x16 b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
inline F32x16 operator/(F32x16 a, F32x16 b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
inline F32x16 fnma(F32x16 a, F32x16 b, F32x16 c) {
  return {_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
}
inline F32x16 max(F32x16 a, F32x16 b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
inline F32x16 min(F32x16 a, F32x16 b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }

inline __m256 select_less(__m256 a, __m256 b, __m256 x, __m256 y) {
  return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
// a < b ? x : y
inline F32x16 select_less(F32x16 a, F32x16 b, F32x16 x, F32x16 y) {
  return {select_less(a.lo, b.lo, x.lo, y.lo), select_less(a.hi, b.hi, x.hi, y.hi)};
}
inline __m256 copy_sign(__m256 magnitude, __m256 sign) {
  const __m256 bit = _mm256_set1_ps(-0.0f);
  return _mm256_or_ps(_mm256_andnot_ps(bit, magnitude), _mm256_and_ps(bit, sign));
}
// |magnitude| with the sign of `sign`.
inline F32x16 copy_sign(F32x16 magnitude, F32x16 sign) {
  return {copy_sign(magnitude.lo, sign.lo), copy_sign(magnitude.hi, sign.hi)};
}
// The first `count` lanes of x, then those of fill.
inline F32x16 keep_first(F32x16 x, int count, F32x16 fill) {
  return {_mm256_blendv_ps(fill.lo, x.lo, _mm256_castsi256_ps(first_lanes(count))),
          _mm256_blendv_ps(fill.hi, x.hi, _mm256_castsi256_ps(first_lanes(count - 8)))};
}
// 16 bits: lane == value.
inline uint32_t equal_lanes(F32x16 a, F32x16 b) {
  const int lo = _mm256_movemask_ps(_mm256_cmp_ps(a.lo, b.lo, _CMP_EQ_OQ));
  const int hi = _mm256_movemask_ps(_mm256_cmp_ps(a.hi, b.hi, _CMP_EQ_OQ));
  return static_cast<uint32_t>(lo | hi << 8);
}

inline __m256 power_of_two(__m256i n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
inline __m256 scale_by_power(__m256 x, __m256 rounded) {
  const __m256i n = _mm256_sub_epi32(_mm256_castps_si256(rounded), _mm256_set1_epi32(0x4b400000));
  const __m256i half = _mm256_srai_epi32(n, 1);
  return _mm256_mul_ps(_mm256_mul_ps(x, power_of_two(half)), power_of_two(_mm256_sub_epi32(n, half)));
}
// x * 2^n, rounded once (x near 1), for n = `rounded` - 1.5 * 2^23 (`rounded` holds n in its low bits).
inline F32x16 scale_by_power(F32x16 x, F32x16 rounded) {
  return {scale_by_power(x.lo, rounded.lo), scale_by_power(x.hi, rounded.hi)};
}

inline float sum(F32x16 x) {
  const __m256 eight = _mm256_add_ps(x.lo, x.hi);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
// The largest lane; no lane may be NaN.
inline float largest(F32x16 x) {
  const __m256 eight = _mm256_max_ps(x.lo, x.hi);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

// Four floats from each of four places, one a 128-bit lane.
inline F32x16 load_lanes(const float* p0, const float* p1, const float* p2, const float* p3) {
  return {_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p0)), _mm_loadu_ps(p1), 1),
          _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p2)), _mm_loadu_ps(p3), 1)};
}
inline void transpose_lanes(__m256& a, __m256& b, __m256& c, __m256& d) {
  const __m256 low_ab = _mm256_unpacklo_ps(a, b), high_ab = _mm256_unpackhi_ps(a, b);
  const __m256 low_cd = _mm256_unpacklo_ps(c, d), high_cd = _mm256_unpackhi_ps(c, d);
  a = _mm256_shuffle_ps(low_ab, low_cd, 0x44);
  b = _mm256_shuffle_ps(low_ab, low_cd, 0xee);
  c = _mm256_shuffle_ps(high_ab, high_cd, 0x44);
  d = _mm256_shuffle_ps(high_ab, high_cd, 0xee);
}
// In each 128-bit lane, the 4 x 4 matrix whose row i is lane of x[i].
inline void transpose_lanes(F32x16 (&x)[4]) {
  transpose_lanes(x[0].lo, x[1].lo, x[2].lo, x[3].lo);
  transpose_lanes(x[0].hi, x[1].hi, x[2].hi, x[3].hi);
}

// round_half_even(x) + 127 as bytes; x in [-127, 127].
inline void store_shifted_bytes(F32x16 x, uint8_t* out, int count) {
  // vpackssdw interleaves 128-bit lanes: 0-3 8-11 4-7 12-15; vpermq puts them back.
  const __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(x.lo), _mm256_cvtps_epi32(x.hi));
  const __m256i shifted = _mm256_add_epi16(_mm256_permute4x64_epi64(words, 0xd8), _mm256_set1_epi16(127));
  const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(shifted), _mm256_extracti128_si256(shifted, 1));
  if (count == 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
  } else {
    alignas(16) uint8_t all[16];
    _mm_store_si128(reinterpret_cast<__m128i*>(all), bytes);
    for (int i = 0; i < count; ++i) out[i] = all[i];
  }
}
// 16 signed bytes as floats.
inline F32x16 load_bytes(const int8_t* p, int count) {
  alignas(16) int8_t all[16] = {};
  if (count < 16) {
    for (int i = 0; i < count; ++i) all[i] = p[i];
    p = all;
  }
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
          _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))};
}

inline I32x16 zero_i32() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline I32x16 load(const int32_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
}
inline I32x16 load(const int32_t* p, int count) {
  return {_mm256_maskload_epi32(p, first_lanes(count)), _mm256_maskload_epi32(p + 8, first_lanes(count - 8))};
}
inline void store(I32x16 x, int32_t* p) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.lo);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), x.hi);
}
inline I32x16 operator-(I32x16 a, I32x16 b) { return {_mm256_sub_epi32(a.lo, b.lo), _mm256_sub_epi32(a.hi, b.hi)}; }
inline I32x16 operator+(I32x16 a, I32x16 b) { return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)}; }
inline I32x16 times(I32x16 a, int32_t factor) {
  const __m256i all = _mm256_set1_epi32(factor);
  return {_mm256_mullo_epi32(a.lo, all), _mm256_mullo_epi32(a.hi, all)};
}
inline F32x16 to_float(I32x16 a) { return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }

// Products of bytes. Activations: 4 unsigned bytes of a row, the same in each lane; Weights: 4 signed bytes a column.
#if defined(__AVXVNNI__)
struct Activations {
  __m256i v;
};
inline void keep_in_register(Activations& x) { asm volatile("" : "+x"(x.v)); }
struct Weights {
  __m256i lo, hi;
};
inline Activations load_activations(const uint8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return {_mm256_set1_epi32(four)};
}
inline Weights load_weights(const int8_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}
inline void add_products(I32x16& sums, Activations a, Weights b) {
  sums.lo = _mm256_dpbusd_avx_epi32(sums.lo, a.v, b.lo);
  sums.hi = _mm256_dpbusd_avx_epi32(sums.hi, a.v, b.hi);
}
constexpr int kTileRows = 6;
constexpr int kIntSums = 6;
constexpr int kStepsPerTurn = 2;
#else
// vpmaddubsw would saturate: even and odd bytes as 16-bit numbers and two vpmaddwd are exact.
struct Activations {
  __m256i even, odd;
};
inline void keep_in_register(Activations& x) { asm volatile("" : "+x"(x.even), "+x"(x.odd)); }
struct Weights {
  __m256i even_lo, odd_lo, even_hi, odd_hi;
};
inline Activations load_activations(const uint8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  const __m256i all = _mm256_set1_epi32(four);
  return {_mm256_and_si256(all, _mm256_set1_epi16(0xff)), _mm256_srli_epi16(all, 8)};
}
inline Weights load_weights(const int8_t* p) {
  const __m256i lo = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const __m256i hi = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32));
  return {_mm256_srai_epi16(_mm256_slli_epi16(lo, 8), 8), _mm256_srai_epi16(lo, 8),
          _mm256_srai_epi16(_mm256_slli_epi16(hi, 8), 8), _mm256_srai_epi16(hi, 8)};
}
inline __m256i products(Activations a, __m256i even, __m256i odd) {
  return _mm256_add_epi32(_mm256_madd_epi16(a.even, even), _mm256_madd_epi16(a.odd, odd));
}
inline void add_products(I32x16& sums, Activations a, Weights b) {
  sums.lo = _mm256_add_epi32(sums.lo, products(a, b.even_lo, b.odd_lo));
  sums.hi = _mm256_add_epi32(sums.hi, products(a, b.even_hi, b.odd_hi));
}
constexpr int kTileRows = 3;
constexpr int kIntSums = 3;
constexpr int kStepsPerTurn = 1;

// vpmaddubsw adds pairs of products in 16 bits, and saturates. For sums that fit (overflow.h): half the instructions.
#define DRAGOMAN_ADDS_PAIRS
struct ByteActivations {
  __m256i v;
};
struct ByteWeights {
  __m256i lo, hi;
};
struct PairSums {
  __m256i lo, hi;
};
inline ByteActivations load_byte_activations(const uint8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return {_mm256_set1_epi32(four)};
}
inline void keep_in_register(ByteActivations& x) { asm volatile("" : "+x"(x.v)); }
inline ByteActivations operator-(ByteActivations a, ByteActivations b) { return {_mm256_sub_epi8(a.v, b.v)}; }
inline ByteWeights load_byte_weights(const int8_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}
inline PairSums add_pairs(ByteActivations a, ByteWeights b) {
  return {_mm256_maddubs_epi16(a.v, b.lo), _mm256_maddubs_epi16(a.v, b.hi)};
}
// Wraps around.
inline PairSums operator+(PairSums a, PairSums b) {
  return {_mm256_add_epi16(a.lo, b.lo), _mm256_add_epi16(a.hi, b.hi)};
}
inline void add_widened(I32x16& sums, PairSums pairs) {
  const __m256i ones = _mm256_set1_epi16(1);
  sums.lo = _mm256_add_epi32(sums.lo, _mm256_madd_epi16(pairs.lo, ones));
  sums.hi = _mm256_add_epi32(sums.hi, _mm256_madd_epi16(pairs.hi, ones));
}
// The sign bits of function(one byte, the other, limit) of each of 32 pairs of bytes from `a` on.
template <class Function>
inline uint32_t each_pair(const uint8_t* a, const uint8_t* limits, Function function) {
  const auto half = [&](int i) {
    const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + 2 * i));
    const __m256i limit = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(limits + i)));
    return function(_mm256_and_si256(both, _mm256_set1_epi16(255)), _mm256_srli_epi16(both, 8), limit);
  };
  const __m256i lanes = _mm256_packs_epi16(half(0), half(16));
  return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_permute4x64_epi64(lanes, 0xd8)));
}
// Where 128 times the larger byte and limits[pair] times the other leave 16 bits.
inline uint32_t pairs_over(const uint8_t* a, const uint8_t* limits) {
  return each_pair(a, limits, [](__m256i x, __m256i y, __m256i limit) {
    const __m256i larger = _mm256_max_epi16(x, y), smaller = _mm256_min_epi16(x, y);
    return _mm256_add_epi16(_mm256_slli_epi16(larger, 7), _mm256_mullo_epi16(smaller, limit));
  });
}
// Where a byte is above limits[pair] + lowest.
inline uint32_t pairs_above(const uint8_t* a, const uint8_t* limits, int lowest) {
  const __m256i low = _mm256_set1_epi16(static_cast<int16_t>(lowest));
  return each_pair(a, limits, [=](__m256i x, __m256i y, __m256i limit) {
    return _mm256_cmpgt_epi16(_mm256_max_epi16(x, y), _mm256_add_epi16(limit, low));
  });
}
#endif

// Weights of 4 bits, 0..15: two for each byte of a column, the low halves for 4 activations and the high ones for the
// next 4.
struct HalfBytes {
  __m256i bytes_lo, bytes_hi;
};
inline HalfBytes load_half_bytes(const uint8_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}
inline __m256i four_activations(const uint8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return _mm256_set1_epi32(four);
}
inline void add_products(__m256i& first, __m256i& second, __m256i a, __m256i next, __m256i bytes) {
  const __m256i mask = _mm256_set1_epi8(15);
  const __m256i low = _mm256_and_si256(bytes, mask), high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), mask);
#if defined(__AVXVNNI__)
  first = _mm256_dpbusd_avx_epi32(first, a, low);
  second = _mm256_dpbusd_avx_epi32(second, next, high);
#else
  // Four products of at most 254 * 15 fit 16 bits.
  const __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(a, low), _mm256_maddubs_epi16(next, high));
  first = _mm256_add_epi32(first, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  (void)second;
#endif
}
// Adds the products with 8 activations to the sum of `first` and `second`.
inline void add_products(I32x16& first, I32x16& second, const uint8_t* a, HalfBytes b) {
  const __m256i these = four_activations(a), next = four_activations(a + 4);
  add_products(first.lo, second.lo, these, next, b.bytes_lo);
  add_products(first.hi, second.hi, these, next, b.bytes_hi);
}

inline void keep_in_register(I32x16& x) { asm volatile("" : "+x"(x.lo), "+x"(x.hi)); }
inline void keep_in_register(F32x16& x) { asm volatile("" : "+x"(x.lo), "+x"(x.hi)); }

// The tallest tile whose sums stay in registers (with kTileRows and kIntSums above), the groups of 16 columns it
// covers, and how many sums of 16 lanes a low tile may keep in flight.
constexpr int kTileGroups = 1;
constexpr int kHeadsTogether = 1;
// Rows of short sentences that attend together.
constexpr int kAttendedRows = 4;
// Products take activations as the unsigned bytes that they are (otherwise: simd_neon-inl.h).
constexpr bool kSignedActivations = false;
constexpr int kFloatTileRows = 6;
constexpr int kFloatSums = 4;
constexpr int kFloatStepsPerTurn = 1;

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
