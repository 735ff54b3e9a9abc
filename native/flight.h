// Which sentences of a batch are under way, and where their values lie: new ones join as soon as others are done.
//
// Sentences come longest first, in groups that are encoded together. A group has a slot until the last of its
// sentences is done; all slots are of one size, which fits any group, so that a free slot is as good as another.
#pragma once

#include <cstdint>

#include "batch.h"
#include "workspace.h"

namespace dragoman {

// Consecutive sentences that are encoded together.
struct Group {
  int32_t first = 0, last = 0;  // sentences [first, last)
  int32_t slot = 0;

  int32_t sentences() const { return last - first; }
};

// Where what a sentence's rows attend to lies, for each sentence that is under way.
struct Places {
  int32_t* tokens = nullptr;  // first row of values whose rows are TOKENS; those of a group are consecutive
  int32_t* padded = nullptr;  // first row of packed keys
};

class Flight {
 public:
  Flight() = default;
  // Counts sizes. The batch is checked and outlives the object.
  Flight(const Batch& batch, const SearchOptions& options);

  // Most of each that are under way at a time.
  int32_t sentences() const { return sentences_; }
  int64_t tokens() const { return int64_t{slots_} * slot_tokens_; }
  int64_t padded_tokens() const { return int64_t{slots_} * slot_padded_; }
  int64_t cells() const { return int64_t{slots_} * slot_cells_; }
  int32_t slots() const { return slots_; }
  int32_t group_tokens() const { return slot_tokens_; }
  int32_t group_sentences() const { return group_sentences_; }
  // The group that begins at a sentence; without sentences at the end of the batch.
  Group group_from(int32_t first) const;

  void carve(Carver* carver);
  // Nothing is under way.
  void start();
  // The next group, if there is one, enough others are done, and it is of at most `rows` sentences.
  bool next(int32_t rows, Group* group) const;
  void join(const Group& group);
  void leave(int32_t sentence);
  // A cache cell for one position of one hypothesis.
  int32_t take_cell(int32_t sentence);
  const Places& places() const { return places_; }

 private:
  struct Slot {
    int32_t sentences;   // that are under way
    int32_t cells_used;  // taken since the group came
  };
  const Batch* batch_ = nullptr;
  int32_t sentences_ = 0;
  int32_t tokens_of_group_ = 0, sentences_of_group_ = 0;  // at most
  int32_t slots_ = 0, slot_tokens_ = 0, slot_padded_ = 0, group_sentences_ = 0;
  int64_t slot_cells_ = 0;

  Slot* slot_ = nullptr;
  int32_t* slot_of_ = nullptr;  // [sentences of the batch]
  Places places_;
  int32_t next_ = 0;   // first sentence that has not joined
  int32_t alive_ = 0;  // sentences under way
};

}  // namespace dragoman
