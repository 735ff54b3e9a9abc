// The end of an int8 product: sums to results, in registers where the columns are whole. Contract: kernels.h.
#pragma once

#include "kernels/math-inl.h"
#include "kernels/tiles-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// What the epilogue does to 16 columns of `rows` rows of sums, which lie `stride` apart, from (row, column) on.
template <Activation kind, bool dynamic>
void finish_group(const GemmInt8& p, const int32_t* sums, size_t stride, int row, int rows, int column) {
  const int count = lanes_left(p.n, column);
  const F32x16 out_multiplier = splat(p.out_multiplier);
  const F32x16 scale = load_part(p.scale + column, count);
  const F32x16 bias = p.bias ? load_part(p.bias + column, count) : splat(0.0f);
  const I32x16 shift = dynamic ? times(load(p.column_sums + column, count), 127) : zero_i32();
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
        shift(is_dynamic(ending) ? times(load(p.column_sums + column), 127) : zero_i32()) {}

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

// Ends the sums of rows row..row+R-1 by blocks block..block+B-1.
template <int R, int B>
__attribute__((always_inline)) inline void end_tile(const Int8Work& work, const I32x16 (&sums)[R][B][kTileGroups],
                                                    int row, int block) {
  const GemmInt8& p = work.p;
  const int first = block * kTileColumns;
  if (first + B * kTileColumns <= p.n) {
    switch (work.ending) {
      case Ending::kGeneral:
        break;
      case Ending::kPlain:
        return finish_tile<Ending::kPlain>(p, sums, row, first);
      case Ending::kRelu:
        return finish_tile<Ending::kRelu>(p, sums, row, first);
      case Ending::kQuantised:
        return finish_tile<Ending::kQuantised>(p, sums, row, first);
      case Ending::kReluQuantised:
        return finish_tile<Ending::kReluQuantised>(p, sums, row, first);
      case Ending::kDynamicPlain:
        return finish_tile<Ending::kDynamicPlain>(p, sums, row, first);
      case Ending::kDynamicRelu:
        return finish_tile<Ending::kDynamicRelu>(p, sums, row, first);
    }
  }
  alignas(64) int32_t stored[R][B * kTileColumns];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int i = 0; i < B * kTileGroups; ++i) store(sums[r][i / kTileGroups][i % kTileGroups], &stored[r][16 * i]);
  }
  for (int i = 0; i < B * kTileGroups && first + 16 * i < p.n; ++i) {
    work.finish(p, &stored[0][16 * i], B * kTileColumns, row, R, first + 16 * i);
  }
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
