// The rows of a step: hypotheses that are under way, and those of the step after it.
#pragma once

#include <cstdint>

#include "interpreter/interpreter.h"
#include "interpreter/workspace.h"
#include "search/batch.h"
#include "search/met.h"

namespace dragoman {

class LiveRows {
 public:
  LiveRows() = default;
  // most: rows at a time. cell_stride: positions that a row's cache cells are kept for; 0: the models keep none.
  LiveRows(const Batch& batch, const SearchOptions& options, int32_t most, int32_t cell_stride)
      : batch_(&batch), beam_size_(options.beam_size), most_(most), cell_stride_(cell_stride) {}

  void carve(Carver* carver);
  void start();

  int32_t count() const { return now_.count; }
  // Rows whose states the next step may continue: of the last step, and of who joined since.
  int32_t states() const { return states_; }
  // Rows that may still join.
  int32_t room() const { return most_ - states_; }
  int32_t sentence(int32_t row) const { return now_.sentence[row]; }
  int32_t node(int32_t row) const { return now_.node[row]; }
  float path(int32_t row) const { return now_.path[row]; }
  Met met(int32_t row) const { return now_.met == nullptr ? Met{} : now_.met[row]; }
  // One after the last row of the same sentence.
  int32_t end_of_sentence(int32_t row) const;
  // Target position that a sentence's rows are at.
  int32_t position(int32_t sentence) const { return clock_ - joined_[sentence]; }
  // Hypotheses of a sentence that may still end.
  int32_t beam_left(int32_t sentence) const { return beam_left_[sentence]; }
  void ended(int32_t sentence) { --beam_left_[sentence]; }

  // The first row of a sentence whose encoder state lies in the next row of states.
  void join(int32_t sentence);
  // Where the cache cell of the row's position is written; only with cells.
  int32_t* cell(int32_t row) {
    return now_.cells + static_cast<int64_t>(row) * cell_stride_ + position(now_.sentence[row]);
  }
  bool has_cells() const { return cell_stride_ > 0; }
  // For the interpreters.
  Rows view();

  // A row of the next step that goes on from a row of this one.
  void follow(int32_t row, int32_t id, int32_t node, float path, const Met& met);
  int32_t following() const { return next_.count; }
  // Forgets rows of the next step: all but the first `count`.
  void drop_following(int32_t count) { next_.count = count; }
  // The next step begins.
  void advance();

 private:
  struct Side {
    int32_t count = 0;
    int32_t *previous = nullptr, *parent = nullptr, *sentence = nullptr, *node = nullptr, *cells = nullptr;
    float* path = nullptr;
    Met* met = nullptr;  // null: no sentence has phrases
  };
  void carve(Carver* carver, Side* side);

  const Batch* batch_ = nullptr;
  int32_t beam_size_ = 0, most_ = 0, cell_stride_ = 0;
  Side now_, next_;
  int32_t* step_ = nullptr;
  int32_t states_ = 0;
  int32_t clock_ = 0;             // steps so far
  int32_t* joined_ = nullptr;     // [sentences], clock when it joined
  int32_t* beam_left_ = nullptr;  // [sentences]
};

}  // namespace dragoman
