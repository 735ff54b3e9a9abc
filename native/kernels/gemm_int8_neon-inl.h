// What the int8 product has of its own on Arm. Contract: kernels.h; the rest: gemm_int8-inl.h.
//
// Where a register holds several steps of a row (four for dot products, two of a pair of rows for matrix products), the
// tile is one of its own. Where bytes can only be multiplied signed by signed, sums start without the activations'
// shift by 127, which the first tile of a block then finds for all of them.
#pragma once

#include "kernels/tiles-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// Where 16 columns of block i lie, from the panel at `weights` on.
inline const int8_t* weights_of_block(const int8_t* weights, size_t panel_bytes, int i) {
  return weights + 16 * i / kPanelColumns * panel_bytes + 64 * (i % (kPanelColumns / 16));
}

// shifts[i] = 127 times the column sums of 16 columns, of `blocks` blocks from column `first` on: as the caller knows
// them, or else from the weights, which lie in the caches once the first tile is done.
__attribute__((noinline, unused)) void find_shifts(const GemmInt8& p, const int8_t* weights, size_t panel_bytes,
                                                   int first, int blocks, I32x16* shifts) {
  for (int i = 0; i < blocks; ++i) {
    const int column = first + 16 * i;
    I32x16 total = zero_i32();
    if (p.column_sums) {
      if (column < p.n) total = load(p.column_sums + column, lanes_left(p.n, column));
    } else {
      const int8_t* from = weights_of_block(weights, panel_bytes, i);
      for (int k = 0; k < p.k; k += 4, from += 4 * kPanelColumns) add_weights(total, load_weights(from));
    }
    shifts[i] = times(total, 127);
  }
}

template <int R, int B>
inline void add_shifts(I32x16 (&sums)[R][B][1], const I32x16* shifts) {
#pragma GCC unroll 4
  for (int i = 0; i < B; ++i) {
    const I32x16 shift = shifts[i];
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) sums[r][i][0] = sums[r][i][0] + shift;
  }
}

#if defined(__ARM_FEATURE_DOTPROD)
#define DRAGOMAN_INT8_TILE  // in place of the one of gemm_int8-inl.h

// Fetches the share of one step of 4 k.
template <int R, int B, bool spread>
__attribute__((always_inline)) inline void fetch_step(const int8_t* weights, size_t panel_bytes, Prefetch& fetch) {
  if constexpr (spread) {
    __builtin_prefetch(fetch.later, 0, 2);
    fetch.later += fetch.later_bytes;
  } else {
#pragma GCC unroll 4
    for (int i = 0; i < B; ++i) fetch_ahead<R>(weights_of_block(weights, panel_bytes, i) + fetch.ahead);
  }
}

#if defined(__ARM_FEATURE_MATMUL_INT8)

// Rows in pairs; a last one alone takes dot products.
template <int R, int B, bool spread>
struct Int8Tile {
  I32x16 sums[R][B][1];

  __attribute__((always_inline)) void multiply(const uint8_t* a, size_t a_stride, const int8_t* weights,
                                               size_t panel_bytes, int steps, Prefetch fetch) {
#pragma GCC unroll 4
    for (int i = 0; i < B; ++i) {
#pragma GCC unroll 3
      for (int pair = 0; pair < kPairs; ++pair) squares[pair][i][0] = squares[pair][i][1] = zero_i32();
      if constexpr (kAlone) sums[R - 1][i][0] = zero_i32();
    }
    TileRows<R, uint8_t> rows(a, a_stride);
    for (; steps >= 2; steps -= 2, weights += 2 * kStep) {
      fetch_step<R, B, spread>(weights, panel_bytes, fetch);
      fetch_step<R, B, spread>(weights + kStep, panel_bytes, fetch);
      add_steps<2>(rows, weights, panel_bytes);
      rows.advance(8);
    }
    if (steps > 0) add_steps<1>(rows, weights, panel_bytes);
#pragma GCC unroll 3
    for (int pair = 0; pair < kPairs; ++pair) {
#pragma GCC unroll 4
      for (int i = 0; i < B; ++i) separate(squares[pair][i], sums[2 * pair][i][0], sums[2 * pair + 1][i][0]);
    }
  }

 private:
  static constexpr int kPairs = R / 2, kStep = 4 * kPanelColumns;
  static constexpr bool kAlone = R % 2 == 1;
  // Sums of a pair of rows and two columns a register: row 0 (column 0, 1), row 1 (column 0, 1).
  I32x16 squares[kPairs + 1][B][2];

