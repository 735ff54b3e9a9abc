// The int8 product on Intel's tile unit (AMX): 16 x 16 sums a tile, 64 k an instruction. Contract: kernels.h.
//
// A tile of weights is 16 steps of 4 k by 16 columns, which is how panels lie already, so no layout of its own is
// needed. Tiles of rows are all of one height, so that the unit is configured once a product: the last ones overlap
// and compute some rows twice, to the same bits. Sums leave the unit through memory. The unit works beside the vector
// units, so the epilogue of one block is spread over the instructions of the next.
#pragma once

#include "kernels/gemm_int8_sparse-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

constexpr int kAmxRows = 16;                    // of a tile of activations or sums
constexpr int kAmxDepth = 64;                   // k of one instruction
constexpr int kAmxChunk = 8 * kAmxDepth;        // k for which a panel's weights and a block's rows share L1
constexpr int kFewestAmxRows = 4;               // below, only the weights' way from memory counts
constexpr int kBlocksAtOnce = 6;                // blocks of rows whose sums lie in L1 and L2 beside each other
constexpr int kStepStride = 4 * kPanelColumns;  // bytes
constexpr int kSumStride = 4 * kPanelColumns;   // bytes

// The operand of LDTILECFG (Intel SDM volume 1, 18.3).
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

// Tiles 0-3: sums, number 2 * tile of rows + half of the panel. 4, 5: activations. 6, 7: weights.
void configure_tiles(int height) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.row_bytes[tile] = 64;
    config.rows[tile] = static_cast<uint8_t>(tile < 6 ? height : kAmxDepth / 4);
  }
  asm volatile("" ::"r"(&config) : "memory");  // gcc's intrinsic owns up to reading 8 of the 64 bytes only
  _tile_loadconfig(&config);
}

// One or two tiles of rows by a panel.
struct AmxBlock {
  int rows = 0;               // of both tiles
  int height = 0;             // of one
  int first = 0, second = 0;  // where the tiles start
  int32_t (*sums)[kPanelColumns] = nullptr;

  int row(int i) const { return i < height ? first + i : second + i - height; }
};

// The epilogue of rows from..to of a block, whose panel starts at `column`.
template <Ending ending>
inline void end_rows(const Int8Work& work, const AmxBlock& block, int column, int from, int to) {
  const GemmInt8& p = work.p;
  const int middle = from < block.height ? (to < block.height ? to : block.height) : from;  // where the tiles meet
  if (ending == Ending::kGeneral || column + kPanelColumns > p.n) {
    for (int at = 0; at < kPanelColumns && column + at < p.n; at += 16) {
      work.finish(p, &block.sums[from][at], kPanelColumns, block.row(from), middle - from, column + at);
      work.finish(p, &block.sums[middle][at], kPanelColumns, block.row(middle), to - middle, column + at);
    }
    return;
  }
  const GroupEnd<ending> left(p, column), right(p, column + 16);
  const int32_t* sums = block.sums[from];
  const auto end = [&](int row, int count) {
    const float* row_scale = p.row_scale + row;
    if constexpr (is_quantised(ending)) {
      uint8_t* out = p.quantised + row * p.quantised_stride + column;
      const size_t stride = p.quantised_stride;
      const F32x16 multiplier = splat(p.out_multiplier);
      for (; count > 0; count -= 2, out += 2 * stride) {
        const int32_t* next = count > 1 ? sums + kPanelColumns : sums;  // the last of an odd number is done twice
        quantise_pair({left.value(load(sums), nullptr), right.value(load(sums + 16), nullptr),
                       left.value(load(next), nullptr), right.value(load(next + 16), nullptr)},
                      multiplier, out, count > 1 ? out + stride : out);
        sums = next + kPanelColumns;
      }
    } else {
      float* out = p.out + row * p.out_stride + column;
      const size_t stride = p.out_stride;
      for (; count > 0; --count, ++row_scale, sums += kPanelColumns, out += stride) {
        store(left.value(load(sums), row_scale), out);
        store(right.value(load(sums + 16), row_scale), out + 16);
      }
    }
  };
  end(block.row(from), middle - from);
  end(block.row(middle), to - middle);
}

// Adds `steps` instructions' worth of k to a block's sums, from zero on if `fresh`. Between them meanwhile(step).
template <bool two, class Meanwhile>
inline void add_products(const GemmInt8& p, const AmxBlock& block, int k, const int8_t* weights, int steps, bool fresh,
                         Meanwhile meanwhile) {
  int32_t* low = block.sums[0];
  int32_t* high = block.sums[block.height];
  if (fresh) {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (two) {
      _tile_zero(2);
      _tile_zero(3);
    }
  } else {
    _tile_loadd(0, low, kSumStride);
    _tile_loadd(1, low + 16, kSumStride);
    if constexpr (two) {
      _tile_loadd(2, high, kSumStride);
      _tile_loadd(3, high + 16, kSumStride);
    }
  }
  const uint8_t* first = p.a + block.first * p.a_stride + k;
  const uint8_t* second = p.a + block.second * p.a_stride + k;
  for (int step = 0; step < steps; ++step, weights += kAmxDepth * kPanelColumns) {
    _tile_loadd(6, weights, kStepStride);
    _tile_loadd(4, first + step * kAmxDepth, p.a_stride);
    _tile_dpbusd(0, 4, 6);
    _tile_loadd(7, weights + 64, kStepStride);
    _tile_dpbusd(1, 4, 7);
    if constexpr (two) {
      _tile_loadd(5, second + step * kAmxDepth, p.a_stride);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    }
    meanwhile(step);
  }
  _tile_stored(0, low, kSumStride);
  _tile_stored(1, low + 16, kSumStride);
  if constexpr (two) {
    _tile_stored(2, high, kSumStride);
    _tile_stored(3, high + 16, kSumStride);
  }
}

