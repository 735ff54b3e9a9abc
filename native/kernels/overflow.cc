#include "kernels/overflow.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "kernels/packing.h"

namespace dragoman {
namespace {

constexpr int kMost = 32767, kMostActivation = 254;
// The bounds that a list may have. At reach 1 every row must be served. At reach 2 rows as narrow as after a relu, and
// wider ones as far as the list stays short; one that does not serve a range of 155 serves too few others.
constexpr int kLowestBound = kMost / kMostActivation;
constexpr int kHighestBound[kLongestReach] = {kLowestBound, kMost / 127};
constexpr int kWorthwhileBound = kMost / 155;
// Bytes of a list's entries, at most, as a part of the weights'.
constexpr int kPartAtReach[kLongestReach] = {20, 640};

size_t blocks_of(int n) { return (static_cast<size_t>(n) + kScoreColumns - 1) / kScoreColumns; }

size_t most_entries(int k, int columns, int reach) {
  const size_t part = packed_size_int8(k, columns) / static_cast<size_t>(kPartAtReach[reach - 1]) / sizeof(uint16_t);
  return std::min<size_t>(part, 0xffff);
}

size_t fixed_bytes(int k, int reach) {
  return 4 + static_cast<size_t>(overflow_lanes(k)) + 2 * (static_cast<size_t>(overflow_groups(k, reach)) + 1) + 3;
}

// The weights of `columns` columns from `first` on.
struct Block {
  const int8_t* panels;
  int k, first, columns;

  int bound(int column, int group, int reach) const {
    const int steps = (k + 3) / 4, step = group / 2 * reach;
    const int8_t* at = panels + int8_panel_index(first + column, 4 * step, k) + 2 * (group % 2);
    int positive = 0, negative = 0;
    for (int i = 0; i < reach && step + i < steps; ++i, at += 4 * kPanelColumns) {
      for (int weight : {at[0], at[1]}) (weight > 0 ? positive : negative) += weight;
    }
    return std::max(positive, -negative);
  }
};

// The lowest bound for which a list is short enough, or 0.
int bound_of_list(const Block& block, int reach) {
  std::vector<size_t> counts(4 * 128 + 1);
  for (int group = 0; group < overflow_groups(block.k, reach); ++group) {
    for (int column = 0; column < block.columns; ++column)
      ++counts[static_cast<size_t>(block.bound(column, group, reach))];
  }
  size_t above = 0;
  const size_t most = most_entries(block.k, block.columns, reach);
  int bound = static_cast<int>(counts.size()) - 1;
  for (; bound > kLowestBound && above + counts[static_cast<size_t>(bound)] <= most; --bound) {
    above += counts[static_cast<size_t>(bound)];
  }
  const int highest = kHighestBound[reach - 1];
  return bound > highest ? 0 : bound > kWorthwhileBound ? highest : bound;
}

template <class T>
void append(std::vector<uint8_t>& to, const std::vector<T>& values) {
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(values.data());
  to.insert(to.end(), bytes, bytes + values.size() * sizeof(T));
}

void append_list(const Block& block, int reach, int bound, std::vector<uint8_t>& to) {
  const int groups = overflow_groups(block.k, reach);
  std::vector<uint8_t> limits(static_cast<size_t>(overflow_lanes(block.k)), reach == 1 ? 0 : 255);
  std::vector<uint16_t> starts = {0}, columns;
  std::vector<std::pair<int, uint16_t>> found;
  for (int group = 0; group < groups; ++group) {
    found.clear();
    for (int column = 0; column < block.columns; ++column) {
      const int here = block.bound(column, group, reach);
      if (here > bound) found.emplace_back(-here, static_cast<uint16_t>(column));
    }
    std::sort(found.begin(), found.end());
    for (const auto& entry : found) columns.push_back(entry.second);
    starts.push_back(static_cast<uint16_t>(columns.size()));
    if (found.empty()) continue;
    const int highest = -found.front().first;
    for (int i = 0; i < reach; ++i) {
      const size_t lane = static_cast<size_t>(2 * (group / 2 * reach + i) + group % 2);
      if (lane < limits.size()) limits[lane] = static_cast<uint8_t>(reach == 1 ? highest - 128 : kMost / highest);
    }
  }
  append(to, std::vector<uint16_t>{static_cast<uint16_t>(bound), static_cast<uint16_t>(columns.size())});
  append(to, limits);
  append(to, starts);
  append(to, columns);
  to.resize((to.size() + 3) / 4 * 4);
}

}  // namespace

int find_highest_bound(const int8_t* table, size_t stride, int k, int n) {
  int highest = 1;
  for (int row = 0; row < n; ++row, table += stride) {
    for (int at = 0; at + 1 < k; at += 2) {
      const int sum = table[at] + table[at + 1];
      if (table[at] * table[at + 1] >= 0) highest = std::max(highest, std::abs(sum));
    }
  }
  return highest;
}

size_t most_overflow_bytes(int k, int n) {
  size_t bytes = blocks_of(n) * kLongestReach * sizeof(uint32_t);
  for (int first = 0; first < n; first += kScoreColumns) {
    for (int reach = 1; reach <= kLongestReach; ++reach) {
      bytes += fixed_bytes(k, reach) + 2 * most_entries(k, std::min(kScoreColumns, n - first), reach);
    }
  }
  return bytes;
}

std::vector<uint8_t> make_overflow_lists(const int8_t* panels, int k, int n) {
  std::vector<uint8_t> lists(blocks_of(n) * kLongestReach * sizeof(uint32_t));
  size_t head = 0;
  for (int first = 0; first < n; first += kScoreColumns) {
    const Block block = {panels, k, first, std::min(kScoreColumns, n - first)};
    for (int reach = 1; reach <= kLongestReach; ++reach, head += sizeof(uint32_t)) {
      const int bound = bound_of_list(block, reach);
      if (bound == 0) continue;
      const uint32_t offset = static_cast<uint32_t>(lists.size());
      std::memcpy(lists.data() + head, &offset, sizeof offset);
      append_list(block, reach, bound, lists);
    }
  }
  return lists;
}

}  // namespace dragoman