  // 8 bytes of a row, or 4 and zeros.
  template <int count>
  static uint8x8_t load_row(const uint8_t* p) {
    if constexpr (count == 2) return vld1_u8(p);
    uint32_t four;
    __builtin_memcpy(&four, p, 4);
    return vcreate_u8(four);
  }

  template <int count>
  __attribute__((always_inline)) void add_steps(const TileRows<R, uint8_t>& rows, const int8_t* weights,
                                                size_t panel_bytes) {
    uint8x16_t x[kPairs + 1];
#pragma GCC unroll 3
    for (int pair = 0; pair < kPairs; ++pair) {
      x[pair] = vcombine_u8(load_row<count>(rows.row(2 * pair)), load_row<count>(rows.row(2 * pair + 1)));
    }
    const uint8x8_t alone = kAlone ? load_row<count>(rows.row(R - 1)) : vdup_n_u8(0);
#pragma GCC unroll 16
    for (int i = 0; i < 4 * B; ++i) {
      const int8_t* from = weights_of_block(weights, panel_bytes, i / 4) + 16 * (i % 4);
      const int32x4_t first = vreinterpretq_s32_s8(vld1q_s8(from));
      const int32x4_t second = count == 2 ? vreinterpretq_s32_s8(vld1q_s8(from + kStep)) : vdupq_n_s32(0);
      const int8x16_t left = vreinterpretq_s8_s32(vzip1q_s32(first, second));
      const int8x16_t right = vreinterpretq_s8_s32(vzip2q_s32(first, second));
#pragma GCC unroll 3
      for (int pair = 0; pair < kPairs; ++pair) {
        int32x4_t& two = squares[pair][i / 4][i % 4 / 2].v[i % 2 * 2];
        int32x4_t& next = squares[pair][i / 4][i % 4 / 2].v[i % 2 * 2 + 1];
        two = vusmmlaq_s32(two, x[pair], left);
        next = vusmmlaq_s32(next, x[pair], right);
      }
      if constexpr (kAlone) {
        int32x4_t& sum = sums[R - 1][i / 4][0].v[i % 4];
        sum = vsudotq_lane_s32(sum, vreinterpretq_s8_s32(first), alone, 0);
        if constexpr (count == 2) sum = vsudotq_lane_s32(sum, vreinterpretq_s8_s32(second), alone, 1);
      }
    }
  }

  static void separate(const I32x16 (&squares)[2], I32x16& upper, I32x16& lower) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const int32x4_t left = squares[i / 2].v[i % 2 * 2], right = squares[i / 2].v[i % 2 * 2 + 1];
      upper.v[i] = vcombine_s32(vget_low_s32(left), vget_low_s32(right));
      lower.v[i] = vcombine_s32(vget_high_s32(left), vget_high_s32(right));
    }
  }
};

#else

template <int R, int B, bool spread>
struct Int8Tile {
  I32x16 sums[R][B][1];

  __attribute__((always_inline)) void multiply(const uint8_t* a, size_t a_stride, const int8_t* weights,
                                               size_t panel_bytes, int steps, Prefetch fetch) {
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int i = 0; i < B; ++i) sums[r][i][0] = zero_i32();
    }
    TileRows<R, uint8_t> rows(a, a_stride);
    Activations x[R];
    for (; steps >= 4; steps -= 4) {
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) x[r] = {signed_activations(vld1q_u8(rows.row(r)))};
      add_step<0>(x, weights, panel_bytes, fetch);
      add_step<1>(x, weights, panel_bytes, fetch);
      add_step<2>(x, weights, panel_bytes, fetch);
      add_step<3>(x, weights, panel_bytes, fetch);
      rows.advance(16);
    }
    for (; steps > 0; --steps) {
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) x[r] = load_activations(rows.row(r));
      add_step<0>(x, weights, panel_bytes, fetch);
      rows.advance(4);
    }
  }

 private:
  template <int lane>
  __attribute__((always_inline)) void add_step(const Activations (&x)[R], const int8_t*& weights, size_t panel_bytes,
                                               Prefetch& fetch) {
    fetch_step<R, B, spread>(weights, panel_bytes, fetch);
#pragma GCC unroll 16
    for (int i = 0; i < 4 * B; ++i) {
      const int8x16_t four = vld1q_s8(weights_of_block(weights, panel_bytes, i / 4) + 16 * (i % 4));
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
        int32x4_t& sum = sums[r][i / 4][0].v[i % 4];
        sum = vdotq_laneq_s32(sum, four, x[r].v, lane);
      }
    }
    weights += 4 * kPanelColumns;
  }
};

#endif
#endif

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
