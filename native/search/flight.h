// Which sentences of a batch are under way, and where their values lie: new ones join as soon as others are done.
//
// Sentences come longest first, in groups that are encoded together. A group has its rooms until the last of its
// sentences is done; then they are a gap for any group that fits.
#pragma once

#include <array>
#include <cstdint>

#include "search/batch.h"
#include "interpreter/workspace.h"

namespace dragoman {

// Consecutive sentences that are encoded together.
struct Group {
  int32_t first = 0, last = 0;  // sentences [first, last)
  int32_t slot = 0;             // no other group has it meanwhile

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
  // Counts sizes. The batch is checked and outlives the object. Throws Error if they are too large.
  Flight(const Batch& batch, const SearchOptions& options);

  // Most of each that are under way at a time.
  int32_t sentences() const { return sentences_; }
  int32_t slots() const { return slots_; }
  int64_t tokens() const { return room_[kTokens]; }
  int64_t padded_tokens() const { return room_[kPadded]; }
  int64_t cells() const { return room_[kCells]; }
  // Of the largest groups.
  int64_t group_tokens() const { return largest_[kTokens]; }
  int32_t group_sentences() const { return group_sentences_; }
  // The group that begins at a sentence; without sentences at the end of the batch.
  Group group_from(int32_t first) const;

  void carve(Carver* carver);
  // Nothing is under way.
  void start();
  // The next group, if there is one, it is of at most `rows` sentences, and there is room for it.
  bool next(int32_t rows, Group* group) const;
  void join(const Group& group);
  void leave(int32_t sentence);
  // A cache cell for one position of one hypothesis.
  int32_t take_cell(int32_t sentence);
  const Places& places() const { return places_; }

 private:
  enum Room { kTokens, kPadded, kCells, kRooms };
  using Sizes = std::array<int64_t, kRooms>;
  struct Slot {
    int32_t sentences;  // under way; 0: free
    Sizes begin, size;
    int32_t cells_used;
  };
  Sizes sizes(const Group& group) const;
  int64_t gap(int room, int64_t size) const;

  const Batch* batch_ = nullptr;
  int32_t beam_size_ = 0;
  int32_t sentences_ = 0, group_sentences_ = 0;
  int32_t tokens_of_group_ = 0, sentences_of_group_ = 0;  // at most
  int32_t slots_ = 0;
  Sizes room_{}, largest_{};

  Slot* slot_ = nullptr;
  int32_t* slot_of_ = nullptr;  // [sentences of the batch]
  Places places_;
  int32_t next_ = 0;   // first sentence that has not joined
  int32_t alive_ = 0;  // sentences under way
};

}  // namespace dragoman
