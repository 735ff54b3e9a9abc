// u8 x s8 products, exact in int32, with the epilogue applied while a tile is hot. Contract: kernels.h.
//
// Panels of 32 columns are the outer loop, so that weights come from memory once and the rows of activations, which are
// few, stay in the inner caches. A tile of R rows by B blocks of 16 or 32 columns keeps its sums in registers from k =
// 0 to K. Low tiles take several blocks at once: one would wait for the latency of its sums.
#pragma once

#include "kernels/math-inl.h"
#include "kernels/tiles-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

constexpr int kStepBytes = 4 * kPanelColumns;  // one step: 4 k by 32 columns
// The first tile of a panel fetches weights this far ahead, all blocks together; later ones find them in a cache.
constexpr size_t kPrefetchBytes = 8192;

constexpr int int8_blocks(int rows) { return copies_in_flight(rows, kIntSums); }

// The sums of R rows by B blocks of columns. Several blocks start where a panel starts.
template <int R, int B>
struct Int8Tile {
  I32x16 sums[R][B][kTileGroups];

  __attribute__((always_inline)) void multiply(const uint8_t* a, size_t a_stride, const int8_t* weights,
                                               size_t panel_bytes, int steps, size_t ahead) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int i = 0; i < B * kTileGroups; ++i) sums[r][i / kTileGroups][i % kTileGroups] = zero_i32();
    }
    TileRows<R, uint8_t> rows(a, a_stride);
    int left = steps;
    if constexpr (kStepsPerTurn == 2) {
      for (; left >= 2; left -= 2, weights += 2 * kStepBytes) {
        add_step(rows, 0, weights, panel_bytes, ahead);
        add_step(rows, 4, weights + kStepBytes, panel_bytes, ahead);
        rows.advance(8);
      }
      if (left > 0) add_step(rows, 0, weights, panel_bytes, ahead);
    } else {
      for (; left > 0; --left, weights += kStepBytes) {
        add_step(rows, 0, weights, panel_bytes, ahead);
        rows.advance(4);
      }
    }
  }

  __attribute__((always_inline)) void add_step(const TileRows<R, uint8_t>& rows, int at, const int8_t* weights,
                                               size_t panel_bytes, size_t ahead) {
    Weights block[B][kTileGroups];
#pragma GCC unroll 8
    for (int i = 0; i < B * kTileGroups; ++i) {
      const int8_t* from = weights + 16 * i / kPanelColumns * panel_bytes + 64 * (i % (kPanelColumns / 16));
      __builtin_prefetch(from + ahead);
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

// What the epilogue does to 16 columns of `rows` rows of sums, which lie `stride` apart, from (row, column) on.
template <Activation kind, bool dynamic>
void finish_group(const GemmInt8& p, const int32_t* sums, size_t stride, int row, int rows, int column) {
  const int count = lanes_left(p.n, column);
  const F32x16 out_multiplier = splat(p.out_multiplier);
  const F32x16 scale = load_part(p.scale + column, count);
  const F32x16 bias = p.bias ? load_part(p.bias + column, count) : splat(0.0f);
  const I32x16 shift = dynamic ? times_127(load(p.column_sums + column, count)) : zero_i32();
  for (int r = row; r < row + rows; ++r, sums += stride) {
    F32x16 y;
    if constexpr (dynamic) {
      y = fma(to_float(load(sums) - shift), splat(p.row_scale[r]) * scale, bias);
    } else {
      y = fma(to_float(load(sums)), scale, bias);
    }
    y = activated<kind>(y);
    if (p.out) store_part(y, p.out + r * p.out_stride + column, count);
    if (p.quantised) quantise_part(y, out_multiplier, p.quantised + r * p.quantised_stride + column, count);
  }
}

using FinishGroup = void (*)(const GemmInt8& p, const int32_t* sums, size_t stride, int row, int rows, int column);

FinishGroup finish_of(const GemmInt8& p) {
  FinishGroup chosen = nullptr;
  with_activation(p.activation, [&]<Activation kind>() {
    chosen = p.row_scale ? finish_group<kind, true> : finish_group<kind, false>;
  });
  return chosen;
}

// A product's tiles: where the next one starts and how its sums end.
struct Int8Work {
  const GemmInt8& p;
  FinishGroup finish;
  int steps;
  bool plain;  // static, without activation, to float only: the epilogue stays in registers
};

// Rows row..row+R-1 of blocks block..block+B-1; `ahead` 0: the weights are in a cache.
template <int R, int B>
__attribute__((noinline)) void int8_tile(const Int8Work& work, int row, int block, size_t ahead) {
  const GemmInt8& p = work.p;
  const size_t panel_bytes = static_cast<size_t>(work.steps) * kStepBytes;
  const int8_t* weights = p.panels + block / kBlocksPerPanel * panel_bytes + block % kBlocksPerPanel * 64;
  Int8Tile<R, B> tile;
  tile.multiply(p.a + row * p.a_stride, p.a_stride, weights, panel_bytes, work.steps, ahead);
  const int first = block * kTileColumns;
  if (work.plain && first + B * kTileColumns <= p.n) {
#pragma GCC unroll 8
    for (int i = 0; i < B * kTileGroups; ++i) {
      const int column = first + 16 * i;
      const F32x16 scale = load(p.scale + column), bias = load(p.bias + column);
      float* out = p.out + row * p.out_stride + column;
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r, out += p.out_stride) {
        store(fma(to_float(tile.sums[r][i / kTileGroups][i % kTileGroups]), scale, bias), out);
      }
    }
    return;
  }
  alignas(64) int32_t sums[R][B * kTileColumns];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int i = 0; i < B * kTileGroups; ++i) store(tile.sums[r][i / kTileGroups][i % kTileGroups], &sums[r][16 * i]);
  }
  for (int i = 0; i < B * kTileGroups && first + 16 * i < p.n; ++i) {
    work.finish(p, &sums[0][16 * i], B * kTileColumns, row, R, first + 16 * i);
  }
}

void gemm_int8(const GemmInt8& p) {
  const Int8Work work = {p, finish_of(p), (p.k + 3) / 4,
                         p.activation == Activation::kNone && !p.row_scale && p.bias && p.out && !p.quantised};
  using Tile = void (*)(const Int8Work&, int, int, size_t);
  const RowTiles tiles(p.m, kTileRows);
  const int blocks = (p.n + kTileColumns - 1) / kTileColumns;
  const int together = tiles.count == 1 ? int8_blocks(p.m) : 1;
  Tile taller = nullptr, lower = nullptr, several = nullptr;
  with_height<kTileRows>(tiles.height, [&]<int R>() {
    lower = int8_tile<R, 1>;
    several = int8_tile<R, int8_blocks(R)>;
  });
  with_height<kTileRows>(tiles.height + 1, [&]<int R>() { taller = int8_tile<R, 1>; });
  int block = 0;
  if (together > 1) {
    for (; block + together <= blocks; block += together) several(work, 0, block, kPrefetchBytes / together);
  }
  for (; block < blocks; ++block) {
    int row = 0;
    for (int tile = 0; tile < tiles.count; ++tile) {
      (tile < tiles.taller ? taller : lower)(work, row, block, tile == 0 ? kPrefetchBytes : 0);
      row += tiles.rows_of(tile);
    }
  }
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
