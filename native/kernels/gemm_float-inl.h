// Float products: k = 0..K-1 in turn, one fused multiply-add each, one accumulator an output element.
//
// The order is fixed, so a low tile hides the latency of its sums by taking several blocks of columns at once instead
// of several k.
#pragma once

#include "kernels/elementwise-inl.h"
#include "kernels/tiles-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

constexpr int kFloatColumns = 16 * kTileGroups;  // of a block: a panel, or half of one
constexpr size_t kFloatPrefetch = 8192 / sizeof(float);

constexpr int blocks_at_once(int rows) { return copies_in_flight(rows, kFloatSums); }

// Where block `index` of the columns starts.
inline const float* block_start(const GemmFloat& p, int index) {
  const int column = index * kFloatColumns;
  return p.panels + static_cast<size_t>(column / kPanelColumns) * p.k * kPanelColumns + column % kPanelColumns;
}

inline void finish_group(const GemmFloat& p, F32x16 sum, int row, int column) {
  if (column >= p.n) return;
  const int count = lanes_left(p.n, column);
  const F32x16 y = p.bias ? sum + load_part(p.bias + column, count) : sum;
  store_part(y, p.out + row * p.out_stride + column, count);
}

// Rows row..row+R-1 by blocks block..block+B-1.
template <int R, int B>
__attribute__((noinline)) void float_tile(const GemmFloat& p, int row, int block, size_t ahead) {
  F32x16 tile[R][B][kTileGroups];
  const float* start[B];
#pragma GCC unroll 4
  for (int b = 0; b < B; ++b) {
    start[b] = block_start(p, block + b);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
      for (int g = 0; g < kTileGroups; ++g) tile[r][b][g] = splat(0.0f);
    }
  }
  const float* a = p.a + row * p.a_stride;
  const size_t stride = p.a_stride;
  const int steps = p.k;
  for (int k = 0; k < steps; ++k) {
#pragma GCC unroll 4
    for (int b = 0; b < B; ++b) {
      const float* weights = start[b] + static_cast<size_t>(k) * kPanelColumns;
      F32x16 w[kTileGroups];
#pragma GCC unroll 2
      for (int g = 0; g < kTileGroups; ++g) {
        __builtin_prefetch(weights + ahead + 16 * g);
        w[g] = load(weights + 16 * g);
      }
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const F32x16 x = splat(a[r * stride + k]);
#pragma GCC unroll 2
        for (int g = 0; g < kTileGroups; ++g) tile[r][b][g] = fma(x, w[g], tile[r][b][g]);
      }
    }
  }
#pragma GCC unroll 4
  for (int b = 0; b < B; ++b) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
      for (int g = 0; g < kTileGroups; ++g) {
        finish_group(p, tile[r][b][g], row + r, (block + b) * kFloatColumns + 16 * g);
      }
    }
  }
}

void gemm_float(const GemmFloat& p) {
  const RowTiles tiles(p.m, kFloatTileRows);
  const int blocks = (p.n + kFloatColumns - 1) / kFloatColumns;
  const int together = p.m <= kFloatTileRows ? blocks_at_once(p.m) : 1;
  for (int block = 0; block < blocks;) {
    const int taken = block + together <= blocks ? together : 1;
    const int column = block * kFloatColumns;
    const int columns = p.n - column < taken * kFloatColumns ? p.n - column : taken * kFloatColumns;
    int row = 0;
    for (int tile = 0; tile < tiles.count; ++tile) {
      const int rows = tiles.rows_of(tile);
      with_height<kFloatTileRows>(rows, [&]<int R>() {
        const size_t ahead = tile == 0 ? kFloatPrefetch : 0;
        constexpr int kTogether = blocks_at_once(R);
        if (taken == kTogether) {
          float_tile<R, kTogether>(p, row, block, ahead);
        } else {
          float_tile<R, 1>(p, row, block, ahead);
        }
      });
      if (p.activation != Activation::kNone) {
        float* out = p.out + row * p.out_stride + column;
        activate(out, p.out_stride, rows, columns, p.activation, out, p.out_stride);
      }
      row += rows;
    }
    block += taken;
  }
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
