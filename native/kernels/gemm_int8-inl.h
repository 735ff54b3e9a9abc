// u8 x s8 products, exact in int32, with the epilogue applied while a tile is hot. Contract: kernels.h.
//
// Panels of 32 columns are the outer loop, so that weights come from memory once and the rows of activations, which are
// few, stay in the inner caches. A tile of R rows by B blocks of 16 or 32 columns keeps its sums in registers from k =
// 0 to K. Low tiles take several blocks at once: one would wait for the latency of its sums.
#pragma once

#include "kernels/gemm_int8_epilogue-inl.h"
#if defined(DRAGOMAN_NEON)
#include "kernels/gemm_int8_neon-inl.h"
#endif

namespace dragoman::DRAGOMAN_TARGET {
namespace {

constexpr int kStepBytes = 4 * kPanelColumns;  // one step: 4 k by 32 columns

constexpr int int8_blocks(int rows) { return copies_in_flight(rows, kIntSums); }

#if !defined(DRAGOMAN_INT8_TILE)
// The sums of R rows by B blocks of columns. Several blocks start where a panel starts.
template <int R, int B, bool spread>
struct Int8Tile {
  I32x16 sums[R][B][kTileGroups];

  __attribute__((always_inline)) void multiply(const uint8_t* a, size_t a_stride, const int8_t* weights,
                                               size_t panel_bytes, int steps, Prefetch fetch) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int i = 0; i < B * kTileGroups; ++i) sums[r][i / kTileGroups][i % kTileGroups] = zero_i32();
    }
    TileRows<R, uint8_t> rows(a, a_stride);
    int left = steps;
    if constexpr (kStepsPerTurn == 2) {
      for (; left >= 2; left -= 2, weights += 2 * kStepBytes) {
        add_step(rows, 0, weights, panel_bytes, fetch);
        add_step(rows, 4, weights + kStepBytes, panel_bytes, fetch);
        rows.advance(8);
      }
      if (left > 0) add_step(rows, 0, weights, panel_bytes, fetch);
    } else {
      for (; left > 0; --left, weights += kStepBytes) {
        add_step(rows, 0, weights, panel_bytes, fetch);
        rows.advance(4);
      }
    }
  }

  __attribute__((always_inline)) void add_step(const TileRows<R, uint8_t>& rows, int at, const int8_t* weights,
                                               size_t panel_bytes, Prefetch& fetch) {
    if constexpr (spread) {
      __builtin_prefetch(fetch.later, 0, 2);
      fetch.later += fetch.later_bytes;
    }
    Weights block[B][kTileGroups];
#pragma GCC unroll 8
    for (int i = 0; i < B * kTileGroups; ++i) {
      const int8_t* from = weights + 16 * i / kPanelColumns * panel_bytes + 64 * (i % (kPanelColumns / 16));
      if constexpr (!spread) fetch_ahead<R>(from + fetch.ahead);
      block[i / kTileGroups][i % kTileGroups] = load_weights(from);
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Activations x = load_activations(rows.row(r) + at);
#pragma GCC unroll 8
      for (int i = 0; i < B * kTileGroups; ++i) {
        add_products(sums[r][i / kTileGroups][i % kTileGroups], x, block[i / kTileGroups][i % kTileGroups]);
      }
    }
  }
};
#endif

// Rows row..row+R-1 of blocks block..block+B-1.
template <int R, int B, bool spread>
__attribute__((noinline)) void int8_tile(const Int8Work& work, int row, int block, const Prefetch& fetch) {
  const GemmInt8& p = work.p;
  const size_t panel_bytes = static_cast<size_t>(work.steps) * kStepBytes;
  const int8_t* weights = p.panels + block / kBlocksPerPanel * panel_bytes + block % kBlocksPerPanel * 64;
  Int8Tile<R, B, spread> tile;
  tile.multiply(p.a + row * p.a_stride, p.a_stride, weights, panel_bytes, work.steps, fetch);
#if defined(DRAGOMAN_NEON)
  if constexpr (kSignedActivations) {
    if (row == 0) find_shifts(p, weights, panel_bytes, block * kTileColumns, B, work.shifts);
    add_shifts(tile.sums, work.shifts);
  }
#endif
  end_tile(work, tile.sums, row, block);
}

#if !defined(DRAGOMAN_ADDS_PAIRS)
void gemm_int8_exact(const GemmInt8& p) {
  I32x16 shifts[4 * kTileGroups];
  const Int8Work work = {p, finish_of(p), ending_of(p), (p.k + 3) / 4, shifts};
  using Tile = void (*)(const Int8Work&, int, int, const Prefetch&);
  const RowTiles tiles(p.m, kTileRows);
  const int blocks = (p.n + kTileColumns - 1) / kTileColumns;
  int block = 0;
  if (tiles.count == 1 && whole_panels(int8_blocks(p.m))) {
    with_height<kTileRows>(p.m, [&]<int R>() {
      constexpr int kTogether = int8_blocks(R);
      const Prefetch all = near_prefetch(bytes_ahead(R) / kTogether), one = near_prefetch(bytes_ahead(R));
      for (; block + kTogether <= blocks; block += kTogether) int8_tile<R, kTogether, false>(work, 0, block, all);
      for (; block < blocks; ++block) int8_tile<R, 1, false>(work, 0, block, one);
    });
    return;
  }
  Tile taller = nullptr, lower = nullptr;
  with_height<kTileRows>(tiles.height, [&]<int R>() { lower = int8_tile<R, 1, true>; });
  with_height<kTileRows>(tiles.height + 1, [&]<int R>() { taller = int8_tile<R, 1, true>; });
  const size_t panel_bytes = static_cast<size_t>(work.steps) * kStepBytes;
  for (; block < blocks; ++block) {
    const int8_t* next_panel = p.panels + (block / kBlocksPerPanel + 1) * panel_bytes;
    int row = 0;
    for (int tile = 0; tile < tiles.count; ++tile) {
      const Prefetch fetch = spread_prefetch(next_panel, panel_bytes, kStepBytes, block, tile, tiles.count);
      (tile < tiles.taller ? taller : lower)(work, row, block, fetch);
      row += tiles.rows_of(tile);
    }
  }
}
#endif

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
