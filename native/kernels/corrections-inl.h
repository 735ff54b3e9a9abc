// Which sums of an int8 product overflow 16 bits, and by how much: found from the few activations that are above the
// limits of a list (overflow.h), before the product is computed.
#pragma once

#include "kernels/overflow.h"
#include "kernels/simd-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

constexpr int kRowsAtOnce = 128;
constexpr int kMostCorrections =
    4096;  // of kRowsAtOnce rows by kScoreColumns columns; trained models have some hundred

// What a sum lacks.
struct Correction {
  int32_t value;
  uint16_t column;
  uint16_t row;   // within the tile
  uint16_t next;  // of the same tile and panel, or kNoCorrection
};
constexpr uint16_t kNoCorrection = 0xffff;

// Of a tile of rows: how it adds up, and its corrections.
struct TileCorrections {
  int reach = 0;
  uint64_t panels = 0;                            // a bit for each panel that has any
  uint16_t heads[kScoreColumns / kPanelColumns];  // of those
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

inline int positive_part(int x) { return x > 0 ? x : 0; }
inline int saturated(int x) { return x < -32768 ? -32768 : x > 32767 ? 32767 : x; }

// The larger of the sums of positive and of negative weights.
inline int bound_of(const int8_t* b) {
  const int sum = b[0] + b[1];  // in lists they have one sign
  return sum < 0 ? -sum : sum;
}
inline int bound_of(const int8_t* b, const int8_t* b4, bool two) {
  const int positive =
      positive_part(b[0]) + positive_part(b[1]) + (two ? positive_part(b4[0]) + positive_part(b4[1]) : 0);
  const int negative = positive - b[0] - b[1] - (two ? b4[0] + b4[1] : 0);
  return positive > negative ? positive : negative;
}

// The lists of a block of columns.
struct BlockLists {
  OverflowList of_reach[kLongestReach + 1];

  explicit BlockLists(const GemmInt8& p) {
    for (int reach = 1; reach <= kLongestReach; ++reach) {
      of_reach[reach] = overflow_list(p.overflows, p.overflow_bytes, p.k, p.first_column, reach);
    }
    if (p.column_sums == nullptr) of_reach[2].bound = 0;
  }
};

// Finds the corrections of all tiles of a block of columns. Lists and weights lie anywhere, so rows are first compared
// with the limits alone, and what they hit is then fetched ahead of its turn.
class CorrectionFinder {
 public:
  CorrectionFinder(const GemmInt8& p, TileCorrections* tiles, RowCorrections& to)
      : p_(p), lists_(p), tiles_(tiles), to_(to), steps_((p.k + 3) / 4) {
    to.count = 0;
    const int highest = highest_bound(p.overflows, p.overflow_bytes);
    if (highest == 0) return;
    unlisted_ = true;
    __builtin_memset(highest_, highest > 128 ? highest - 128 : 0, sizeof highest_);
  }

  // Chooses the reach of a tile of rows row..row+rows-1, and finds what they hit.
  void add_rows(int tile, int row, int rows) {
    const OverflowList& two = lists_.of_reach[2];
    bool narrow = two.bound > 0;
    for (int r = row; narrow && r < row + rows; ++r) narrow = to_.range[r] * two.bound <= 32767;
    const int reach = narrow ? 2 : lists_.of_reach[1].bound > 0 ? 1 : 0;
    if (unlisted_) {
      tiles_[tile] = {none_over(row, rows) ? 1 : 0, 0, {}};
      return;
    }
    tiles_[tile].reach = reach;
    tiles_[tile].panels = 0;
    for (int r = 0; reach > 0 && r < rows; ++r) {
      const uint8_t* a = p_.a + (row + r) * p_.a_stride;
      const uint8_t* limits = lists_.of_reach[reach].limits;
      for (int lane = 0; lane < overflow_lanes(p_.k); lane += 32) {
        uint32_t hits;
        if (reach == 1) {
          hits = pairs_over(a + 2 * lane, limits + lane);
        } else {
          hits = pairs_above(a + 2 * lane, limits + lane, static_cast<int>(to_.lowest[row + r] & 255));
          hits = (hits | hits >> 2) & 0x33333333u;  // a group has pairs `lane` and `lane` + 2
        }
        if (hits != 0) add_hits(hits, lane, tile, row, r);
      }
    }
  }

  // What was hit and overflows is corrected.
  void finish() {
    constexpr int kAhead = 8;
    for (int i = 0; i < count_ + 2 * kAhead; ++i) {
      if (i < count_) __builtin_prefetch(list_of(hits_[i]).columns + start(hits_[i]));
      if (i >= kAhead && i - kAhead < count_) fetch_first(hits_[i - kAhead]);
      if (i >= 2 * kAhead) correct(hits_[i - 2 * kAhead]);
    }
    count_ = 0;
  }

 private:
  // Whether no pair of the rows overflows at the highest bound.
  bool none_over(int row, int rows) const {
    uint32_t hits = 0;
    for (int r = row; r < row + rows; ++r) {
      const uint8_t* a = p_.a + r * p_.a_stride;
      for (int lane = 0; lane < overflow_lanes(p_.k); lane += 32) {
        const int pairs = 2 * steps_ - lane;  // what lies beyond K says nothing
        hits |= pairs_over(a + 2 * lane, highest_) & (pairs < 32 ? (uint32_t{1} << pairs) - 1 : ~uint32_t{0});
      }
    }
    return hits == 0;
  }

