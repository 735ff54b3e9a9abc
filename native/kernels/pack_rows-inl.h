// Panels from selected rows of a row-major table [N][K]: the output columns of a shortlist, once a batch.
//
// Int8 and float panels are the same layout in units of 4 bytes, [ceil(n/32)][units][32]: a unit is one float or
// 4 consecutive k of int8. So both are one transposition of 32-bit numbers.
#pragma once

#include "kernels/kernels.h"
#include "kernels/transpose-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

inline void pack_rows(const char* table, size_t stride_bytes, const int32_t* ids, int n, size_t bytes, float* panels) {
  if (n == 0) return;
  const size_t units = (bytes + 3) / 4, whole = bytes / 4;
  const auto find = [&](int start, const float*(&rows)[16]) {  // beyond n, any valid row
    for (int i = 0; i < 16; ++i) {
      const int32_t id = ids[start + i < n ? start + i : 0];
      rows[i] = reinterpret_cast<const float*>(table + id * stride_bytes);
    }
  };
  const float* next[16];
  find(0, next);
  for (int start = 0; start < (n + kPanelColumns - 1) / kPanelColumns * kPanelColumns; start += 16) {
    const float* rows[16];
    for (int i = 0; i < 16; ++i) rows[i] = next[i];
    const bool more = start + 16 < n;
    if (more) find(start + 16, next);
    const int lanes = start < n ? lanes_left(n, start) : 0;
    float* to = panels + start / kPanelColumns * units * kPanelColumns + start % kPanelColumns;
    transpose_rows(rows, lanes, more ? next : nullptr, whole, to, kPanelColumns);
    for (int i = 0; whole < units && i < 16; ++i) {  // int8 with K not a multiple of 4
      float value = 0.0f;
      if (i < lanes) __builtin_memcpy(&value, reinterpret_cast<const char*>(rows[i]) + 4 * whole, bytes - 4 * whole);
      __builtin_memcpy(to + whole * kPanelColumns + i, &value, 4);
    }
  }
}

void pack_rows_int8(const int8_t* table, size_t stride, const int32_t* ids, int n, int k, int8_t* panels) {
  pack_rows(reinterpret_cast<const char*>(table), stride, ids, n, static_cast<size_t>(k),
            reinterpret_cast<float*>(panels));
}

void pack_rows_float(const float* table, size_t stride, const int32_t* ids, int n, int k, float* panels) {
  pack_rows(reinterpret_cast<const char*>(table), stride * sizeof(float), ids, n,
            static_cast<size_t>(k) * sizeof(float), panels);
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
