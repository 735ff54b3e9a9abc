// Executes the instructions of one plan over one batch, in memory that the caller gives. Holds pointers only.
//
// select runs when output columns are to be laid out, encode and prime for each encoder group, step for the rows that
// are under way; these follow each other in any order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "search/batch.h"
#include "interpreter/best_columns.h"
#include "search/columns.h"
#include "plan/extents.h"
#include "search/flight.h"
#include "plan/plan.h"
#include "search/stop.h"
#include "weights/weights.h"
#include "interpreter/workspace.h"

namespace dragoman {

// Live hypotheses of a step; rows of a sentence are consecutive, and so are those of a group, in lockstep.
struct Rows {
  int32_t count = 0;
  const int32_t* step = nullptr;      // target position
  const int32_t* previous = nullptr;  // last target id, -1 at the first position
  const int32_t* parent = nullptr;    // row of the step before whose state this one continues, or as encode() said
  const int32_t* sentence = nullptr;
  const int32_t* cells = nullptr;  // [count][cell_stride]: cache cells of positions 0..step, the row's own last
  int32_t cell_stride = 0;
};

// What one instruction has cost in a batch.
struct Cost {
  int64_t nanoseconds = 0;
  int64_t calls = 0;
  int64_t rows = 0;
};

class Interpreter {
 public:
  Interpreter() = default;
  // Takes its index arrays from `carver` and its values from `values` (plan.layout bytes).
  void bind(const Plan& plan, const Weights& weights, const Kernels& kernels, const Batch& batch,
            const Columns& shortlisted, const Places& places, const Extents& extents, Carver* carver);
  // Measures from now on: one Cost for each instruction of select, encode, prime and step, zeroed.
  void measure(Cost* costs) { costs_ = costs; }
  // Keeps from now on of each row of logits, over the whole vocabulary, only what best_columns.h says; CANDIDATES is
  // then the columns of a block. bounds: scratch of kMostScreenedRows floats a panel.
  void summarise(const RowSummaries& summaries, float* bounds) {
    summaries_ = summaries;
    bounds_ = bounds;
  }
  void place(std::byte* values) { base_ = values; }
  // From now on everything ends early when this says so; what was computed then means nothing.
  void watch(Stop* stop) { stop_ = stop; }
  // Bytes of values for these extents; valid after bind with a carver that has memory.
  int64_t value_bytes() const { return value_bytes_; }

  // The states of the group's sentences go to rows from `first_row` on, where the next step finds them as parents.
  void encode(const Group& group, int32_t first_row);
  // Lays out the fresh ones of the shortlisted columns.
  void select();
  void step(const Rows& rows);

  const float* logits(int32_t row) const;     // not with summarise
  const float* alignment(int32_t row) const;  // null if not asked for
  int32_t columns() const { return shortlisted_->restricted() ? shortlisted_->used() : weights_->vocabulary; }

 private:
  struct View {
    std::byte* data;
    int64_t stride;
  };
  View view(const Operand& operand) const;
  float* floats(const Operand& operand, size_t* stride) const;
  uint8_t* bytes(const Operand& operand, size_t* stride) const;
  int32_t row_count(Symbol rows) const;
  int32_t length(int32_t sentence) const { return batch_->length(sentence); }
  // First token of a sentence within its group.
  int32_t within(int32_t sentence) const { return batch_->offsets[sentence] - batch_->offsets[group_.first]; }
  template <typename Run>
  void for_runs(Run run) const;

  void run(const std::vector<Instruction>& instructions, size_t first_cost);
  bool dispatch(const Instruction& instruction, size_t cost);
  // Rows of a product, in pieces that take some milliseconds.
  template <typename Product>
  void in_pieces(int rows, int64_t work_of_row, Product product);
  void execute(const Instruction& instruction);
  void embed(const Instruction& in);
  void gemm_int8(const Instruction& in);
  void gemm_float(const Instruction& in);
  void norm(const Instruction& in);
  void self_attention(const Instruction& in);
  void pack_keys(const Instruction& in);
  void cross_attention(const Instruction& in);
  void cached_attention(const Instruction& in);
  void additive_attention(const Instruction& in);
  void copy_rows(const Instruction& in);
  void mean(const Instruction& in);
  void scan_rows(const Instruction& in, bool write);
  void select_candidates(const Instruction& in);
  void logits_int8(const Instruction& in);
  void logits_float(const Instruction& in);
  int32_t block_columns() const { return static_cast<int32_t>(extents_[static_cast<int>(Symbol::kCandidates)]); }
  void embed_rows(const TableWeights& table, Precision precision, const int32_t* ids, int rows, float scale, float* out,
                  size_t stride) const;
  float multiplier(const Instruction& in) const;

  const Plan* plan_ = nullptr;
  const Weights* weights_ = nullptr;
  const Kernels* kernels_ = nullptr;
  const Batch* batch_ = nullptr;
  const Columns* shortlisted_ = nullptr;
  const Places* places_ = nullptr;
  Extents extents_{};
  std::byte* base_ = nullptr;
  int64_t* offsets_ = nullptr;         // of values
  int64_t* strides_ = nullptr;         // of values, in elements
  float* position_scratch_ = nullptr;  // one position beyond the plan's table
  int64_t value_bytes_ = 0;
  Cost* costs_ = nullptr;
  Stop* stop_ = nullptr;
  RowSummaries summaries_{};  // null: whole rows of logits are kept
  float* bounds_ = nullptr;
  int32_t screening_pause_ = 0;  // steps until screening is tried again

  // Where the current phase stands.
  Group group_;
  int32_t group_token_ = 0;  // where its tokens and states begin in values of all that is under way; 0 in STEP
  int32_t group_row_ = 0;
  int32_t group_tokens_ = 0;  // its tokens
  int32_t active_ = 0;        // sentences still running in a scan, or the group's
  int32_t position_ = 0;      // in a scan
  bool backward_ = false;
  Rows rows_;
};

// run(first row, count, position) for rows at one position.
template <typename Run>
void Interpreter::for_runs(Run run) const {
  for (int32_t row = 0; row < rows_.count;) {
    int32_t end = row + 1;
    while (end < rows_.count && rows_.step[end] == rows_.step[row]) ++end;
    run(row, end - row, rows_.step[row]);
    row = end;
  }
}

// product(first row, rows), in turn. Each row comes out as it would alone, so the pieces do not matter.
template <typename Product>
void Interpreter::in_pieces(int rows, int64_t work_of_row, Product product) {
  constexpr int64_t kFewestRows = 64, kWorkOfPiece = int64_t{1} << 28;
  int64_t most = std::max(kFewestRows, kWorkOfPiece / work_of_row / kFewestRows * kFewestRows);
  for (int64_t first = 0; first < rows; first += most) {
    if (first > 0 && stop_->raised()) return;
    product(static_cast<int>(first), static_cast<int>(std::min(most, rows - first)));
  }
}

}  // namespace dragoman
