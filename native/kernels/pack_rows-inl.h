// Panels from selected rows of a row-major table [N][K]: the output columns of a shortlist, once a batch.
//
// Int8 and float panels are the same layout in units of 4 bytes, [ceil(n/32)][units][32]: a unit is one float or
// 4 consecutive k of int8. So both are one transposition of 32-bit numbers.
#pragma once

#include "kernels/kernels.h"
#include "kernels/transpose-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// Units first..units-1 of one row as a column of a panel, zero beyond `bytes`. A null row is a column of zeros.
inline void pack_column(const char* row, size_t bytes, size_t first, size_t units, float* column) {
  for (size_t unit = first; unit < units; ++unit) {
    float value = 0.0f;
    const size_t left = bytes - 4 * unit;
    if (row) __builtin_memcpy(&value, row + 4 * unit, left < 4 ? left : 4);
    __builtin_memcpy(column + unit * kPanelColumns, &value, 4);
  }
}

inline void pack_rows(const char* table, size_t stride_bytes, const int32_t* ids, int n, size_t bytes, float* panels) {
  const size_t units = (bytes + 3) / 4, whole = bytes / 4;
  const auto find = [&](int start, const float* (&rows)[16]) {
    for (int i = 0; i < 16; ++i) rows[i] = reinterpret_cast<const float*>(table + ids[start + i] * stride_bytes);
  };
  const float* rows[16];
  const float* next[16];
  if (n >= 16) find(0, next);
  for (int start = 0; start < (n + kPanelColumns - 1) / kPanelColumns * kPanelColumns; start += 16) {
    float* to = panels + start / kPanelColumns * units * kPanelColumns + start % kPanelColumns;
    size_t first = 0;
    if (start + 16 <= n) {
      for (int i = 0; i < 16; ++i) rows[i] = next[i];
      const bool more = start + 32 <= n;
      if (more) find(start + 16, next);
      transpose_rows(rows, more ? next : nullptr, whole, to, kPanelColumns);
      if (whole == units) continue;
      first = whole;
    }
    // A last unit cut short, or columns beyond n.
    for (int i = 0; i < 16; ++i) {
      const char* row = start + i < n ? table + ids[start + i] * stride_bytes : nullptr;
      pack_column(row, bytes, first, units, to + i);
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
