#include "search/live_rows.h"

#include <cstring>
#include <utility>

namespace dragoman {

void LiveRows::carve(Carver* carver) {
  carve(carver, &now_);
  carve(carver, &next_);
  step_ = carver->take<int32_t>(most_);
  joined_ = carver->take<int32_t>(batch_->sentences);
  beam_left_ = carver->take<int32_t>(batch_->sentences);
}

void LiveRows::carve(Carver* carver, Side* side) {
  for (int32_t** array : {&side->previous, &side->parent, &side->sentence, &side->node}) {
    *array = carver->take<int32_t>(most_);
  }
  if (has_cells()) side->cells = carver->take<int32_t>(int64_t{most_} * cell_stride_);
  side->path = carver->take<float>(most_);
  if (batch_->constrained()) side->met = carver->take<Met>(most_);
}

void LiveRows::start() { now_.count = next_.count = states_ = clock_ = 0; }

int32_t LiveRows::end_of_sentence(int32_t row) const {
  int32_t end = row + 1;
  while (end < now_.count && now_.sentence[end] == now_.sentence[row]) ++end;
  return end;
}

void LiveRows::join(int32_t sentence) {
  int32_t row = now_.count++;
  now_.previous[row] = now_.node[row] = -1;
  now_.parent[row] = states_++;
  now_.sentence[row] = sentence;
  now_.path[row] = 0;
  joined_[sentence] = clock_;
  beam_left_[sentence] = batch_->width(sentence, beam_size_);
  if (now_.met != nullptr) now_.met[row] = Met{};
}

Rows LiveRows::view() {
  for (int32_t row = 0; row < now_.count; ++row) step_[row] = position(now_.sentence[row]);
  return {now_.count, step_, now_.previous, now_.parent, now_.sentence, now_.cells, cell_stride_};
}

void LiveRows::follow(int32_t row, int32_t id, int32_t node, float path, const Met& met) {
  int32_t next = next_.count++;
  next_.previous[next] = id;
  next_.parent[next] = row;
  next_.sentence[next] = now_.sentence[row];
  next_.node[next] = node;
  next_.path[next] = path;
  if (next_.met != nullptr) next_.met[next] = met;
  if (!has_cells()) return;
  std::memcpy(next_.cells + static_cast<int64_t>(next) * cell_stride_,
              now_.cells + static_cast<int64_t>(row) * cell_stride_,
              static_cast<size_t>(position(now_.sentence[row]) + 1) * sizeof(int32_t));
}

void LiveRows::advance() {
  states_ = next_.count == 0 ? 0 : now_.count;
  std::swap(now_, next_);
  next_.count = 0;
  ++clock_;
}

}  // namespace dragoman
