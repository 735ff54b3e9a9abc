#include "search/columns.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "error.h"

namespace dragoman {

void Columns::count(const Batch& batch, const Flight& flight, int32_t wanted, uint64_t* bitmaps) {
  batch_ = &batch;
  if (!restricted()) return;
  slots_ = flight.slots();
  int64_t words = bitmap_words(*shortlist_);
  uint64_t *of_group = bitmaps + words, *of_batch = bitmaps + 2 * words;
  std::memset(of_batch, 0, static_cast<size_t>(words) * 8);
  int32_t largest = 0, all = 0;
  slot_candidates_ = 0;
  for (Group group = flight.group_from(0); group.sentences() > 0; group = flight.group_from(group.last)) {
    std::memset(of_group, 0, static_cast<size_t>(words) * 8);
    int32_t candidates = 0, columns = 0;
    for (int32_t s = group.first; s < group.last; ++s) {
      candidates += mark_candidates(*shortlist_, batch, s, bitmaps);
      for (int64_t word = 0; word < words; ++word) of_group[word] |= bitmaps[word];
    }
    for (int64_t word = 0; word < words; ++word) {
      columns += std::popcount(of_group[word]);
      of_batch[word] |= of_group[word];
    }
    slot_candidates_ = std::max(slot_candidates_, candidates);
    largest = std::max(largest, columns);
  }
  for (int64_t word = 0; word < words; ++word) all += std::popcount(of_batch[word]);
  capacity_ = std::max(std::min(wanted, all), largest);
  if (int64_t{slots_} * slot_candidates_ > std::numeric_limits<int32_t>::max()) {
    throw Error(Error::Code::kCapacity, "batch: too many candidates for one batch; send fewer or shorter sentences");
  }
}

void Columns::carve(Carver* carver) {
  if (!restricted()) return;
  bitmaps_ = carver->take<uint64_t>(scratch_words());
  column_ = carver->take<int32_t>(shortlist_->target_vocabulary);
  id_ = carver->take<int32_t>(capacity_);
  users_ = carver->take<int32_t>(capacity_);
  fresh_ = carver->take<int32_t>(capacity_);
  own_ = carver->take<int32_t>(int64_t{slots_} * slot_candidates_);
  first_ = carver->take<int32_t>(batch_->sentences);
  count_ = carver->take<int32_t>(batch_->sentences);
}

void Columns::start() {
  used_ = busy_ = hand_ = fresh_count_ = 0;
  full_ = false;
}

bool Columns::join(const Group& group) {
  if (!restricted()) return true;
  if (full_) return false;
  int64_t words = bitmap_words(*shortlist_);
  uint64_t* all = bitmaps_ + words;
  std::memset(all, 0, static_cast<size_t>(words) * 8);
  int32_t begin = group.slot * slot_candidates_, end = begin;
  for (int32_t s = group.first; s < group.last; ++s) {
    first_[s] = end;
    count_[s] = mark_candidates(*shortlist_, *batch_, s, bitmaps_);
    for_ids(bitmaps_, words, [&](int32_t id) { own_[end++] = id; });
    for (int64_t word = 0; word < words; ++word) all[word] |= bitmaps_[word];
  }
  int32_t more = 0;
  for_ids(all, words, [&](int32_t id) {
    int32_t column = find(id);
    more += column < 0 || users_[column] == 0;
  });
  full_ = busy_ + more > capacity_;
  if (full_) return false;
  busy_ += more;
  // First those that are there, so that nobody takes their places: ids become columns, ids without one stay, inverted.
  for (int32_t at = begin; at < end; ++at) {
    int32_t column = find(own_[at]);
    if (column >= 0) ++users_[column];
    own_[at] = column >= 0 ? column : ~own_[at];
  }
  for (int32_t at = begin; at < end; ++at) {
    if (own_[at] >= 0) continue;
    int32_t id = ~own_[at], column = find(id);
    if (column < 0) column = lay_out(id);
    ++users_[column];
    own_[at] = column;
  }
  return true;
}

// A place that was never used, or else one that nobody uses now; there is one.
int32_t Columns::lay_out(int32_t id) {
  int32_t column = used_;
  if (used_ < capacity_) {
    ++used_;
  } else {
    while (users_[hand_] > 0) hand_ = hand_ + 1 == capacity_ ? 0 : hand_ + 1;
    column = hand_;
  }
  column_[id] = column;
  id_[column] = id;
  users_[column] = 0;
  fresh_[fresh_count_++] = column;
  return column;
}

void Columns::leave(int32_t sentence) {
  if (!restricted()) return;
  full_ = false;
  const int32_t* own = of(sentence);
  for (int32_t at = 0; at < count_[sentence]; ++at) busy_ -= --users_[own[at]] == 0;
}

int32_t Columns::place_of(int32_t sentence, int32_t id) const {
  const int32_t *begin = of(sentence), *end = begin + count_of(sentence);
  const int32_t* found =
      std::lower_bound(begin, end, id, [&](int32_t column, int32_t wanted) { return id_[column] < wanted; });
  return found == end || id_[*found] != id ? -1 : static_cast<int32_t>(found - begin);
}

}  // namespace dragoman
