// Kernels that reduce a row: quantisation by a row's maximum, norms, argmax, log-sum-exp. A reduction keeps 16 lanes
// and joins them by one fixed tree, on every target.
#pragma once

#include "kernels/elementwise-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

void quantize(const float* x, size_t x_stride, int rows, int columns, float multiplier, uint8_t* out,
              size_t out_stride) {
  const F32x16 factor = splat(multiplier);
  for_elements(rows, columns, [&](int row, int column, int count) {
    quantise_part(load_part(x + row * x_stride + column, count), factor, out + row * out_stride + column, count);
  });
}

void quantize_rows(const float* x, size_t x_stride, int rows, int columns, uint8_t* out, size_t out_stride,
                   float* row_scale) {
  for (int row = 0; row < rows; ++row) {
    const float* from = x + row * x_stride;
    F32x16 high = splat(0.0f);
    for_columns(columns, [&](int column, int count) { high = max(abs(load_part(from + column, count)), high); });
    const float most = largest(high);
    const float multiplier = most > 0.0f ? 127.0f / most : 1.0f;
    row_scale[row] = 1.0f / multiplier;
    quantize(from, x_stride, 1, columns, multiplier, out + row * out_stride, out_stride);
  }
}

// R rows from `row` on, together so that the chains of their sums hide each other's latency. first(r, column, count)
// gives elements of row r, once each; again() gives them from then on; both with any number in the lanes beyond count.
template <int R, class First, class Again>
inline void norm_rows(const Norm& p, int row, First first, Again again) {
  const float columns = static_cast<float>(p.columns);
  F32x16 means[R], inverses[R], totals[R], squares[R];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) means[r] = totals[r] = squares[r] = splat(0.0f);
  const auto add_squares = [&](auto value) {
    for_columns(p.columns, [&](int column, int count) {
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        F32x16 difference = value(r, column, count);
        if (!p.rms) difference = difference - means[r];
        if (count < 16) difference = keep_first(difference, count, splat(0.0f));
        squares[r] = fma(difference, difference, squares[r]);
      }
    });
  };
  if (p.rms) {
    add_squares(first);
  } else {
    for_columns(p.columns, [&](int column, int count) {
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        const F32x16 x = first(r, column, count);
        totals[r] = totals[r] + (count < 16 ? keep_first(x, count, splat(0.0f)) : x);
      }
    });
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) means[r] = splat(sum(totals[r]) / columns);
    add_squares(again);
  }
  if (!p.out && !p.quantised) return;
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    // As scalars: a division of 16 lanes takes four times as long.
    inverses[r] = splat(1.0f / __builtin_sqrtf(sum(squares[r]) / columns + p.epsilon));
  }
  const F32x16 multiplier = splat(p.multiplier);
  for_columns(p.columns, [&](int column, int count) {
    const F32x16 scale = p.scale ? load_part(p.scale + column, count) : splat(1.0f);
    const F32x16 bias = p.bias ? load_part(p.bias + column, count) : splat(0.0f);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      F32x16 y = again(r, column, count);
      if (!p.rms) y = y - means[r];
      // What gcc makes of Marian's kernel: int8 agrees on 99.7 % of lines, with a quotient on 98.6 (decision 0010).
      y = fma(scale * inverses[r], y, bias);
      if (p.out) store_part(y, p.out + (row + r) * p.out_stride + column, count);
      if (p.quantised) quantise_part(y, multiplier, p.quantised + (row + r) * p.quantised_stride + column, count);
    }
  });
}

template <int R>
void norm_from(const Norm& p, int row) {
  const float* x = p.x + row * p.x_stride;
  const float* residual = p.residual ? p.residual + row * p.residual_stride : nullptr;
  const auto added = [&](int r, int column, int count) {
    const F32x16 value = load_part(x + r * p.x_stride + column, count);
    return residual ? value + load_part(residual + r * p.residual_stride + column, count) : value;
  };
  // The sums wait where they are wanted, or where what becomes of them is. `sum` may be x or residual: each element is
  // read before it is written.
  float* kept = p.sum ? p.sum + row * p.sum_stride : p.out && residual ? p.out + row * p.out_stride : nullptr;
  if (!kept) return norm_rows<R>(p, row, added, added);
  const size_t stride = p.sum ? p.sum_stride : p.out_stride;
  norm_rows<R>(
      p, row,
      [&](int r, int column, int count) {
        const F32x16 value = added(r, column, count);
        store_part(value, kept + r * stride + column, count);
        return value;
      },
      [&](int r, int column, int count) { return load_part(kept + r * stride + column, count); });
}

void norm(const Norm& p) {
  int row = 0;
  for (; row + 4 <= p.rows; row += 4) norm_from<4>(p, row);
  for (; row < p.rows; ++row) norm_from<1>(p, row);
}

// Two passes: the highest value, then where it is. The first remembers in which block it rose last, so the second
// reads one block.
Best argmax(const float* x, int count) {
  constexpr int kBlock = 512;
  const float lowest = -__builtin_inff();
  float best = lowest;
  int best_block = 0;
  for (int start = 0; start < count; start += kBlock) {
    const int columns = count - start < kBlock ? count - start : kBlock;
    F32x16 high = splat(lowest);
    for_columns(columns, [&](int column, int part) {
      F32x16 value = load_part(x + start + column, part);
      if (part < 16) value = keep_first(value, part, splat(lowest));
      high = max(value, high);
    });
    const float block_best = largest(high);
    if (block_best > best) {
      best = block_best;
      best_block = start;
    }
  }
  // If the highest is -inf, its first place may be in any block: NaN fills the ones before.
  for (int start = best_block; start < count; start += 16) {
    const int part = lanes_left(count, start);
    const uint32_t lanes = equal_lanes(load_part(x + start, part), splat(best)) & ((1u << part) - 1);
    if (lanes) return {start + __builtin_ctz(lanes), x[start + __builtin_ctz(lanes)]};
  }
  return {-1, lowest};
}

void add_exponentials(const float* x, int count, LogSum* to) {
  const float lowest = -__builtin_inff();
  F32x16 high = splat(lowest);
  for_columns(count, [&](int column, int part) {
    F32x16 value = load_part(x + column, part);
    if (part < 16) value = keep_first(value, part, splat(lowest));
    high = max(value, high);
  });
  const float most = largest(high);
  if (most > to->most) {
    float factor[16];
    store(exp(splat(to->most - most)), factor);
    to->total = to->total * factor[0];
    to->most = most;
  }
  if (most == lowest || to->most == -lowest) return;
  F32x16 total = splat(0.0f);
  for_columns(count, [&](int column, int part) {
    F32x16 value = exp(load_part(x + column, part) - splat(to->most));
    if (part < 16) value = keep_first(value, part, splat(0.0f));
    total = total + value;
  });
  to->total = to->total + sum(total);
}

float log_of(const LogSum& sum) {
  const float lowest = -__builtin_inff();
  if (sum.most == lowest || sum.most == -lowest) return sum.most;
  return sum.total == sum.total ? log(sum.total) + sum.most : sum.total;
}

float log_sum_exp(const float* x, int count) {
  LogSum sum;
  for (int start = 0; start < count; start += kScoreColumns) {
    add_exponentials(x + start, count - start < kScoreColumns ? count - start : kScoreColumns, &sum);
  }
  return log_of(sum);
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
