// Which sums of an int8 product overflow 16 bits, and by how much: found from the few activations that are above the
// limits of a list (overflow.h), before the product is computed.
#pragma once

#include "kernels/overflow.h"
#include "kernels/simd-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

constexpr int kRowsAtOnce = 128;
constexpr int kMostCorrections = 4096;  // of kRowsAtOnce rows by kScoreColumns columns; trained models have some hundred

// What a sum lacks.
struct Correction {
  int32_t value;
  uint16_t column;
  uint16_t row;  // within the tile
};

// Of a tile of rows: how it adds up, and its corrections.
struct TileCorrections {
  int reach = 0;
  int first = 0, last = 0;
  uint64_t panels = 0;  // a bit for each panel that has any
};

// What is known of the rows that are multiplied together.
struct RowCorrections {
  uint32_t lowest[kRowsAtOnce];  // activation, four times
  uint8_t range[kRowsAtOnce];    // highest - lowest
  int count;
  Correction found[kMostCorrections];
};

void find_extents(const GemmInt8& p, RowCorrections& rows) {
  if (p.overflows == nullptr || p.column_sums == nullptr) return;
  for (int row = 0; row < p.m; ++row) {
    const uint8_t* a = p.a + row * p.a_stride;
    uint8_t lowest = 255, highest = 0;
    for (int k = 0; k < p.k; ++k) {
      lowest = a[k] < lowest ? a[k] : lowest;
      highest = a[k] > highest ? a[k] : highest;
    }
    rows.lowest[row] = lowest * 0x01010101u;
    rows.range[row] = static_cast<uint8_t>(highest - lowest);
  }
}

inline int saturated(int x) { return x < -32768 ? -32768 : x > 32767 ? 32767 : x; }

// The corrections of one row in the group of k that starts with pair `lane`. False if there is no room for them.
template <int reach>
bool find_in_group(const GemmInt8& p, const OverflowList& list, const uint8_t* a, int lowest, int lane, int row,
                   TileCorrections& tile, RowCorrections& to) {
  const int steps = (p.k + 3) / 4, step = lane / 2, left = steps - step < reach ? steps - step : reach;
  const int group = reach == 1 ? lane : lane / 4 * 2 + lane % 2;
  if (left <= 0) return true;
  int x[reach][2] = {}, most = 0;
  for (int i = 0; i < left; ++i) {
    for (int j = 0; j < 2; ++j) {
      x[i][j] = a[2 * lane + 4 * i + j] - lowest;
      most = x[i][j] > most ? x[i][j] : most;
    }
  }
  const int end = list.starts[group + 1] < list.entries ? list.starts[group + 1] : list.entries;
  for (int entry = list.starts[group]; entry < end; ++entry) {
    const int column = list.columns[entry];
    if (column >= p.n) continue;
    const size_t panel = static_cast<size_t>(column / kPanelColumns), within = static_cast<size_t>(column % kPanelColumns);
    const int8_t* b = p.panels + ((panel * steps + step) * kPanelColumns + within) * 4 + lane % 2 * 2;
    int positive = 0, negative = 0, exact = 0, wrapped = 0;
    for (int i = 0; i < left; ++i, b += 4 * kPanelColumns) {
      const int pair = x[i][0] * b[0] + x[i][1] * b[1];
      exact += pair;
      wrapped = static_cast<int16_t>(wrapped + saturated(pair));
      for (int j = 0; j < 2; ++j) (b[j] > 0 ? positive : negative) += b[j];
    }
    if (most * (positive > -negative ? positive : -negative) <= 32767) break;  // nor do those after it overflow
    if (exact == wrapped) continue;
    if (to.count == kMostCorrections) return false;
    to.found[to.count++] = {exact - wrapped, static_cast<uint16_t>(column), static_cast<uint16_t>(row)};
    tile.panels |= uint64_t{1} << panel;
  }
  return true;
}

template <int reach>
bool find_in_rows(const GemmInt8& p, const OverflowList& list, int row, int rows, TileCorrections& tile,
                  RowCorrections& to) {
  for (int r = 0; r < rows; ++r) {
    const uint8_t* a = p.a + (row + r) * p.a_stride;
    const int lowest = reach == 2 ? static_cast<int>(to.lowest[row + r] & 255) : 0;
    for (int lane = 0; lane < overflow_lanes(p.k); lane += 32) {
      uint32_t hits = pairs_above(a + 2 * lane, list.limits + lane, lowest);
      if (reach == 2) hits = (hits | hits >> 2) & 0x33333333u;  // a group has pairs `lane` and `lane` + 2
      for (; hits != 0; hits &= hits - 1) {
        if (!find_in_group<reach>(p, list, a, lowest, lane + __builtin_ctz(hits), r, tile, to)) return false;
      }
    }
  }
  return true;
}

// Of rows row..row+rows-1, for the longest reach that they allow. p starts a block of columns.
TileCorrections find_corrections(const GemmInt8& p, RowCorrections& to, int row, int rows) {
  const int first = to.count;
  const auto found = [&](int reach, bool (*find)(const GemmInt8&, const OverflowList&, int, int, TileCorrections&,
                                                 RowCorrections&),
                         const OverflowList& list, TileCorrections& tile) {
    tile = {reach, first, first, 0};
    to.count = first;
    const bool all = find(p, list, row, rows, tile, to);
    tile.last = to.count;
    return all;
  };
  TileCorrections tile;
  const OverflowList narrow = overflow_list(p.overflows, p.overflow_bytes, p.k, p.first_column, 2);
  bool fits = narrow.bound > 0 && p.column_sums != nullptr;
  for (int r = 0; fits && r < rows; ++r) fits = to.range[row + r] * narrow.bound <= 32767;
  if (fits && found(2, find_in_rows<2>, narrow, tile)) return tile;
  const OverflowList all = overflow_list(p.overflows, p.overflow_bytes, p.k, p.first_column, 1);
  if (all.bound > 0 && found(1, find_in_rows<1>, all, tile)) return tile;
  to.count = first;
  return {0, first, first, 0};
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
