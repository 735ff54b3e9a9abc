#include "kernels/sketch.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace dragoman {
namespace {

struct Column {
  float step, base, rest;
};

// Codes of one column, [k]. The step suits a bell curve; what it cuts off counts as rest like all else.
Column make_column(const int8_t* weights, int k, bool dynamic, uint8_t* codes) {
  int64_t squares = 0, sum = 0;
  for (int at = 0; at < k; ++at) squares += weights[at] * weights[at], sum += weights[at];
  const float step = std::max(0.1676f * std::sqrt(static_cast<float>(squares) / static_cast<float>(k)), 1e-3f);
  const float inverse = 0.5f / step;
  double rest = 0;
  int64_t odd_sum = 0;
  for (int at = 0; at < k; ++at) {
    const int code = std::clamp(static_cast<int>(static_cast<float>(weights[at]) * inverse + 8.f), 0, 15);
    codes[at] = static_cast<uint8_t>(code);
    odd_sum += 2 * code - 15;
    const double left = weights[at] - static_cast<double>(step) * (2 * code - 15);
    rest += left * left;
  }
  const double whole = dynamic ? 0.0 : static_cast<double>(sum);
  const double base = 127.0 * (whole - static_cast<double>(step) * static_cast<double>(odd_sum));
  // What the kernel's three roundings can take away, with room: nothing in it exceeds `most`.
  const double most = static_cast<double>(step) * 15 * 254 * k + std::abs(base) + 127.0 * std::sqrt(k * rest);
  const double slack = most * 0x1p-21 + 1;
  return {step, static_cast<float>(base + slack), static_cast<float>(std::sqrt(rest) * 1.000001 + 1e-6)};
}

}  // namespace

size_t sketch_size(int k, int n) {
  return (static_cast<size_t>(n) + kPanelColumns - 1) / kPanelColumns * sketch_panel_bytes(k);
}

void make_sketch(const int8_t* table, size_t stride, int k, int n, bool dynamic, uint8_t* sketch) {
  uint8_t codes[kMostSketchedRows];
  std::memset(sketch, 0, sketch_size(k, n));
  for (int column = 0; column < n; ++column) {
    uint8_t* panel = sketch + static_cast<size_t>(column / kPanelColumns) * sketch_panel_bytes(k);
    const int within = column % kPanelColumns;
    const Column found = make_column(table + static_cast<size_t>(column) * stride, k, dynamic, codes);
    const float numbers[3] = {found.step, found.base, found.rest};
    for (int i = 0; i < 3; ++i) std::memcpy(panel + 4 * (kPanelColumns * i + within), &numbers[i], 4);
    uint8_t* bytes = panel + kSketchFloats * sizeof(float) + 4 * within;
    for (int at = 0; at < k; ++at) {
      bytes[static_cast<size_t>(at / 8) * 4 * kPanelColumns + at % 4] |= codes[at] << (at % 8 / 4 * 4);
    }
  }
}

}  // namespace dragoman
