#include "search/flight.h"

#include <algorithm>
#include <limits>

#include "error.h"
#include "plan/extents.h"

namespace dragoman {
namespace {

// Groups are small beside what is under way, so that rows come and go evenly.
constexpr int32_t kGroupsUnderWay = 4;
// Long sentences: rather more memory than steps of a few rows.
constexpr int64_t kFewestSentences = 8;

}  // namespace

Flight::Flight(const Batch& batch, const SearchOptions& options) : batch_(&batch), beam_size_(options.beam_size) {
  sentences_ = std::clamp(std::min(options.live_sentences, options.live_rows / options.beam_size), 1, batch.sentences);
  tokens_of_group_ = std::max(options.group_tokens, batch.longest());
  sentences_of_group_ = std::max(1, (sentences_ + kGroupsUnderWay - 1) / kGroupsUnderWay);
  int32_t groups = 0;
  Sizes all{};
  for (Group group = group_from(0); group.sentences() > 0; group = group_from(group.last)) {
    ++groups;
    group_sentences_ = std::max(group_sentences_, group.sentences());
    Sizes own = sizes(group);
    for (int room = 0; room < kRooms; ++room) {
      all[room] += own[room];
      largest_[room] = std::max(largest_[room], own[room]);
    }
  }
  // Keys and values have half of the room each, and keys are padded. Then for as many tokens as fit, what usually
  // belongs to so many.
  int64_t tokens = std::max<int64_t>(options.live_tokens, kFewestSentences * batch.longest());
  tokens = std::max<int64_t>(2 * tokens * all[kTokens] / (all[kTokens] + all[kPadded]), 1);
  tokens = std::min<int64_t>(tokens, batch.offsets[sentences_]);
  for (int room = 0; room < kRooms; ++room) {
    int64_t usual = static_cast<int64_t>(static_cast<double>(tokens) * static_cast<double>(all[room]) /
                                         static_cast<double>(all[kTokens]));
    room_[room] = std::max(std::min(usual, all[room]), largest_[room]);
    if (room_[room] > std::numeric_limits<int32_t>::max() / 2) {
      throw Error(Error::Code::kCapacity, "batch: too many positions for one batch; send fewer or shorter sentences");
    }
  }
  slots_ = static_cast<int32_t>(std::min<int64_t>(groups, 2 * ((tokens - 1) / tokens_of_group_ + 1)));
}

// What a group has room for; of cells all that its hypotheses may take.
Flight::Sizes Flight::sizes(const Group& group) const {
  Sizes result{};
  result[kTokens] = batch_->offsets[group.last] - batch_->offsets[group.first];
  for (int32_t s = group.first; s < group.last; ++s) {
    result[kPadded] += round_up(batch_->length(s), 16);
    result[kCells] += int64_t{beam_size_} * batch_->limits[s];
  }
  return result;
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
  Group group{first, first};
  while (group.last < batch_->sentences && group.sentences() < sentences_of_group_ &&
         batch_->offsets[group.last + 1] - batch_->offsets[first] <= tokens_of_group_) {
    ++group.last;
  }
  return group;
}

// Where the first gap of a size begins, -1 if there is none.
int64_t Flight::gap(int room, int64_t size) const {
  int64_t at = 0;
  for (int32_t number = 0; number < slots_;) {
    const Slot& slot = slot_[number];
    bool overlaps = slot.sentences > 0 && at < slot.begin[room] + slot.size[room] && slot.begin[room] < at + size;
    if (overlaps) at = slot.begin[room] + slot.size[room];
    number = overlaps ? 0 : number + 1;
  }
  return at + size <= room_[room] ? at : -1;
}

bool Flight::next(int32_t rows, Group* group) const {
  *group = group_from(next_);
  if (group->sentences() == 0 || group->sentences() > std::min(rows, sentences_ - alive_)) return false;
  while (group->slot < slots_ && slot_[group->slot].sentences > 0) ++group->slot;
  Sizes size = sizes(*group);
  bool fits = group->slot < slots_;
  for (int room = 0; fits && room < kRooms; ++room) fits = gap(room, size[room]) >= 0;
  return fits;
}

void Flight::join(const Group& group) {
  Slot slot{group.sentences(), {}, sizes(group), 0};
  for (int room = 0; room < kRooms; ++room) slot.begin[room] = gap(room, slot.size[room]);
  slot_[group.slot] = slot;
  int64_t tokens = slot.begin[kTokens], padded = slot.begin[kPadded];
  for (int32_t s = group.first; s < group.last; ++s) {
    slot_of_[s] = group.slot;
    places_.tokens[s] = static_cast<int32_t>(tokens);
    places_.padded[s] = static_cast<int32_t>(padded);
    tokens += batch_->length(s);
    padded += round_up(batch_->length(s), 16);
  }
  alive_ += group.sentences();
  next_ = group.last;
}

void Flight::leave(int32_t sentence) {
  --slot_[slot_of_[sentence]].sentences;
  --alive_;
}

int32_t Flight::take_cell(int32_t sentence) {
  Slot& slot = slot_[slot_of_[sentence]];
  return static_cast<int32_t>(slot.begin[kCells]) + slot.cells_used++;
}

}  // namespace dragoman
