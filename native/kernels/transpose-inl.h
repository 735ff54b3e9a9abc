// Sixteen rows of 4-byte units as sixteen columns: what packing keys and selected rows have in common.
#pragma once

#include "kernels/simd-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

struct Unchanged {
  F32x16 operator()(F32x16 x) const { return x; }
};

// out[unit * out_stride + i] = change(unit of rows[i]) for i < lanes, else of 0, i < 16. Every row pointer must be
// valid. Units are bits, arithmetic is only in `change`: int8 quadruples pass as floats. `next` (or null): sixteen rows
// to fetch meanwhile, since selected rows lie anywhere in memory.
template <class Change = Unchanged>
inline void transpose_rows(const float* const (&rows)[16], int lanes, const float* const* next, size_t units,
                           float* out, size_t out_stride, Change change = {}) {
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
      store(change(block[j]), out + (unit + j) * out_stride);
    }
  }
  for (; unit < units; ++unit) {
    float values[16] = {};
    for (int i = 0; i < lanes; ++i) __builtin_memcpy(values + i, rows[i] + unit, 4);
    store(change(load(values)), out + unit * out_stride);
  }
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
