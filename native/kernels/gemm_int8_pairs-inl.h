// The int8 product where bytes are multiplied by vpmaddubsw, which adds pairs of products in 16 bits and saturates.
// Contract: kernels.h.
//
// Every tile of rows adds up as much in 16 bits as its rows and the weights' lists (overflow.h) allow:
//   reach 2: two steps of 4 k, of activations less the row's lowest; narrow rows, as they are after a relu
//   reach 1: one step
//   reach 0: none, which is the tile of gemm_int8-inl.h, where there is no list
// What overflows all the same is found beforehand, and taken out of the sums afterwards.
#pragma once

#include "kernels/corrections-inl.h"
#include "kernels/gemm_int8-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// Low tiles take whole panels, which are read line after line.
constexpr int pair_blocks(int rows) { return rows * kBlocksPerPanel <= 4 ? kBlocksPerPanel : 1; }

// The sums of R rows by B blocks of columns, `reach` steps in 16 bits at a time.
template <int R, int B, bool spread, int reach>
struct PairTile {
  I32x16 sums[R][B][kTileGroups];

  // lowest: of each row, its lowest activation four times; of reach 2.
  __attribute__((always_inline)) void multiply(const uint8_t* a, size_t a_stride, const int8_t* weights,
                                               size_t panel_bytes, int steps, Prefetch fetch, const uint32_t* lowest) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int i = 0; i < B * kTileGroups; ++i) sums[r][i / kTileGroups][i % kTileGroups] = zero_i32();
    }
    TileRows<R, uint8_t> rows(a, a_stride);
    for (; steps >= reach; steps -= reach, weights += reach * kStepBytes) {
      add_steps<reach>(rows, weights, panel_bytes, fetch, lowest);
      rows.advance(4 * reach);
    }
    if (reach == 2 && steps > 0) add_steps<1>(rows, weights, panel_bytes, fetch, lowest);
  }

  template <int count>
  __attribute__((always_inline)) void add_steps(const TileRows<R, uint8_t>& rows, const int8_t* weights,
                                                size_t panel_bytes, Prefetch& fetch, const uint32_t* lowest) {
    ByteWeights block[count][B * kTileGroups];
#pragma GCC unroll 2
    for (int step = 0; step < count; ++step, weights += kStepBytes) {
      if constexpr (spread) {
        __builtin_prefetch(fetch.later, 0, 2);
        fetch.later += fetch.later_bytes;
      }
#pragma GCC unroll 8
      for (int i = 0; i < B * kTileGroups; ++i) {
        const int8_t* from = weights + 16 * i / kPanelColumns * panel_bytes + 64 * (i % (kPanelColumns / 16));
        if constexpr (!spread) fetch_ahead<R>(from + fetch.ahead);
        block[step][i] = load_byte_weights(from);
      }
    }
    asm("" : "+r"(lowest));  // or gcc keeps them in registers, and has too few
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      ByteActivations x[count];
#pragma GCC unroll 2
      for (int step = 0; step < count; ++step) {
        x[step] = load_byte_activations(rows.row(r) + 4 * step);
        if constexpr (reach == 2)
          x[step] = x[step] - load_byte_activations(reinterpret_cast<const uint8_t*>(lowest + r));
      }
#pragma GCC unroll 8
      for (int i = 0; i < B * kTileGroups; ++i) {
        PairSums pairs = add_pairs(x[0], block[0][i]);
        if constexpr (count == 2) pairs = pairs + add_pairs(x[1], block[1][i]);
        add_widened(sums[r][i / kTileGroups][i % kTileGroups], pairs);
      }
    }
  }

  // Adds lowest * column sums, which reach 2 left out.
  __attribute__((always_inline)) void add_lowest(const GemmInt8& p, int first, const uint32_t* lowest) {
#pragma GCC unroll 8
    for (int i = 0; i < B * kTileGroups; ++i) {
      const int count = lanes_left(p.n, first + 16 * i);
      if (count <= 0) break;
      const I32x16 column_sums = load(p.column_sums + first + 16 * i, count);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        I32x16& sum = sums[r][i / kTileGroups][i % kTileGroups];
        sum = sum + times(column_sums, static_cast<int32_t>(lowest[r] & 255));
      }
    }
  }

  __attribute__((always_inline)) void add(const int32_t (&lacking)[R][B * kTileColumns]) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int i = 0; i < B * kTileGroups; ++i) {
        I32x16& sum = sums[r][i / kTileGroups][i % kTileGroups];
        sum = sum + load(&lacking[r][16 * i]);
      }
    }
  }
};

// The corrections of a tile in blocks block..block+B-1, from zero.
template <int R, int B>
void spread_corrections(const RowCorrections& rows, const TileCorrections& tile, int block,
                        int32_t (&lacking)[R][B * kTileColumns]) {
  __builtin_memset(lacking, 0, sizeof lacking);
  const int first = block / kBlocksPerPanel, last = (block + B - 1) / kBlocksPerPanel;
  for (int panel = first; panel <= last; ++panel) {
    if ((tile.panels >> panel & 1) == 0) continue;
    for (int at = tile.heads[panel]; at != kNoCorrection; at = rows.found[at].next) {
      const Correction& correction = rows.found[at];
      const int column = correction.column - block * kTileColumns;
      if (column >= 0 && column < B * kTileColumns) lacking[correction.row][column] += correction.value;
    }
  }
}

struct PairWork {
  Int8Work work;
  RowCorrections& rows;
};