// Rows first_row on, at most kBlocksAtOnce blocks of them, cut into tiles of `height`.
template <Ending ending>
void multiply_rows(const Int8Work& work, int first_row, int rows, int height) {
  const GemmInt8& p = work.p;
  alignas(64) int32_t sums[kBlocksAtOnce * 2 * kAmxRows][kPanelColumns];
  AmxBlock blocks[kBlocksAtOnce];
  const int tiles = (rows + height - 1) / height;
  const int count = (tiles + 1) / 2;
  const auto start = [&](int tile) {
    return first_row + (tile * height < rows - height ? tile * height : rows - height);
  };
  for (int i = 0; i < count; ++i) {
    const int last = 2 * i + 1 < tiles ? 2 * i + 1 : 2 * i;
    blocks[i] = {(last - 2 * i + 1) * height, height, start(2 * i), start(last), sums + i * 2 * kAmxRows};
  }
  const size_t panel_bytes = static_cast<size_t>(p.k) * kPanelColumns;
  const size_t fetch_ahead = panel_bytes < bytes_ahead(kAmxRows) ? bytes_ahead(kAmxRows) : panel_bytes;
  const int lines = (kAmxDepth * kPanelColumns / 64 + count - 1) / count;  // to fetch in a step
  AmxBlock ended;
  int ended_column = 0;
  const int8_t* panel = p.panels;
  for (int column = 0; column < p.n; column += kPanelColumns, panel += panel_bytes) {
    const char* fetch = reinterpret_cast<const char*>(panel) + fetch_ahead;
    for (int k = 0; k < p.k; k += kAmxChunk) {
      const int steps = (p.k - k < kAmxChunk ? p.k - k : kAmxChunk) / kAmxDepth;
      for (int i = 0; i < count; ++i) {
        const AmxBlock& block = blocks[i];
        const int each = (ended.rows + steps - 1) / steps;
        const auto meanwhile = [&](int step) {
          const int from = step * each, to = from + each < ended.rows ? from + each : ended.rows;
          if (from < to) end_rows<ending>(work, ended, ended_column, from, to);
          for (int line = 0; line < lines; ++line, fetch += 64) __builtin_prefetch(fetch, 0, 2);
        };
        const int8_t* weights = panel + static_cast<size_t>(k) * kPanelColumns;
        if (block.rows > height) {
          add_products<true>(p, block, k, weights, steps, k == 0, meanwhile);
        } else {
          add_products<false>(p, block, k, weights, steps, k == 0, meanwhile);
        }
        ended.rows = 0;
        if (k + kAmxChunk >= p.k) {
          ended = block;
          ended_column = column;
        }
      }
    }
  }
  end_rows<ending>(work, ended, ended_column, 0, ended.rows);
}

void gemm_int8_amx(const GemmInt8& p) {
  if (p.m < kFewestAmxRows || p.k % kAmxDepth != 0) return gemm_int8(p);
  const Int8Work work = {p, finish_of(p), ending_of(p), 0, nullptr};
  constexpr void (*kMultiply[])(const Int8Work&, int, int, int) = {
      multiply_rows<Ending::kGeneral>,    multiply_rows<Ending::kPlain>,         multiply_rows<Ending::kRelu>,
      multiply_rows<Ending::kQuantised>,  multiply_rows<Ending::kReluQuantised>, multiply_rows<Ending::kDynamicPlain>,
      multiply_rows<Ending::kDynamicRelu>};
  const auto multiply = kMultiply[static_cast<int>(work.ending)];
  const int tiles = (p.m + kAmxRows - 1) / kAmxRows, height = (p.m + tiles - 1) / tiles;
  configure_tiles(height);
  constexpr int kTilesAtOnce = 2 * kBlocksAtOnce;
  for (int row = 0; row < p.m; row += kTilesAtOnce * height) {
    const int left = p.m - row;
    const int rows = left < kTilesAtOnce * height ? left : kTilesAtOnce * height;
    // What is left may be lower than a tile: it then starts among the rows before.
    const int first = rows < height ? p.m - height : row;
    multiply(work, first, rows < height ? height : rows, height);
  }
  _tile_release();
}

int64_t peak_int8_amx(int64_t rounds) {
  configure_tiles(kAmxRows);
  for (int64_t round = 0; round < rounds; ++round) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
  _tile_release();
  return rounds * 4 * 2 * kAmxRows * 16 * kAmxDepth;
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