  struct Hit {
    uint16_t lane;  // the first pair of k of a group
    uint8_t tile, row, row_of_tile;
  };
  static constexpr int kMostHits = 256;

  void add_hits(uint32_t hits, int lane, int tile, int row, int row_of_tile) {
    if (count_ > kMostHits - 32) finish();
    for (; hits != 0; hits &= hits - 1) {
      hits_[count_++] = {static_cast<uint16_t>(lane + __builtin_ctz(hits)), static_cast<uint8_t>(tile),
                         static_cast<uint8_t>(row + row_of_tile), static_cast<uint8_t>(row_of_tile)};
    }
  }

  const OverflowList& list_of(const Hit& hit) const { return lists_.of_reach[tiles_[hit.tile].reach]; }
  int group(const Hit& hit) const {
    const int group = tiles_[hit.tile].reach == 2 ? hit.lane / 4 * 2 + hit.lane % 2 : hit.lane;
    return hit.lane / 2 < steps_ ? group : 0;  // beyond K only if the list is damaged
  }
  int start(const Hit& hit) const { return tiles_[hit.tile].reach == 0 ? 0 : list_of(hit).starts[group(hit)]; }
  const int8_t* weights(const Hit& hit, int column) const {
    const size_t panel = static_cast<size_t>(column / kPanelColumns),
                 within = static_cast<size_t>(column % kPanelColumns);
    const size_t step = static_cast<size_t>(hit.lane / 2);
    return p_.panels + ((panel * static_cast<size_t>(steps_) + step) * kPanelColumns + within) * 4 + hit.lane % 2 * 2;
  }

  void fetch_first(const Hit& hit) const {
    constexpr int kFirst = 6;  // that are looked at, most often
    const OverflowList& list = list_of(hit);
    int entry = start(hit);
    const int end = list.starts[group(hit) + 1] < entry + kFirst ? list.starts[group(hit) + 1] : entry + kFirst;
    for (; entry < end && entry < list.entries; ++entry) __builtin_prefetch(weights(hit, list.columns[entry]));
  }

  void correct(const Hit& hit) {
    if (hit.lane / 2 >= steps_) return;
    if (tiles_[hit.tile].reach == 1) {
      correct_group<1>(hit);
    } else if (tiles_[hit.tile].reach == 2) {
      correct_group<2>(hit);
    }
  }

  template <int reach>
  void correct_group(const Hit& hit) {
    const OverflowList& list = lists_.of_reach[reach];
    const bool two = reach == 2 && hit.lane / 2 + 1 < steps_;
    const uint8_t* a = p_.a + hit.row * p_.a_stride + 2 * hit.lane;
    const int lowest = reach == 2 ? static_cast<int>(to_.lowest[hit.row] & 255) : 0;
    const int x0 = a[0] - lowest, x1 = a[1] - lowest, x4 = two ? a[4] - lowest : 0, x5 = two ? a[5] - lowest : 0;
    const int least = x0 < x1 ? x0 : x1, most01 = x0 < x1 ? x1 : x0, most45 = x4 < x5 ? x5 : x4;
    const int most = most01 > most45 ? most01 : most45;
    const int last = list.starts[group(hit) + 1], end = last < list.entries ? last : list.entries;
    for (int entry = start(hit); entry < end; ++entry) {
      const int column = list.columns[entry];
      if (column >= p_.n) continue;
      const int8_t* b = weights(hit, column);
      const int8_t* b4 = two ? b + 4 * kPanelColumns : b;
      if (reach == 1 ? 128 * most + least * (bound_of(b) - 128) <= 32767 : most * bound_of(b, b4, two) <= 32767) {
        return;  // nor do those after it overflow
      }
      const int first = x0 * b[0] + x1 * b[1], second = x4 * b4[0] + x5 * b4[1];
      const int lacking = first + second - static_cast<int16_t>(saturated(first) + saturated(second));
      if (lacking != 0) add(hit, column, lacking);
    }
  }

  void add(const Hit& hit, int column, int lacking) {
    TileCorrections& tile = tiles_[hit.tile];
    if (to_.count == kMostCorrections) {
      tile.reach = 0;
      tile.panels = 0;
    }
    if (tile.reach == 0) return;
    const int panel = column / kPanelColumns;
    const uint64_t bit = uint64_t{1} << panel;
    const uint16_t next = tile.panels & bit ? tile.heads[panel] : kNoCorrection;
    to_.found[to_.count] = {lacking, static_cast<uint16_t>(column), hit.row_of_tile, next};
    tile.heads[panel] = static_cast<uint16_t>(to_.count++);
    tile.panels |= bit;
  }

  const GemmInt8& p_;
  const BlockLists lists_;
  TileCorrections* tiles_;
  RowCorrections& to_;
  int steps_;
  int count_ = 0;
  bool unlisted_ = false;
  uint8_t highest_[32];  // less 128, for each lane
  Hit hits_[kMostHits];
};

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
