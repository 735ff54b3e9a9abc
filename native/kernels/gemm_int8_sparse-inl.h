// The int8 product of one row many of whose activations are zero to the model, as they are after a relu: the weights of
// a step of 4 k that holds only such are not read. One row is bound by the weights' way from memory, so that is time
// saved. Exact: sum a*b = sum (a-127)*b + 127 * sum b, and a-127 is a byte as long as no a is below 127.
#pragma once

#include "kernels/gemm_int8-inl.h"
#if defined(DRAGOMAN_ADDS_PAIRS)
#include "kernels/gemm_int8_pairs-inl.h"
#endif

namespace dragoman::DRAGOMAN_TARGET {
namespace {

constexpr int kFewestSparseDepth = 256;  // below, looking for zeros costs more than it saves
constexpr int kMostSparseSteps = 1024;
constexpr int kStepsAhead = 12;  // to fetch

#if defined(DRAGOMAN_ADDS_PAIRS)
// No pair of products with 0..127 overflows 16 bits.
inline void add_active_step(I32x16& sums, const uint32_t* values, const int8_t* weights) {
  const ByteActivations x = load_byte_activations(reinterpret_cast<const uint8_t*>(values));
  add_widened(sums, add_pairs(x, load_byte_weights(weights)));
}
constexpr int kSparseBlocks = pair_blocks(1);
#else
inline void add_active_step(I32x16& sums, const uint32_t* values, const int8_t* weights) {
  add_products(sums, load_row_activations(reinterpret_cast<const uint8_t*>(values)), load_weights(weights));
}
constexpr int kSparseBlocks = int8_blocks(1);

void gemm_int8_dense(const GemmInt8& p) { gemm_int8_exact(p); }
#endif

// The steps of a row that are not all zero.
struct ActiveSteps {
  int count = 0;
  int32_t offsets[kMostSparseSteps + kStepsAhead];  // of the weights, in bytes
  uint32_t values[kMostSparseSteps];                // as load_row_activations makes four a-127 of them

  // False if the row has an activation below zero, or few that are zero.
  bool find(const uint8_t* a, int steps) {
    constexpr int kAtOnce = 32;
    count = 0;
    for (int step = 0; step < steps; step += kAtOnce) {
      const int last = step + kAtOnce < steps ? step + kAtOnce : steps;
      uint32_t high = 0x80808080u;
      for (int i = step; i < last; ++i) {
        uint32_t four;
        __builtin_memcpy(&four, a + 4 * i, 4);
        high &= four + 0x01010101u;  // no activation is 255, so nothing carries
        values[count] = kSignedActivations ? four : four - 0x7f7f7f7fu;
        offsets[count] = i * kStepBytes;
        count += four != 0x7f7f7f7fu;
      }
      if (high != 0x80808080u) return false;
    }
    for (int i = 0; i < kStepsAhead; ++i) offsets[count + i] = count > 0 ? offsets[count - 1] : 0;
    return 8 * count <= 7 * steps;
  }
};

template <int B>
__attribute__((noinline)) void sparse_tile(const Int8Work& work, const ActiveSteps& active, int block) {
  const GemmInt8& p = work.p;
  const size_t panel_bytes = static_cast<size_t>(work.steps) * kStepBytes;
  const int8_t* weights = p.panels + block / kBlocksPerPanel * panel_bytes + block % kBlocksPerPanel * 64;
  I32x16 sums[1][B][kTileGroups];
#pragma GCC unroll 8
  for (int i = 0; i < B * kTileGroups; ++i) sums[0][i / kTileGroups][i % kTileGroups] = zero_i32();
  for (int at = 0; at < active.count; ++at) {
    const int8_t* step = weights + active.offsets[at];
    const int8_t* later = weights + active.offsets[at + kStepsAhead];
#pragma GCC unroll 8
    for (int i = 0; i < B * kTileGroups; ++i) {
      const size_t place = 16 * i / kPanelColumns * panel_bytes + 64 * (i % (kPanelColumns / 16));
      __builtin_prefetch(later + place, 0, 3);
      add_active_step(sums[0][i / kTileGroups][i % kTileGroups], &active.values[at], step + place);
    }
  }
  const int first = block * kTileColumns;
#pragma GCC unroll 8
  for (int i = 0; i < B * kTileGroups; ++i) {
    const int count = lanes_left(p.n, first + 16 * i);
    if (count <= 0) break;
    const I32x16 shift = times(load(p.column_sums + first + 16 * i, count), 127);
    alignas(64) int32_t sum[16];
    store(sums[0][i / kTileGroups][i % kTileGroups] + shift, sum);
    work.finish(p, sum, 16, 0, 1, first + 16 * i);
  }
}

// True if it did the product.
bool gemm_int8_sparse(const GemmInt8& p) {
  const int steps = p.k / 4;
  if (p.m != 1 || !p.column_sums || p.k % 4 != 0 || p.k < kFewestSparseDepth || steps > kMostSparseSteps) {
    return false;
  }
  ActiveSteps active;
  if (!active.find(p.a, steps)) return false;
  const Int8Work work = {p, finish_of(p), Ending::kGeneral, steps, nullptr};
  const int blocks = (p.n + kTileColumns - 1) / kTileColumns;
  constexpr int kTogether = kSparseBlocks;
  int block = 0;
  for (; block + kTogether <= blocks; block += kTogether) sparse_tile<kTogether>(work, active, block);
  for (; block < blocks; ++block) sparse_tile<1>(work, active, block);
  return true;
}

void gemm_int8(const GemmInt8& p) {
  if (!gemm_int8_sparse(p)) gemm_int8_dense(p);
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
