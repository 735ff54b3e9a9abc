// The columns of the output layer that shortlists leave. Sentences under way share them: a column is laid out when the
// first sentence that needs it joins, and stays until its place is wanted for another after the last such one is done.
#pragma once

#include <cstdint>

#include "search/batch.h"
#include "search/flight.h"
#include "search/shortlist.h"
#include "interpreter/workspace.h"

namespace dragoman {

class Columns {
 public:
  Columns() = default;
  // shortlist: or null, then every id of the vocabulary is a column of its own and nothing is ever laid out.
  explicit Columns(const Shortlist* shortlist) : shortlist_(shortlist) {}

  bool restricted() const { return shortlist_ != nullptr; }

  // Counts sizes: `wanted` columns, fewer if the batch needs no more, more if one of its groups does.
  void count(const Batch& batch, const Flight& flight, int32_t wanted, uint64_t* bitmaps);
  // 64-bit words that count() needs.
  int64_t scratch_words() const { return restricted() ? kBitmaps * bitmap_words(*shortlist_) : 0; }
  int32_t capacity() const { return capacity_; }

  void carve(Carver* carver);
  void start();
  // The group's columns are laid out next, unless too few places are free: then nothing changes.
  bool join(const Group& group);
  void leave(int32_t sentence);
  // Columns to lay out before the next step: laid_out() says that it is done.
  const int32_t* fresh() const { return fresh_; }
  int32_t fresh_count() const { return fresh_count_; }
  void laid_out() { fresh_count_ = 0; }

  // Columns in use: the first `used`.
  int32_t used() const { return used_; }
  int32_t id(int32_t column) const { return id_[column]; }
  const int32_t* ids() const { return id_; }
  // A sentence's own, by ascending id.
  const int32_t* of(int32_t sentence) const { return own_ + first_[sentence]; }
  int32_t count_of(int32_t sentence) const { return count_[sentence]; }
  // Where an id is among them; -1: nowhere.
  int32_t place_of(int32_t sentence, int32_t id) const;

 private:
  static constexpr int64_t kBitmaps = 3;
  // Column of an id, -1 if it has none. Garbage in column_ does no harm.
  int32_t find(int32_t id) const {
    int32_t column = column_[id];
    return column >= 0 && column < used_ && id_[column] == id ? column : -1;
  }
  int32_t lay_out(int32_t id);

  const Shortlist* shortlist_ = nullptr;
  const Batch* batch_ = nullptr;
  int32_t capacity_ = 0;
  int32_t slots_ = 0, slot_candidates_ = 0;

  uint64_t* bitmaps_ = nullptr;
  int32_t* column_ = nullptr;  // [vocabulary], of ids that have one
  int32_t* id_ = nullptr;      // [capacity]
  int32_t* users_ = nullptr;   // [capacity], sentences under way
  int32_t* fresh_ = nullptr;   // [capacity]
  int32_t* own_ = nullptr;     // [slots][slot_candidates]
  int32_t* first_ = nullptr;   // [sentences], in own_
  int32_t* count_ = nullptr;   // [sentences]
  int32_t used_ = 0, busy_ = 0, hand_ = 0, fresh_count_ = 0;
  bool full_ = false;  // since the last refusal nobody has left
};

}  // namespace dragoman
