// simd-inl.h for AVX-512 (F, BW, DQ, VL), with or without VNNI.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace dragoman::DRAGOMAN_TARGET {
namespace {

struct F32x16 {
  __m512 v;
};
struct I32x16 {
  __m512i v;
};

inline __mmask16 first_lanes(int count) { return static_cast<__mmask16>((1u << count) - 1); }

inline F32x16 load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline F32x16 load(const float* p, int count) { return {_mm512_maskz_loadu_ps(first_lanes(count), p)}; }
inline void store(F32x16 x, float* p) { _mm512_storeu_ps(p, x.v); }
inline void store(F32x16 x, float* p, int count) { _mm512_mask_storeu_ps(p, first_lanes(count), x.v); }
inline F32x16 splat(float x) { return {_mm512_set1_ps(x)}; }

inline F32x16 operator+(F32x16 a, F32x16 b) { return {_mm512_add_ps(a.v, b.v)}; }
inline F32x16 operator-(F32x16 a, F32x16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline F32x16 operator*(F32x16 a, F32x16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline F32x16 operator/(F32x16 a, F32x16 b) { return {_mm512_div_ps(a.v, b.v)}; }
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline F32x16 fnma(F32x16 a, F32x16 b, F32x16 c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
inline F32x16 max(F32x16 a, F32x16 b) { return {_mm512_max_ps(a.v, b.v)}; }
inline F32x16 min(F32x16 a, F32x16 b) { return {_mm512_min_ps(a.v, b.v)}; }

// a < b ? x : y
inline F32x16 select_less(F32x16 a, F32x16 b, F32x16 x, F32x16 y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
}
// |magnitude| with the sign of `sign`.
inline F32x16 copy_sign(F32x16 magnitude, F32x16 sign) {
  const __m512 bit = _mm512_set1_ps(-0.0f);
  return {_mm512_or_ps(_mm512_andnot_ps(bit, magnitude.v), _mm512_and_ps(bit, sign.v))};
}
// The first `count` lanes of x, then those of fill.
inline F32x16 keep_first(F32x16 x, int count, F32x16 fill) {
  return {_mm512_mask_blend_ps(first_lanes(count), fill.v, x.v)};
}
// 16 bits: lane == value.
inline uint32_t equal_lanes(F32x16 a, F32x16 b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ); }

// x * 2^n, rounded once, for n = `rounded` - 1.5 * 2^23 (`rounded` holds n in its low bits).
inline F32x16 scale_by_power(F32x16 x, F32x16 rounded) {
  return {_mm512_scalef_ps(x.v, _mm512_sub_ps(rounded.v, _mm512_set1_ps(12582912.0f)))};
}

inline __m256 low_half(__m512 x) { return _mm512_castps512_ps256(x); }
inline __m256 high_half(__m512 x) { return _mm512_extractf32x8_ps(x, 1); }
inline float sum(F32x16 x) {
  const __m256 eight = _mm256_add_ps(low_half(x.v), high_half(x.v));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
// sum() of each of four, to out[0..4): the same tree, four at a time.
#define DRAGOMAN_SUMS_FOUR
inline void sum_four(const F32x16 (&x)[4], float* out) {
  const auto halves = [](__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
  };
  const __m512 first = halves(x[0].v, x[1].v), second = halves(x[2].v, x[3].v);
  const __m512 fours =
      _mm512_add_ps(_mm512_shuffle_f32x4(first, second, 0x88), _mm512_shuffle_f32x4(first, second, 0xdd));
  const __m512 twos = _mm512_add_ps(fours, _mm512_permute_ps(fours, 0x4e));
  const __m512 ones = _mm512_add_ps(twos, _mm512_permute_ps(twos, 0xb1));
  const __m512i places = _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
  _mm_storeu_ps(out, _mm512_castps512_ps128(_mm512_permutexvar_ps(places, ones)));
}
// The largest lane; no lane may be NaN.
inline float largest(F32x16 x) {
  const __m256 eight = _mm256_max_ps(low_half(x.v), high_half(x.v));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

// Four floats from each of four places, one a 128-bit lane.
inline F32x16 load_lanes(const float* p0, const float* p1, const float* p2, const float* p3) {
  __m512 x = _mm512_castps128_ps512(_mm_loadu_ps(p0));
  x = _mm512_mask_broadcast_f32x4(x, 0x00f0, _mm_loadu_ps(p1));
  x = _mm512_mask_broadcast_f32x4(x, 0x0f00, _mm_loadu_ps(p2));
  return {_mm512_mask_broadcast_f32x4(x, 0xf000, _mm_loadu_ps(p3))};
}
// In each 128-bit lane, the 4 x 4 matrix whose row i is lane of x[i].
inline void transpose_lanes(F32x16 (&x)[4]) {
  const __m512 low01 = _mm512_unpacklo_ps(x[0].v, x[1].v), high01 = _mm512_unpackhi_ps(x[0].v, x[1].v);
  const __m512 low23 = _mm512_unpacklo_ps(x[2].v, x[3].v), high23 = _mm512_unpackhi_ps(x[2].v, x[3].v);
  x[0].v = _mm512_shuffle_ps(low01, low23, 0x44);
  x[1].v = _mm512_shuffle_ps(low01, low23, 0xee);
  x[2].v = _mm512_shuffle_ps(high01, high23, 0x44);
  x[3].v = _mm512_shuffle_ps(high01, high23, 0xee);
}

// round_half_even(x) + 127 as bytes; x in [-127, 127].
inline void store_shifted_bytes(F32x16 x, uint8_t* out, int count) {
  const __m512i shifted = _mm512_add_epi32(_mm512_cvtps_epi32(x.v), _mm512_set1_epi32(127));
  const __m128i bytes = _mm512_cvtepi32_epi8(shifted);
  if (count == 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
  } else {
    _mm_mask_storeu_epi8(out, first_lanes(count), bytes);
  }
}
// The same of 32 columns of two rows; x at most 127, and what is below -127 counts as that. Packing saturates, so four
// vectors together take a third of the instructions.
#define DRAGOMAN_PACKS_PAIRS
inline void store_shifted_pair(const F32x16 (&x)[4], uint8_t* first, uint8_t* second) {
  const __m512i low = _mm512_packs_epi32(_mm512_cvtps_epi32(x[0].v), _mm512_cvtps_epi32(x[1].v));
  const __m512i high = _mm512_packs_epi32(_mm512_cvtps_epi32(x[2].v), _mm512_cvtps_epi32(x[3].v));
  const __m512i clamped = _mm512_max_epi8(_mm512_packs_epi16(low, high), _mm512_set1_epi8(-127));
  const __m512i shifted = _mm512_add_epi8(clamped, _mm512_set1_epi8(127));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i bytes = _mm512_permutexvar_epi32(order, shifted);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(first), _mm512_castsi512_si256(bytes));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(second), _mm512_extracti64x4_epi64(bytes, 1));
}
// 16 signed bytes as floats.
inline F32x16 load_bytes(const int8_t* p, int count) {
  const __m128i bytes =
      count == 16 ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)) : _mm_maskz_loadu_epi8(first_lanes(count), p);
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))};
}

