#include "kernels/packing.h"

#include <algorithm>

namespace dragoman {

namespace {

size_t panels_of(int n) { return (static_cast<size_t>(n) + kPanelColumns - 1) / kPanelColumns; }
size_t steps_of(int k) { return (static_cast<size_t>(k) + 3) / 4; }

}  // namespace

size_t packed_size_int8(int k, int n) { return panels_of(n) * steps_of(k) * 4 * kPanelColumns; }
size_t packed_size_float(int k, int n) { return panels_of(n) * static_cast<size_t>(k) * kPanelColumns; }

void pack_int8(const int8_t* matrix, size_t stride, bool transposed, int k, int n, int8_t* panels,
               int32_t* column_sums) {
  std::fill_n(panels, packed_size_int8(k, n), int8_t{0});
  if (column_sums != nullptr) std::fill_n(column_sums, n, 0);
  const size_t k_stride = transposed ? 1 : stride, n_stride = transposed ? stride : 1;
  // 32 columns by 4 k at a time: both sides stay within a few cache lines.
  for (int first = 0; first < n; first += kPanelColumns) {
    const int last = std::min(n, first + kPanelColumns);
    for (int at = 0; at < k; ++at) {
      for (int column = first; column < last; ++column) {
        const int8_t value = matrix[static_cast<size_t>(at) * k_stride + static_cast<size_t>(column) * n_stride];
        panels[int8_panel_index(column, at, k)] = value;
        if (column_sums != nullptr) column_sums[column] += value;
      }
    }
  }
}

void pack_float(const float* matrix, size_t stride, bool transposed, int k, int n, float* panels) {
  std::fill_n(panels, packed_size_float(k, n), 0.0f);
  const size_t k_stride = transposed ? 1 : stride, n_stride = transposed ? stride : 1;
  for (int first = 0; first < n; first += kPanelColumns, panels += static_cast<size_t>(k) * kPanelColumns) {
    const int columns = std::min(n - first, kPanelColumns);
    for (int at = 0; at < k; ++at) {
      const float* from = matrix + static_cast<size_t>(at) * k_stride + static_cast<size_t>(first) * n_stride;
      float* to = panels + at * kPanelColumns;
      for (int column = 0; column < columns; ++column) to[column] = from[static_cast<size_t>(column) * n_stride];
    }
  }
}

}  // namespace dragoman
