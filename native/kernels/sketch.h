// A sketch of an int8 output layer: its weights in 4 bits, and of each column a bound on what that leaves out. From it
// follows, exactly and for half the bytes, how high a column can be at most, so most columns need not be computed to
// find the highest (docs/decisions/0014-output-layer.md).
//
// Column n is w = step * (2 * code - 15) + rest, codes 0..15, step > 0. For activations a = q + 127:
//   sum a*w (static), or sum q*w (dynamic) = step * sum a * (2 * code - 15) + base + sum q*rest
// where base gathers the parts of the shift by 127, and |sum q*rest| <= |q| * |rest| (Cauchy-Schwarz).
//
// Layout, one block a panel of 32 columns: step, base, |rest| as floats [3][32]; then [ceil(K/8)][2][16][4] bytes, as
// int8 panels have them, the low half of a byte for k and the high half for k + 4. Zero beyond K and N.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace dragoman {

inline constexpr int kSketchFloats = 3 * kPanelColumns;
// Sums of products stay exact as floats up to here.
inline constexpr int kMostSketchedRows = 2048;

constexpr size_t sketch_panel_bytes(int k) {
  return kSketchFloats * sizeof(float) + (static_cast<size_t>(k) + 7) / 8 * 4 * kPanelColumns;
}

// Bytes of the sketch of a [K][N] matrix.
size_t sketch_size(int k, int n);

// table: row-major [N][K]. dynamic: for products that take away the shift of the activations. k <= kMostSketchedRows.
void make_sketch(const int8_t* table, size_t stride, int k, int n, bool dynamic, uint8_t* sketch);

}  // namespace dragoman
