// Panels from selected rows of a row-major table [N][K]: the output columns of a shortlist, once a batch.
//
// Int8 and float panels are the same layout in units of 4 bytes, [ceil(n/32)][units][32]: a unit is one float or
// 4 consecutive k of int8. So both are one transposition of 32-bit numbers.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// One row of a table into column `column` of a panel, zero beyond `bytes`. A null row is a column of zeros.
inline void pack_row(const char* row, size_t bytes, size_t units, int column, uint32_t* panel) {
  for (size_t unit = 0; unit < units; ++unit) {
    uint32_t value = 0;
    const size_t left = bytes - 4 * unit;
    if (row) __builtin_memcpy(&value, row + 4 * unit, left < 4 ? left : 4);
    panel[unit * kPanelColumns + column] = value;
  }
}

inline void pack_rows(const char* table, size_t stride_bytes, const int32_t* ids, int n, size_t bytes, uint32_t* panels) {
  const size_t units = (bytes + 3) / 4;
  for (int start = 0; start < n; start += kPanelColumns, panels += units * kPanelColumns) {
    for (int column = 0; column < kPanelColumns; ++column) {
      const char* row = start + column < n ? table + ids[start + column] * stride_bytes : nullptr;
      pack_row(row, bytes, units, column, panels);
    }
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
