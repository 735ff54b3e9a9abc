// Panels from selected rows of a row-major table [N][K]: the output columns of a shortlist, once a batch.
//
// Int8 and float panels are the same layout in units of 4 bytes, [ceil(n/32)][units][32]: a unit is one float or
// 4 consecutive k of int8. So both are one transposition of 32-bit numbers, done in blocks of 16 rows x 16 units. Rows
// lie anywhere in a table larger than the near caches, so those of the next panel are prefetched.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

constexpr int kBlock = 16;

// out[u * kPanelColumns + r] = rows[r][u].
#if defined(__AVX512F__)
inline void transpose_block(const char* const* rows, uint32_t* out) {
  __m512i a[kBlock], b[kBlock];
#pragma GCC unroll 16
  for (int r = 0; r < kBlock; ++r) a[r] = _mm512_loadu_si512(rows[r]);
#pragma GCC unroll 8
  for (int r = 0; r < kBlock; r += 2) {
    b[r] = _mm512_unpacklo_epi32(a[r], a[r + 1]);
    b[r + 1] = _mm512_unpackhi_epi32(a[r], a[r + 1]);
  }
#pragma GCC unroll 4
  for (int r = 0; r < kBlock; r += 4) {
    a[r] = _mm512_unpacklo_epi64(b[r], b[r + 2]);
    a[r + 1] = _mm512_unpackhi_epi64(b[r], b[r + 2]);
    a[r + 2] = _mm512_unpacklo_epi64(b[r + 1], b[r + 3]);
    a[r + 3] = _mm512_unpackhi_epi64(b[r + 1], b[r + 3]);
  }
  // a[4 g + j], 128-bit lane l: unit 4 l + j of rows 4 g .. 4 g + 3.
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m512i even01 = _mm512_shuffle_i32x4(a[j], a[4 + j], 0x88),
                  odd01 = _mm512_shuffle_i32x4(a[j], a[4 + j], 0xdd);
    const __m512i even23 = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0x88);
    const __m512i odd23 = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0xdd);
    _mm512_storeu_si512(out + j * kPanelColumns, _mm512_shuffle_i32x4(even01, even23, 0x88));
    _mm512_storeu_si512(out + (4 + j) * kPanelColumns, _mm512_shuffle_i32x4(odd01, odd23, 0x88));
    _mm512_storeu_si512(out + (8 + j) * kPanelColumns, _mm512_shuffle_i32x4(even01, even23, 0xdd));
    _mm512_storeu_si512(out + (12 + j) * kPanelColumns, _mm512_shuffle_i32x4(odd01, odd23, 0xdd));
  }
}
#else
inline void transpose_block(const char* const* rows, uint32_t* out) {
  uint32_t block[kBlock][kBlock];
  for (int r = 0; r < kBlock; ++r) __builtin_memcpy(block[r], rows[r], sizeof block[r]);
  for (int u = 0; u < kBlock; ++u) {
    for (int r = 0; r < kBlock; ++r) out[u * kPanelColumns + r] = block[r][u];
  }
}
#endif

// The same for the last units of a row, of which `bytes` exist; beyond them zero.
inline void transpose_rest(const char* const* rows, size_t bytes, uint32_t* out) {
  for (int r = 0; r < kBlock; ++r) {
    for (size_t at = 0; at < bytes; at += 4) {
      uint32_t value = 0;
      __builtin_memcpy(&value, rows[r] + at, bytes - at < 4 ? bytes - at : 4);
      out[at / 4 * kPanelColumns + r] = value;
    }
  }
}

// 16 columns of a panel from as many rows; null rows are columns of zeros.
inline void pack_half(const char* const* rows, size_t bytes, uint32_t* panel) {
  alignas(64) static constexpr char kZero[4 * kBlock] = {};
  const char* from[kBlock];
  for (size_t at = 0; at < bytes; at += 4 * kBlock) {
    for (int r = 0; r < kBlock; ++r) from[r] = rows[r] ? rows[r] + at : kZero;
    uint32_t* out = panel + at / 4 * kPanelColumns;
    if (bytes - at >= 4 * kBlock) {
      transpose_block(from, out);
    } else {
      transpose_rest(from, bytes - at, out);
    }
  }
}

inline void pack_rows(const char* table, size_t stride_bytes, const int32_t* ids, int n, size_t bytes,
                      uint32_t* panels) {
  const size_t units = (bytes + 3) / 4;
  for (int start = 0; start < n; start += kBlock) {
    const char* rows[kBlock];
    for (int r = 0; r < kBlock; ++r) {
      rows[r] = start + r < n ? table + ids[start + r] * stride_bytes : nullptr;
      if (start + kBlock + r >= n) continue;
      const char* next = table + ids[start + kBlock + r] * stride_bytes;
      for (size_t at = 0; at < bytes && at < 1024; at += 64) __builtin_prefetch(next + at);
    }
    pack_half(rows, bytes,
              panels + static_cast<size_t>(start / kPanelColumns) * units * kPanelColumns + start % kPanelColumns);
  }
  if (n > 0 && (n - 1) % kPanelColumns < kBlock) {  // the second half of the last panel has no rows
    const char* none[kBlock] = {};
    pack_half(none, bytes, panels + static_cast<size_t>((n - 1) / kPanelColumns) * units * kPanelColumns + kBlock);
  }
}

void pack_rows_int8(const int8_t* table, size_t stride, const int32_t* ids, int n, int k, int8_t* panels) {
  pack_rows(reinterpret_cast<const char*>(table), stride, ids, n, static_cast<size_t>(k),
            reinterpret_cast<uint32_t*>(panels));
}

void pack_rows_float(const float* table, size_t stride, const int32_t* ids, int n, int k, float* panels) {
  pack_rows(reinterpret_cast<const char*>(table), stride * sizeof(float), ids, n,
            static_cast<size_t>(k) * sizeof(float), reinterpret_cast<uint32_t*>(panels));
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
