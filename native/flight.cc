#include "flight.h"

#include <algorithm>

#include "extents.h"

namespace dragoman {
namespace {

// Groups are small beside what is under way, so that rows come and go evenly.
constexpr int32_t kGroupsUnderWay = 4;
// Long sentences: rather more memory than steps of a few rows.
constexpr int64_t kFewestSentences = 12;

}  // namespace

Flight::Flight(const Batch& batch, const SearchOptions& options) : batch_(&batch) {
  sentences_ = std::clamp(options.live_rows / options.beam_size, 1, batch.sentences);
  tokens_of_group_ = std::max(options.group_tokens, batch.longest());
  sentences_of_group_ = std::max(1, (sentences_ + kGroupsUnderWay - 1) / kGroupsUnderWay);
  int32_t groups = 0;
  for (Group group = group_from(0); group.sentences() > 0; group = group_from(group.last)) {
    ++groups;
    int32_t padded = 0;
    int64_t cells = 0;
    for (int32_t s = group.first; s < group.last; ++s) {
      padded += static_cast<int32_t>(round_up(batch.length(s), 16));
      cells += int64_t{options.beam_size} * batch.limits[s];
    }
    slot_tokens_ = std::max(slot_tokens_, batch.offsets[group.last] - batch.offsets[group.first]);
    slot_padded_ = std::max(slot_padded_, padded);
    slot_cells_ = std::max(slot_cells_, cells);
    group_sentences_ = std::max(group_sentences_, group.sentences());
  }
  int64_t wanted = std::max<int64_t>(options.live_tokens, kFewestSentences * batch.longest());
  slots_ = static_cast<int32_t>(std::clamp<int64_t>(wanted / slot_tokens_, 1, groups));
}

void Flight::carve(Carver* carver) {
  slot_ = carver->take<Slot>(slots_);
  slot_of_ = carver->take<int32_t>(batch_->sentences);
  places_.tokens = carver->take<int32_t>(batch_->sentences);
  places_.padded = carver->take<int32_t>(batch_->sentences);
}

void Flight::start() {
  std::fill_n(slot_, slots_, Slot{});
  next_ = alive_ = 0;
}

Group Flight::group_from(int32_t first) const {
  int32_t last = first;
  while (last < batch_->sentences && last - first < sentences_of_group_ &&
         batch_->offsets[last + 1] - batch_->offsets[first] <= tokens_of_group_) {
    ++last;
  }
  return {first, last};
}

bool Flight::next(int32_t rows, Group* group) const {
  *group = group_from(next_);
  if (group->sentences() == 0 || group->sentences() > std::min(rows, sentences_ - alive_)) return false;
  while (group->slot < slots_ && slot_[group->slot].sentences > 0) ++group->slot;
  return group->slot < slots_;
}

void Flight::join(const Group& group) {
  slot_[group.slot] = {group.sentences(), 0};
  int32_t tokens = group.slot * slot_tokens_, padded = group.slot * slot_padded_;
  for (int32_t s = group.first; s < group.last; ++s) {
    slot_of_[s] = group.slot;
    places_.tokens[s] = tokens;
    places_.padded[s] = padded;
    tokens += batch_->length(s);
    padded += static_cast<int32_t>(round_up(batch_->length(s), 16));
  }
  alive_ += group.sentences();
  next_ = group.last;
}

void Flight::leave(int32_t sentence) {
  --slot_[slot_of_[sentence]].sentences;
  --alive_;
}

int32_t Flight::take_cell(int32_t sentence) {
  int32_t number = slot_of_[sentence];
  return static_cast<int32_t>(number * slot_cells_ + slot_[number].cells_used++);
}

}  // namespace dragoman
