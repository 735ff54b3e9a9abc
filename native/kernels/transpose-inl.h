// Sixteen rows of 4-byte units as sixteen columns: what packing keys and selected rows have in common.
#pragma once

#include "kernels/simd-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// out[unit * out_stride + i] = unit of rows[i] for i < lanes, else 0, i < 16. Every row pointer must be valid. Units
// are bits, never arithmetic: int8 quadruples pass as floats. `next` (or null): sixteen rows to fetch meanwhile, since
// selected rows lie anywhere in memory.
inline void transpose_rows(const float* const (&rows)[16], int lanes, const float* const* next, size_t units,
                           float* out, size_t out_stride) {
  size_t unit = 0;
  for (; unit + 4 <= units; unit += 4) {
    if (next && unit % 16 == 0) {
      for (int i = 0; i < 16; ++i) __builtin_prefetch(next[i] + unit);
    }
    F32x16 block[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      block[j] = load_lanes(rows[j] + unit, rows[4 + j] + unit, rows[8 + j] + unit, rows[12 + j] + unit);
    }
    transpose_lanes(block);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      if (lanes < 16) block[j] = keep_first(block[j], lanes, splat(0.0f));
      store(block[j], out + (unit + j) * out_stride);
    }
  }
  for (; unit < units; ++unit) {
    for (int i = 0; i < 16; ++i) {
      float value = 0.0f;
      if (i < lanes) __builtin_memcpy(&value, rows[i] + unit, 4);
      __builtin_memcpy(out + unit * out_stride + i, &value, 4);
    }
  }
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