inline I32x16 zero_i32() { return {_mm512_setzero_si512()}; }
inline I32x16 load(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
inline I32x16 load(const int32_t* p, int count) { return {_mm512_maskz_loadu_epi32(first_lanes(count), p)}; }
inline void store(I32x16 x, int32_t* p) { _mm512_storeu_si512(p, x.v); }
inline I32x16 operator-(I32x16 a, I32x16 b) { return {_mm512_sub_epi32(a.v, b.v)}; }
inline I32x16 operator+(I32x16 a, I32x16 b) { return {_mm512_add_epi32(a.v, b.v)}; }
inline I32x16 times(I32x16 a, int32_t factor) { return {_mm512_mullo_epi32(a.v, _mm512_set1_epi32(factor))}; }
inline F32x16 to_float(I32x16 a) { return {_mm512_cvtepi32_ps(a.v)}; }

// Products of bytes. Activations: 4 unsigned bytes of a row, the same in each lane; Weights: 4 signed bytes a column.
#if defined(__AVX512VNNI__)
struct Activations {
  __m512i v;
};
inline void keep_in_register(Activations& x) { asm volatile("" : "+v"(x.v)); }
struct Weights {
  __m512i v;
};
inline Activations load_activations(const uint8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return {_mm512_set1_epi32(four)};
}
inline Weights load_weights(const int8_t* p) { return {_mm512_loadu_si512(p)}; }
inline void add_products(I32x16& sums, Activations a, Weights b) { sums.v = _mm512_dpbusd_epi32(sums.v, a.v, b.v); }
#else
// vpmaddubsw would saturate: even and odd bytes as 16-bit numbers and two vpmaddwd are exact.
struct Activations {
  __m512i even, odd;
};
inline void keep_in_register(Activations& x) { asm volatile("" : "+v"(x.even), "+v"(x.odd)); }
struct Weights {
  __m512i even, odd;
};
inline Activations load_activations(const uint8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return {_mm512_set1_epi32(four & 0x00ff00ff), _mm512_set1_epi32((four >> 8) & 0x00ff00ff)};
}
inline Weights load_weights(const int8_t* p) {
  const __m512i bytes = _mm512_loadu_si512(p);
  return {_mm512_srai_epi16(_mm512_slli_epi16(bytes, 8), 8), _mm512_srai_epi16(bytes, 8)};
}
inline void add_products(I32x16& sums, Activations a, Weights b) {
  const __m512i even = _mm512_madd_epi16(a.even, b.even), odd = _mm512_madd_epi16(a.odd, b.odd);
  sums.v = _mm512_add_epi32(sums.v, _mm512_add_epi32(even, odd));
}

// vpmaddubsw adds pairs of products in 16 bits, and saturates. For sums that fit (overflow.h): half the instructions.
#define DRAGOMAN_ADDS_PAIRS
struct ByteActivations {
  __m512i v;
};
struct ByteWeights {
  __m512i v;
};
struct PairSums {
  __m512i v;
};
inline ByteActivations load_byte_activations(const uint8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return {_mm512_set1_epi32(four)};
}
inline void keep_in_register(ByteActivations& x) { asm volatile("" : "+v"(x.v)); }
inline ByteActivations operator-(ByteActivations a, ByteActivations b) { return {_mm512_sub_epi8(a.v, b.v)}; }
inline ByteWeights load_byte_weights(const int8_t* p) { return {_mm512_loadu_si512(p)}; }
inline PairSums add_pairs(ByteActivations a, ByteWeights b) { return {_mm512_maddubs_epi16(a.v, b.v)}; }
// Wraps around.
inline PairSums operator+(PairSums a, PairSums b) { return {_mm512_add_epi16(a.v, b.v)}; }
inline void add_widened(I32x16& sums, PairSums pairs) {
  sums.v = _mm512_add_epi32(sums.v, _mm512_madd_epi16(pairs.v, _mm512_set1_epi16(1)));
}
// A bit for each of 32 pairs of bytes from `a` on: whether 128 times the larger byte and limits[pair] times the other
// leave 16 bits.
inline __m512i each_limit(const uint8_t* limits) {
  return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(limits)));
}
inline uint32_t pairs_over(const uint8_t* a, const uint8_t* limits) {
  const __m512i both = _mm512_loadu_si512(a);
  const __m512i x = _mm512_and_si512(both, _mm512_set1_epi16(255)), y = _mm512_srli_epi16(both, 8);
  const __m512i smaller = _mm512_mullo_epi16(_mm512_min_epi16(x, y), each_limit(limits));
  return _mm512_movepi16_mask(_mm512_add_epi16(_mm512_slli_epi16(_mm512_max_epi16(x, y), 7), smaller));
}
// The same: whether a byte is above limits[pair] + lowest.
inline uint32_t pairs_above(const uint8_t* a, const uint8_t* limits, int lowest) {
  const __m512i both = _mm512_loadu_si512(a), low = _mm512_set1_epi16(static_cast<int16_t>(lowest));
  const __m512i larger = _mm512_max_epi16(_mm512_and_si512(both, _mm512_set1_epi16(255)), _mm512_srli_epi16(both, 8));
  return _mm512_cmpgt_epi16_mask(larger, _mm512_add_epi16(each_limit(limits), low));
}
#endif

