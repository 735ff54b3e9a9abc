// u8 x s8 products, exact in int32, with the epilogue applied while a tile is hot. Contract: kernels.h.
//
// Panels of 32 columns are the outer loop, so that weights come from memory once and the rows of activations, which are
// few, stay in the inner caches. A tile of R rows by B blocks of 16 or 32 columns keeps its sums in registers from k =
// 0 to K. Low tiles take several blocks at once: one would wait for the latency of its sums.
#pragma once

#include "kernels/math-inl.h"
#include "kernels/tiles-inl.h"
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

// The epilogues that stay in registers; kGeneral goes through memory. The dynamic ones also take a missing bias.
enum class Ending { kGeneral, kPlain, kRelu, kQuantised, kReluQuantised, kDynamicPlain, kDynamicRelu };

constexpr bool is_dynamic(Ending ending) { return ending == Ending::kDynamicPlain || ending == Ending::kDynamicRelu; }
constexpr bool is_quantised(Ending ending) { return ending == Ending::kQuantised || ending == Ending::kReluQuantised; }
constexpr bool has_relu(Ending ending) {
  return ending == Ending::kRelu || ending == Ending::kReluQuantised || ending == Ending::kDynamicRelu;
}

Ending ending_of(const GemmInt8& p) {
  const bool none = p.activation == Activation::kNone, relu = p.activation == Activation::kRelu;
  if (!(none || relu) || (p.row_scale ? !p.out || p.quantised : !p.bias)) return Ending::kGeneral;
  if (p.row_scale) return none ? Ending::kDynamicPlain : Ending::kDynamicRelu;
  if (p.out && !p.quantised) return none ? Ending::kPlain : Ending::kRelu;
  if (!p.out && p.quantised) return none ? Ending::kQuantised : Ending::kReluQuantised;
  return Ending::kGeneral;
}

// What a product's tiles share.
struct Int8Work {
  const GemmInt8& p;
  FinishGroup finish;  // of kGeneral, and of the columns that fill no whole tile
  Ending ending;
  int steps;
  I32x16* shifts;  // kSignedActivations: of the block's columns, found by its first tile
};

// What the epilogue needs of 16 columns from `column` on, all of them there; not for kGeneral.
template <Ending ending>
struct GroupEnd {
  F32x16 scale, bias;
  I32x16 shift;

  GroupEnd(const GemmInt8& p, int column)
      : scale(load(p.scale + column)),
        bias(!is_dynamic(ending) || p.bias ? load(p.bias + column) : splat(0.0f)),
        shift(is_dynamic(ending) ? times_127(load(p.column_sums + column)) : zero_i32()) {}

  __attribute__((always_inline)) F32x16 value(I32x16 sum, const float* row_scale) const {
    F32x16 y;
    if constexpr (is_dynamic(ending)) {
      y = fma(to_float(sum - shift), splat(*row_scale) * scale, bias);
    } else {
      y = fma(to_float(sum), scale, bias);
    }
    return has_relu(ending) ? activated<Activation::kRelu>(y) : y;
  }
};

// Ends the sums of R rows by G groups of columns, all of them whole, from (row, first) on.
template <Ending ending, int R, int B>
__attribute__((always_inline)) inline void finish_tile(const GemmInt8& p, const I32x16 (&sums)[R][B][kTileGroups],
                                                       int row, int first) {
  constexpr int kGroups = B * kTileGroups;
  if constexpr (is_quantised(ending) && kGroups % 2 == 0) {
#pragma GCC unroll 4
    for (int i = 0; i < kGroups; i += 2) {
      const GroupEnd<ending> left(p, first + 16 * i), right(p, first + 16 * i + 16);
      uint8_t* out = p.quantised + row * p.quantised_stride + first + 16 * i;
#pragma GCC unroll 8
      for (int r = 0; r < R; r += 2, out += 2 * p.quantised_stride) {
        const int next = r + 1 < R ? r + 1 : r;  // the last of an odd number is done twice
        const auto value = [&](const GroupEnd<ending>& end, int r, int i) {
          return end.value(sums[r][i / kTileGroups][i % kTileGroups], nullptr);
        };
        quantise_pair({value(left, r, i), value(right, r, i + 1), value(left, next, i), value(right, next, i + 1)},
                      splat(p.out_multiplier), out, out + (next - r) * p.quantised_stride);
      }
    }
    return;
  }
#pragma GCC unroll 8
  for (int i = 0; i < kGroups; ++i) {
    const int column = first + 16 * i;
    const GroupEnd<ending> end(p, column);
    const size_t stride = is_quantised(ending) ? p.quantised_stride : p.out_stride;
    size_t at = row * stride + column;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r, at += stride) {
      const F32x16 y = end.value(sums[r][i / kTileGroups][i % kTileGroups], p.row_scale + row + r);
      if constexpr (is_quantised(ending)) {
        quantise_part(y, splat(p.out_multiplier), p.quantised + at, 16);
      } else {
        store(y, p.out + at);
      }
    }
  }
}

// Rows row..row+R-1 of blocks block..block+B-1.
template <int R, int B, bool spread>
__attribute__((noinline)) void int8_tile(const Int8Work& work, int row, int block, const Prefetch& fetch) {
  const GemmInt8& p = work.p;
  const size_t panel_bytes = static_cast<size_t>(work.steps) * kStepBytes;
  const int8_t* weights = p.panels + block / kBlocksPerPanel * panel_bytes + block % kBlocksPerPanel * 64;
  Int8Tile<R, B, spread> tile;
  tile.multiply(p.a + row * p.a_stride, p.a_stride, weights, panel_bytes, work.steps, fetch);
  const int first = block * kTileColumns;
#if defined(DRAGOMAN_NEON)
  if constexpr (kSignedActivations) {
    if (row == 0) find_shifts(p, weights, panel_bytes, first, B, work.shifts);
    add_shifts(tile.sums, work.shifts);
  }
#endif
  if (first + B * kTileColumns <= p.n) {
    switch (work.ending) {
      case Ending::kGeneral:
        break;
      case Ending::kPlain:
        return finish_tile<Ending::kPlain>(p, tile.sums, row, first);
      case Ending::kRelu:
        return finish_tile<Ending::kRelu>(p, tile.sums, row, first);
      case Ending::kQuantised:
        return finish_tile<Ending::kQuantised>(p, tile.sums, row, first);
      case Ending::kReluQuantised:
        return finish_tile<Ending::kReluQuantised>(p, tile.sums, row, first);
      case Ending::kDynamicPlain:
        return finish_tile<Ending::kDynamicPlain>(p, tile.sums, row, first);
      case Ending::kDynamicRelu:
        return finish_tile<Ending::kDynamicRelu>(p, tile.sums, row, first);
    }
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

void gemm_int8_dense(const GemmInt8& p) {
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

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
