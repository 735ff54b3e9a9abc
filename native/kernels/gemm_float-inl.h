// Float products: k = 0..K-1 in turn, one fused multiply-add each, one accumulator an output element.
//
// The order is fixed, so a low tile hides the latency of its sums by taking several blocks of columns at once instead
// of several k.
#pragma once

#include "kernels/elementwise-inl.h"
#include "kernels/tiles-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

constexpr int float_blocks(int rows) { return copies_in_flight(rows, kFloatSums); }

// The sums of R rows by B blocks of columns. Several blocks start where a panel starts.
template <int R, int B, bool spread>
struct FloatTile {
  F32x16 sums[R][B][kTileGroups];

  __attribute__((always_inline)) void multiply(const float* a, size_t a_stride, const float* weights,
                                               size_t panel_floats, int steps, Prefetch fetch) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int i = 0; i < B * kTileGroups; ++i) sums[r][i / kTileGroups][i % kTileGroups] = splat(0.0f);
    }
    TileRows<R, float> rows(a, a_stride);
    if constexpr (kFloatStepsPerTurn == 2) {
      for (; steps >= 2; steps -= 2, weights += 2 * kPanelColumns) {
        add_step(rows, 0, weights, panel_floats, fetch);
        add_step(rows, 1, weights + kPanelColumns, panel_floats, fetch);
        rows.advance(2);
      }
      if (steps > 0) add_step(rows, 0, weights, panel_floats, fetch);
    } else {
      for (; steps > 0; --steps, weights += kPanelColumns) {
        add_step(rows, 0, weights, panel_floats, fetch);
        rows.advance(1);
      }
    }
  }

  __attribute__((always_inline)) void add_step(const TileRows<R, float>& rows, int at, const float* weights,
                                               size_t panel_floats, Prefetch& fetch) {
    if constexpr (spread) {
      __builtin_prefetch(fetch.later, 0, 2);
      fetch.later += fetch.later_bytes;
    }
    F32x16 block[B][kTileGroups];
#pragma GCC unroll 8
    for (int i = 0; i < B * kTileGroups; ++i) {
      const float* from = weights + 16 * i / kPanelColumns * panel_floats + 16 * (i % (kPanelColumns / 16));
      if constexpr (!spread) fetch_ahead<R>(from + fetch.ahead);
      block[i / kTileGroups][i % kTileGroups] = load(from);
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const F32x16 x = splat(rows.row(r)[at]);
#pragma GCC unroll 8
      for (int i = 0; i < B * kTileGroups; ++i) {
        F32x16& sum = sums[r][i / kTileGroups][i % kTileGroups];
        sum = fma(x, block[i / kTileGroups][i % kTileGroups], sum);
      }
    }
  }
};

// Rows row..row+R-1 of blocks block..block+B-1.
template <int R, int B, bool spread>
__attribute__((noinline)) void float_tile(const GemmFloat& p, int row, int block, const Prefetch& fetch) {
  const size_t panel_floats = static_cast<size_t>(p.k) * kPanelColumns;
  const float* weights = p.panels + block / kBlocksPerPanel * panel_floats + block % kBlocksPerPanel * 16;
  FloatTile<R, B, spread> tile;
  tile.multiply(p.a + row * p.a_stride, p.a_stride, weights, panel_floats, p.k, fetch);
#pragma GCC unroll 8
  for (int i = 0; i < B * kTileGroups; ++i) {
    const int column = block * kTileColumns + 16 * i;
    if (column >= p.n) break;
    const int count = lanes_left(p.n, column);
    const F32x16 bias = p.bias ? load_part(p.bias + column, count) : splat(0.0f);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const F32x16 sum = tile.sums[r][i / kTileGroups][i % kTileGroups];
      store_part(p.bias ? sum + bias : sum, p.out + (row + r) * p.out_stride + column, count);
    }
  }
  if (p.activation != Activation::kNone) {
    const int column = block * kTileColumns,
              columns = p.n - column < B * kTileColumns ? p.n - column : B * kTileColumns;
    float* out = p.out + row * p.out_stride + column;
    activate(out, p.out_stride, R, columns, p.activation, out, p.out_stride);
  }
}

void gemm_float(const GemmFloat& p) {
  using Tile = void (*)(const GemmFloat&, int, int, const Prefetch&);
  const RowTiles tiles(p.m, kFloatTileRows);
  const int blocks = (p.n + kTileColumns - 1) / kTileColumns;
  int block = 0;
  if (tiles.count == 1 && whole_panels(float_blocks(p.m))) {
    with_height<kFloatTileRows>(p.m, [&]<int R>() {
      constexpr int kTogether = float_blocks(R);
      constexpr size_t ahead = bytes_ahead(R) / sizeof(float);
      const Prefetch all = near_prefetch(ahead / kTogether), one = near_prefetch(ahead);
      for (; block + kTogether <= blocks; block += kTogether) float_tile<R, kTogether, false>(p, 0, block, all);
      for (; block < blocks; ++block) float_tile<R, 1, false>(p, 0, block, one);
    });
    return;
  }
  Tile taller = nullptr, lower = nullptr;
  with_height<kFloatTileRows>(tiles.height, [&]<int R>() { lower = float_tile<R, 1, true>; });
  with_height<kFloatTileRows>(tiles.height + 1, [&]<int R>() { taller = float_tile<R, 1, true>; });
  const size_t panel_floats = static_cast<size_t>(p.k) * kPanelColumns;
  for (; block < blocks; ++block) {
    const float* next_panel = p.panels + (block / kBlocksPerPanel + 1) * panel_floats;
    int row = 0;
    for (int tile = 0; tile < tiles.count; ++tile) {
      const Prefetch fetch = spread_prefetch(next_panel, panel_floats * sizeof(float), kPanelColumns * sizeof(float),
                                             block, tile, tiles.count);
      (tile < tiles.taller ? taller : lower)(p, row, block, fetch);
      row += tiles.rows_of(tile);
    }
  }
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
