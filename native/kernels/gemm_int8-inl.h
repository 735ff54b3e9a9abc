// u8 x s8 products, exact in int32, with the epilogue applied while a tile is hot. Contract: kernels.h.
//
// Panels of 32 columns are the outer loop, so that weights come from memory once, as one sequential stream, and the
// rows of activations, which are few, stay in the inner caches. A tile of R rows by 16 or 32 columns keeps its sums in
// registers from k = 0 to K; then they pass through a small buffer to the epilogue.
#pragma once

#include "kernels/math-inl.h"
#include "kernels/tiles-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

constexpr int kStepBytes = 4 * kPanelColumns;  // one step: 4 k by 32 columns
constexpr int kTileColumns = 16 * kTileGroups;
// The first tile of a panel fetches weights this far ahead; later ones find them in a cache.
constexpr size_t kPrefetchBytes = 8192;

// Low tiles would wait for the latency of one chain of sums per element; integers may be summed in any order, so they
// take several steps at once.
constexpr int steps_at_once(int rows) { return copies_in_flight(rows, kIntSums); }

// sums[r][c] = sum over k of a[r][k] * b[k][c].
template <int R>
__attribute__((noinline)) void multiply_tile(const uint8_t* a, size_t a_stride, const int8_t* b, int steps,
                                             size_t ahead, int32_t* sums) {
  constexpr int U = steps_at_once(R);
  I32x16 tile[U][R][kTileGroups];
#pragma GCC unroll 4
  for (int u = 0; u < U; ++u) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
      for (int g = 0; g < kTileGroups; ++g) tile[u][r][g] = zero_i32();
    }
  }
  const auto step = [&](I32x16(&to)[R][kTileGroups], const uint8_t* x, const int8_t* y) {
    Weights weights[kTileGroups];
#pragma GCC unroll 2
    for (int g = 0; g < kTileGroups; ++g) {
      __builtin_prefetch(y + ahead + 64 * g);
      weights[g] = load_weights(y + 64 * g);
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Activations activations = load_activations(x + r * a_stride);
#pragma GCC unroll 2
      for (int g = 0; g < kTileGroups; ++g) add_products(to[r][g], activations, weights[g]);
    }
  };
  int done = 0;
  for (; done + U <= steps; done += U, a += 4 * U, b += kStepBytes * U) {
#pragma GCC unroll 4
    for (int u = 0; u < U; ++u) step(tile[u], a + 4 * u, b + kStepBytes * u);
  }
  if constexpr (U > 1) {
    for (; done < steps; ++done, a += 4, b += kStepBytes) step(tile[0], a, b);
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int g = 0; g < kTileGroups; ++g) {
      I32x16 total = tile[0][r][g];
#pragma GCC unroll 4
      for (int u = 1; u < U; ++u) total = total + tile[u][r][g];
      store(total, sums + r * kTileColumns + 16 * g);
    }
  }
}

// What the epilogue does to a tile of sums that starts at (row, column).
template <Activation kind, bool dynamic>
void finish_tile(const GemmInt8& p, const int32_t* sums, int row, int rows, int column) {
  const F32x16 out_multiplier = splat(p.out_multiplier);
  for (int g = 0; g < kTileGroups && column < p.n; ++g, column += 16, sums += 16) {
    const int count = lanes_left(p.n, column);
    const F32x16 scale = load_part(p.scale + column, count);
    const F32x16 bias = p.bias ? load_part(p.bias + column, count) : splat(0.0f);
    const I32x16 shift = dynamic ? times_127(load(p.column_sums + column, count)) : zero_i32();
    for (int r = 0; r < rows; ++r) {
      const I32x16 sum = load(sums + r * kTileColumns);
      F32x16 y;
      if constexpr (dynamic) {
        y = fma(to_float(sum - shift), splat(p.row_scale[row + r]) * scale, bias);
      } else {
        y = fma(to_float(sum), scale, bias);
      }
      y = activated<kind>(y);
      if (p.out) store_part(y, p.out + (row + r) * p.out_stride + column, count);
      if (p.quantised) {
        quantise_part(y, out_multiplier, p.quantised + (row + r) * p.quantised_stride + column, count);
      }
    }
  }
}

template <Activation kind, bool dynamic>
void gemm_int8_with(const GemmInt8& p) {
  alignas(64) int32_t sums[kTileRows * kTileColumns];
  const int steps = (p.k + 3) / 4;
  const RowTiles tiles(p.m, kTileRows);
  const int8_t* panel = p.panels;
  for (int panel_column = 0; panel_column < p.n; panel_column += kPanelColumns, panel += steps * kStepBytes) {
    int row = 0;
    for (int tile = 0; tile < tiles.count; ++tile) {
      const int rows = tiles.rows_of(tile);
      for (int within = 0; within < kPanelColumns && panel_column + within < p.n; within += kTileColumns) {
        with_height<kTileRows>(rows, [&]<int R>() {
          multiply_tile<R>(p.a + row * p.a_stride, p.a_stride, panel + 4 * within, steps,
                           tile == 0 ? kPrefetchBytes : 0, sums);
        });
        finish_tile<kind, dynamic>(p, sums, row, rows, panel_column + within);
      }
      row += rows;
    }
  }
}

void gemm_int8(const GemmInt8& p) {
  with_activation(p.activation, [&]<Activation kind>() {
    if (p.row_scale) {
      gemm_int8_with<kind, true>(p);
    } else {
      gemm_int8_with<kind, false>(p);
    }
  });
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
