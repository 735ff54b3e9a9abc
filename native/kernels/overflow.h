// Which weights of an int8 product can overflow sums of 16 bits: for instruction sets that add products of bytes only
// in 16 bits, where they saturate (vpmaddubsw), and quicker so than exactly. What does overflow is corrected after the
// sum, so results stay exact; the lists say where to look (docs/decisions/0018-sixteen-bits.md).
//
// A lane of 16 bits takes in a column's weights at k, k + 1 (reach 1: one step of 4 k before sums are widened), or at
// k, k + 1, k + 4, k + 5 (reach 2): a group. With activations in 0..high no order of adding leaves 16 bits if
// high * bound <= 32767, where the bound of a group is the sum of its positive or of its negative weights, whichever is
// larger. A list has all groups whose bound is above its own `bound`, so it serves rows with high <= 32767 / bound.
//
// Layout: for each block of kScoreColumns columns two offsets from the start, uint32 (reach 1, reach 2; 0: no list, too
// many would be in it). A list is
//   uint16 bound | uint16 entries
//   uint8  limits[lanes]: of each pair of k, what its groups of the highest bound say of activations x >= y there.
//          Reach 1: bound - 128, or 0 without entries. As no weight is beyond 128, none overflows if
//          128 x + limit y <= 32767. Reach 2: 32767 / bound, or 255. None overflows if x - lowest <= limit.
//   uint16 starts[groups + 1]: of each group's entries
//   uint16 columns[entries], from the block's first on: of each group, by descending bound
// Of a table whose columns are selected at run time: two bytes, the highest bound at reach 1 alone.
// lanes = ceil(K/64) * 32, a pair of k each; groups = 2 * ceil(steps / reach), in order of k.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/kernels.h"

namespace dragoman {

inline constexpr int kLongestReach = 2;

constexpr int overflow_lanes(int k) { return (k + 63) / 64 * 32; }
constexpr int overflow_groups(int k, int reach) {
  const int steps = (k + 3) / 4;
  return 2 * ((steps + reach - 1) / reach);
}

// One list, or bound 0. Its numbers may be anything if the memory was written to since: readers keep to `entries`.
struct OverflowList {
  int bound = 0;
  int entries = 0;
  const uint8_t* limits = nullptr;
  const uint16_t* starts = nullptr;
  const uint16_t* columns = nullptr;
};

// The list of the block that `column` starts, which is no list if it starts none.
inline OverflowList overflow_list(const uint8_t* lists, size_t bytes, int k, int column, int reach) {
  const size_t head =
      (static_cast<size_t>(column / kScoreColumns) * kLongestReach + static_cast<size_t>(reach - 1)) * 4;
  if (lists == nullptr || column % kScoreColumns != 0 || head + 4 > bytes) return {};
  uint32_t offset;
  __builtin_memcpy(&offset, lists + head, 4);
  const size_t lanes = static_cast<size_t>(overflow_lanes(k));
  const size_t fixed = 4 + lanes + 2 * (static_cast<size_t>(overflow_groups(k, reach)) + 1);
  if (offset == 0 || offset % 4 != 0 || offset > bytes || fixed > bytes - offset || lanes > 0xffff) return {};
  const uint16_t* start = reinterpret_cast<const uint16_t*>(lists + offset);
  OverflowList list;
  list.bound = start[0];
  list.entries = start[1];
  if (2 * static_cast<size_t>(list.entries) > bytes - offset - fixed) return {};
  list.limits = lists + offset + 4;
  list.starts = reinterpret_cast<const uint16_t*>(list.limits + lanes);
  list.columns = list.starts + overflow_groups(k, reach) + 1;
  return list;
}

// The highest bound at reach 1 where that is all that is known, else 0.
inline int highest_bound(const uint8_t* lists, size_t bytes) {
  uint16_t bound = 0;
  if (lists != nullptr && bytes == sizeof bound) __builtin_memcpy(&bound, lists, sizeof bound);
  return bound > 256 ? 0 : bound;
}

// That of a row-major table [N][K].
int find_highest_bound(const int8_t* table, size_t stride, int k, int n);

// The lists of a [K][N] matrix in panels.
std::vector<uint8_t> make_overflow_lists(const int8_t* panels, int k, int n);

// At most so many bytes of them.
size_t most_overflow_bytes(int k, int n);

}  // namespace dragoman
