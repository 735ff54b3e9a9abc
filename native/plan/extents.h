// The numbers of one batch that size the values of a plan. Order and meaning: src/dragoman/graph/extents.py.
#pragma once

#include <array>
#include <cstdint>

namespace dragoman {

enum class Symbol : int32_t {
  kTokens,
  kSentences,
  kGroupTokens,
  kGroupSentences,
  kPaddedTokens,
  kLongest,
  kAligned,
  kRows,
  kCells,
  kLimit,
  kCandidates,
  kUnion,
};
inline constexpr int kSymbolCount = 12;

using Extents = std::array<int64_t, kSymbolCount>;

// A size fixed by the architecture, or a symbol of the batch.
struct Dimension {
  bool symbolic = false;
  Symbol symbol = Symbol::kTokens;
  int64_t number = 0;

  bool is(Symbol other) const { return symbolic && symbol == other; }
  int64_t value(const Extents& extents) const { return symbolic ? extents[static_cast<int>(symbol)] : number; }
};

constexpr int64_t round_up(int64_t number, int64_t multiple) { return (number + multiple - 1) / multiple * multiple; }

}  // namespace dragoman
