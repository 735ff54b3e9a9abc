// Matrices in kernel order. One layout serves every instruction set, so a prepared file serves every machine.
//
//   int8   [ceil(N/32)][ceil(K/4)][2][16][4]: panel, step of 4 k, half of 16 columns, column, k within the step
//   float  [ceil(N/32)][K][32]: panel, k, column
//
// Both are zero beyond K and N. A row of activations is read from left to right, and with it one sequential stream.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace dragoman {

// Where element (k, column) of a [K][N] matrix lies in its panels.
inline size_t int8_panel_index(int column, int k, int depth) {
  const size_t panel = static_cast<size_t>(column / kPanelColumns),
               within = static_cast<size_t>(column % kPanelColumns);
  const size_t steps = (static_cast<size_t>(depth) + 3) / 4;
  return ((panel * steps + static_cast<size_t>(k / 4)) * kPanelColumns + within) * 4 + static_cast<size_t>(k % 4);
}
inline size_t float_panel_index(int column, int k, int depth) {
  const size_t panel = static_cast<size_t>(column / kPanelColumns),
               within = static_cast<size_t>(column % kPanelColumns);
  return (panel * static_cast<size_t>(depth) + static_cast<size_t>(k)) * kPanelColumns + within;
}

// Elements of the panels of a [K][N] matrix.
size_t packed_size_int8(int k, int n);
size_t packed_size_float(int k, int n);

// matrix: row-major [K][N], or [N][K] if transposed; stride counts elements. column_sums: [N], or null.
void pack_int8(const int8_t* matrix, size_t stride, bool transposed, int k, int n, int8_t* panels,
               int32_t* column_sums);
void pack_float(const float* matrix, size_t stride, bool transposed, int k, int n, float* panels);

}  // namespace dragoman