// Weights of 4 bits, 0..15: two for each byte of a column, the low halves for 4 activations and the high ones for the
// next 4.
struct HalfBytes {
  __m512i low, high;
};
inline HalfBytes load_half_bytes(const uint8_t* p) {
  const __m512i bytes = _mm512_loadu_si512(p), mask = _mm512_set1_epi8(15);
  return {_mm512_and_si512(bytes, mask), _mm512_and_si512(_mm512_srli_epi16(bytes, 4), mask)};
}
inline __m512i four_activations(const uint8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return _mm512_set1_epi32(four);
}
// Adds the products with 8 activations to the sum of `first` and `second`.
inline void add_products(I32x16& first, I32x16& second, const uint8_t* a, HalfBytes b) {
#if defined(__AVX512VNNI__)
  first.v = _mm512_dpbusd_epi32(first.v, four_activations(a), b.low);
  second.v = _mm512_dpbusd_epi32(second.v, four_activations(a + 4), b.high);
#else
  // Four products of at most 254 * 15 fit 16 bits.
  const __m512i pairs = _mm512_add_epi16(_mm512_maddubs_epi16(four_activations(a), b.low),
                                         _mm512_maddubs_epi16(four_activations(a + 4), b.high));
  first.v = _mm512_add_epi32(first.v, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  (void)second;
#endif
}

inline void keep_in_register(I32x16& x) { asm volatile("" : "+v"(x.v)); }
inline void keep_in_register(F32x16& x) { asm volatile("" : "+v"(x.v)); }

// The tallest tile whose sums stay in registers, the groups of 16 columns it covers, how many sums of 16 lanes a low
// tile may keep in flight, and the steps of 4 k in one turn of the int8 loop.
constexpr int kTileGroups = 2;
#if defined(__AVX512VNNI__)
constexpr int kTileRows = 14;
constexpr int kIntSums = 24;
constexpr int kStepsPerTurn = 2;
#else
constexpr int kTileRows = 8;
constexpr int kIntSums = 4;
constexpr int kStepsPerTurn = 1;
#endif
// Heads of a single row whose attention is computed together: their sums take 4 registers each.
constexpr int kHeadsTogether = 4;
// Rows of short sentences that attend together.
constexpr int kAttendedRows = 8;
// Products take activations as the unsigned bytes that they are (otherwise: simd_neon-inl.h).
constexpr bool kSignedActivations = false;
constexpr int kFloatTileRows = 14;
constexpr int kFloatSums = 16;
constexpr int kFloatStepsPerTurn = 2;

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
