// How high each panel of columns of an output layer can be at most, from its sketch. Contract: kernels.h.
//
// As in gemm_int8-inl.h a tile keeps its sums in registers from k = 0 to K, and one row takes several panels at once to
// hide their latency. There are few rows, so the bytes of the sketch set the pace.
#pragma once

#include "kernels/math-inl.h"
#include "kernels/sketch.h"
#include "kernels/tiles-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// What the bounds of one row need of its activations.
struct ScreenRow {
  float length;  // at least |q|
  float sum;     // 15 * sum a
};

inline ScreenRow screen_row(const uint8_t* a, int k) {
  int64_t squares = 0, sum = 0;
  for (int at = 0; at < k; ++at) {
    const int q = a[at] - 127;
    squares += q * q;
    sum += a[at];
  }
  return {__builtin_sqrtf(static_cast<float>(squares)) * 1.000001f, static_cast<float>(15 * sum)};
}

// R rows by the 16 * G columns from `first` on of one panel.
template <int R, int G>
__attribute__((always_inline)) inline void screen_tile(const Screen& p, const ScreenRow (&rows)[R], int panel,
                                                       int first, F32x16 (&high)[R]) {
  const uint8_t* from = p.sketch + static_cast<size_t>(panel) * sketch_panel_bytes(p.k);
  const uint8_t* codes = from + kSketchFloats * sizeof(float) + 4 * first;
  constexpr int kChains = R <= 4 ? 2 : 1;  // of few rows two sums a group hide each other's latency
  I32x16 sums[R][G][kChains];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int i = 0; i < kChains * G; ++i) sums[r][i / kChains][i % kChains] = zero_i32();
  }
  for (int step = 0; step < (p.k + 7) / 8; ++step, codes += 4 * kPanelColumns) {
    HalfBytes block[G];
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      __builtin_prefetch(codes + 64 * g + 2048, 0, 3);
      block[g] = load_half_bytes(codes + 64 * g);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) {
        add_products(sums[r][g][0], sums[r][g][kChains - 1], p.a + r * p.a_stride + 8 * step, block[g]);
      }
    }
  }
  const float* numbers = reinterpret_cast<const float*>(from);
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) {
    const int within = first + 16 * g, column = panel * kPanelColumns + within, count = lanes_left(p.n, column);
    if (count <= 0) break;
    const F32x16 step = load(numbers + within), base = load(numbers + kPanelColumns + within);
    const F32x16 rest = load(numbers + 2 * kPanelColumns + within);
    const F32x16 scale = load_part(p.scale + column, count);
    const F32x16 bias = p.bias ? load_part(p.bias + column, count) : splat(0.0f);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const I32x16 products = kChains == 1 ? sums[r][g][0] : sums[r][g][0] + sums[r][g][kChains - 1];
      const F32x16 coarse = to_float(products + products) - splat(rows[r].sum);
      const F32x16 most = fma(step, coarse, fma(splat(rows[r].length), rest, base));
      // From here on as the product itself rounds, so a sum that is no higher gives a result that is no higher.
      F32x16 y = fma(most, p.row_scale ? splat(p.row_scale[r]) * scale : scale, bias);
      if (count < 16) y = keep_first(y, count, splat(-__builtin_inff()));
      high[r] = max(y, high[r]);
    }
  }
}

template <int R>
void screen_rows(const Screen& p) {
  ScreenRow rows[R];
  for (int r = 0; r < R; ++r) rows[r] = screen_row(p.a + r * p.a_stride, p.k);
  for (int panel = 0; panel * kPanelColumns < p.n; ++panel) {
    F32x16 high[R];
    for (int r = 0; r < R; ++r) high[r] = splat(-__builtin_inff());
    for (int first = 0; first < kPanelColumns; first += 16 * kTileGroups) {
      screen_tile<R, kTileGroups>(p, rows, panel, first, high);
    }
    for (int r = 0; r < R; ++r) p.bounds[r * p.bounds_stride + panel] = largest(high[r]);
  }
}

void screen(const Screen& p) {
  with_height<kMostScreenedRows>(p.m, [&]<int R>() { screen_rows<R>(p); });
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