// Rows row..row+R-1 of blocks block..block+B-1.
template <int R, int B, bool spread, int reach>
__attribute__((noinline)) void pair_tile(const PairWork& pair_work, const TileCorrections& found, int row, int block,
                                         const Prefetch& fetch) {
  const Int8Work& work = pair_work.work;
  if constexpr (reach == 0) {
    constexpr int kTogether = B < int8_blocks(R) ? B : int8_blocks(R);
    for (int i = 0; i < B; i += kTogether) int8_tile<R, kTogether, spread>(work, row, block + i, fetch);
  } else {
    const GemmInt8& p = work.p;
    const size_t panel_bytes = static_cast<size_t>(work.steps) * kStepBytes;
    const int8_t* weights = p.panels + block / kBlocksPerPanel * panel_bytes + block % kBlocksPerPanel * 64;
    const uint32_t* lowest = pair_work.rows.lowest + row;
    constexpr uint64_t kPanels = (uint64_t{1} << (B + kBlocksPerPanel - 1) / kBlocksPerPanel) - 1;
    const bool lacks = (found.panels >> block / kBlocksPerPanel & kPanels) != 0;
    alignas(64) int32_t lacking[R][B * kTileColumns];
    if (lacks) spread_corrections<R, B>(pair_work.rows, found, block, lacking);
    PairTile<R, B, spread, reach> tile;
    tile.multiply(p.a + row * p.a_stride, p.a_stride, weights, panel_bytes, work.steps, fetch, lowest);
    if constexpr (reach == 2) tile.add_lowest(p, block * kTileColumns, lowest);
    if (lacks) tile.add(lacking);
    end_tile(work, tile.sums, row, block);
  }
}

using PairTileFunction = void (*)(const PairWork&, const TileCorrections&, int row, int block, const Prefetch&);

// At most kScoreColumns columns of at most kRowsAtOnce rows.
void multiply_pairs(const GemmInt8& p, RowCorrections& rows) {
  const PairWork work = {{p, finish_of(p), ending_of(p), (p.k + 3) / 4, nullptr}, rows};
  const RowTiles tiles(p.m, kTileRows);
  TileCorrections found[(kRowsAtOnce + kTileRows - 1) / kTileRows];
  CorrectionFinder finder(p, found, rows);
  for (int tile = 0, row = 0; tile < tiles.count; row += tiles.rows_of(tile), ++tile) {
    finder.add_rows(tile, row, tiles.rows_of(tile));
  }
  finder.finish();
  const int blocks = (p.n + kTileColumns - 1) / kTileColumns;
  int block = 0;
  if (tiles.count == 1 && whole_panels(pair_blocks(p.m))) {
    with_height<kTileRows>(p.m, [&]<int R>() {
      constexpr int kTogether = pair_blocks(R);
      constexpr PairTileFunction kAll[] = {pair_tile<R, kTogether, false, 0>, pair_tile<R, kTogether, false, 1>,
                                           pair_tile<R, kTogether, false, 2>};
      constexpr PairTileFunction kOne[] = {pair_tile<R, 1, false, 0>, pair_tile<R, 1, false, 1>,
                                           pair_tile<R, 1, false, 2>};
      const Prefetch all = near_prefetch(bytes_ahead(R) / kTogether), one = near_prefetch(bytes_ahead(R));
      const int reach = found[0].reach;
      for (; block + kTogether <= blocks; block += kTogether) kAll[reach](work, found[0], 0, block, all);
      for (; block < blocks; ++block) kOne[reach](work, found[0], 0, block, one);
    });
    return;
  }
  PairTileFunction taller[kLongestReach + 1] = {}, lower[kLongestReach + 1] = {};
  const auto choose = [](int height, PairTileFunction* chosen) {
    with_height<kTileRows>(height, [&]<int R>() {
      chosen[0] = pair_tile<R, 1, true, 0>;
      chosen[1] = pair_tile<R, 1, true, 1>;
      chosen[2] = pair_tile<R, 1, true, 2>;
    });
  };
  choose(tiles.height, lower);
  choose(tiles.height + 1, taller);
  const size_t panel_bytes = static_cast<size_t>(work.work.steps) * kStepBytes;
  for (; block < blocks; ++block) {
    const int8_t* next_panel = p.panels + (block / kBlocksPerPanel + 1) * panel_bytes;
    for (int tile = 0, row = 0; tile < tiles.count; row += tiles.rows_of(tile), ++tile) {
      const Prefetch fetch = spread_prefetch(next_panel, panel_bytes, kStepBytes, block, tile, tiles.count);
      (tile < tiles.taller ? taller : lower)[found[tile].reach](work, found[tile], row, block, fetch);
    }
  }
}

void gemm_int8_dense(const GemmInt8& p) {
  RowCorrections rows;
  const RowTiles chunks(p.m, kRowsAtOnce);
  for (int chunk = 0, row = 0; chunk < chunks.count; row += chunks.rows_of(chunk), ++chunk) {
    GemmInt8 part = p;
    part.m = chunks.rows_of(chunk);
    part.a += row * p.a_stride;
    if (p.row_scale) part.row_scale += row;
    find_extents(part, rows);
    for (int column = 0; column < p.n; column += kScoreColumns) {
      part.n = p.n - column < kScoreColumns ? p.n - column : kScoreColumns;
      part.panels = p.panels + static_cast<size_t>(column) * 4 * ((static_cast<size_t>(p.k) + 3) / 4);
      part.scale = p.scale + column;
      if (p.bias) part.bias = p.bias + column;
      if (p.column_sums) part.column_sums = p.column_sums + column;
      if (p.out) part.out = p.out + row * p.out_stride + column;
      if (p.quantised) part.quantised = p.quantised + row * p.quantised_stride + column;
      part.first_column = p.first_column + column;
      multiply_pairs(part, rows);
    }
  }
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
