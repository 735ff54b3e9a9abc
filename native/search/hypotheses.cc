#include "search/hypotheses.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "error.h"

namespace dragoman {

Hypotheses::Hypotheses(const Batch& batch, const SearchOptions& options, int32_t members)
    : batch_(&batch), options_(options), members_(members) {
  for (int32_t s = 0; s < batch.sentences; ++s) {
    most_nodes_ += int64_t{options.beam_size} * batch.limits[s];
    most_alignments_ += int64_t{options.beam_size} * batch.limits[s] * batch.length(s);
  }
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (most_nodes_ > kMost / 2 || batch.offsets[batch.sentences] > kMost / 64) {
    throw Error(Error::Code::kCapacity, "batch: too many positions for one batch; send fewer or shorter sentences");
  }
}

void Hypotheses::carve(Carver* carver) {
  nodes_ = carver->take<Node>(most_nodes_);
  if (members_ > 0) member_scores_ = carver->take<float>(most_nodes_ * members_);
  if (options_.alignment) {
    alignments_ = carver->take<float>(most_alignments_);
    alignment_of_ = carver->take<int64_t>(most_nodes_);
  }
  finished_ = carver->take<Finished>(int64_t{batch_->sentences} * options_.beam_size);
  finished_counts_ = carver->take<int32_t>(batch_->sentences);
}

void Hypotheses::start() {
  count_ = 0;
  alignments_used_ = 0;
}

int32_t Hypotheses::add(int32_t parent, int32_t id, float path_score) {
  nodes_[count_] = {parent, id, path_score};
  return count_++;
}

void Hypotheses::keep_alignment(int32_t node, const float* alignment, int32_t width) {
  alignment_of_[node] = alignment == nullptr ? -1 : alignments_used_;
  if (alignment == nullptr) return;
  std::memcpy(alignments_ + alignments_used_, alignment, static_cast<size_t>(width) * sizeof(float));
  alignments_used_ += width;
}

void Hypotheses::add_member_score(int32_t node, int32_t member, float own) {
  int32_t parent = nodes_[node].parent;
  float before = parent < 0 ? 0.f : member_scores_[static_cast<int64_t>(parent) * members_ + member];
  member_scores_[static_cast<int64_t>(node) * members_ + member] = before + own;
}

void Hypotheses::finish(int32_t sentence, int32_t node, int32_t length, float path_score) {
  float score = path_score - options_.word_penalty * static_cast<float>(length);
  if (options_.normalize != 0.f) score /= std::pow(static_cast<float>(length), options_.normalize);
  Finished* first = finished_ + static_cast<int64_t>(sentence) * options_.beam_size;
  first[finished_counts_[sentence]++] = {node, length, path_score, score};
}

void Hypotheses::rank() {
  for (int32_t s = 0; s < batch_->sentences; ++s) {
    Finished* first = finished_ + static_cast<int64_t>(s) * options_.beam_size;
    // Insertion sort: a handful of entries.
    for (int32_t i = 1; i < finished_counts_[s]; ++i) {
      for (int32_t j = i; j > 0 && first[j].score > first[j - 1].score; --j) std::swap(first[j], first[j - 1]);
    }
  }
}

int32_t Hypotheses::finished_count(int32_t sentence) const {
  return std::min(finished_counts_[sentence], options_.n_best);
}

const Finished& Hypotheses::finished(int32_t sentence, int32_t rank) const {
  return finished_[static_cast<int64_t>(sentence) * options_.beam_size + rank];
}

const float* Hypotheses::member_scores(int32_t node) const {
  return members_ == 0 ? nullptr : member_scores_ + static_cast<int64_t>(node) * members_;
}

void Hypotheses::trace(int32_t sentence, const Finished& path, int32_t* ids, float* path_scores,
                       float* alignment) const {
  int32_t width = batch_->length(sentence);
  int32_t number = path.node;
  for (int32_t at = path.length - 1; at >= 0; --at) {
    const Node& node = nodes_[number];
    ids[at] = node.id;
    path_scores[at] = node.path_score;
    if (alignment != nullptr && alignment_of_[number] >= 0) {
      std::memcpy(alignment + static_cast<int64_t>(at) * width, alignments_ + alignment_of_[number],
                  static_cast<size_t>(width) * sizeof(float));
    }
    number = node.parent;
  }
}

}  // namespace dragoman
