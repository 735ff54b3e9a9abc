#include "search/live_sentences.h"

#include <algorithm>

namespace dragoman {
namespace {

constexpr int64_t kFewest = 32, kMost = 64;
constexpr int64_t kPositions = 24;  // of the source that a row attends to, about; and half of that of its own past
constexpr int64_t kPieces = 20;     // of a sentence, about

// Bytes of weights that a step reads once for all its rows.
int64_t shared_bytes(const Plan& plan, int64_t columns) {
  int64_t bytes = 0;
  for (const Instruction& in : plan.step) {
    if (in.slot < 0) continue;
    const Slot& slot = plan.slots[static_cast<size_t>(in.slot)];
    int64_t item = slot.precision == Precision::kFloat32 ? 4 : 1;
    if (slot.kind == SlotKind::kMatrix) bytes += item * slot.rows * slot.columns;
    if (slot.kind == SlotKind::kTable && in.op != Op::kEmbed) bytes += item * columns * slot.columns;
  }
  return bytes;
}

// Bytes of keys, values and caches that it reads for one row.
int64_t own_bytes(const Plan& plan) {
  int64_t bytes = 0;
  for (const Value& value : plan.values) {
    int64_t positions = 0;
    if (value.rows.is(Symbol::kTokens) || value.rows.is(Symbol::kPaddedTokens)) positions = kPositions;
    if (value.rows.is(Symbol::kCells)) positions = kPositions / 2;
    if (!value.columns.symbolic) bytes += item_bytes(value.kind) * positions * value.columns.number;
  }
  return bytes;
}

}  // namespace

SearchOptions with_live_sentences(SearchOptions options, const Plan& plan, int64_t columns) {
  if (options.live_sentences > 0) return options;
  int64_t worth = shared_bytes(plan, columns) / std::max<int64_t>(own_bytes(plan), 1);
  int64_t sentences = std::clamp(worth, kFewest, kMost);
  options.live_sentences = static_cast<int32_t>(sentences);
  options.live_rows = static_cast<int32_t>(2 * sentences);
  options.live_tokens = static_cast<int32_t>(kPieces * sentences);
  return options;
}

}  // namespace dragoman
