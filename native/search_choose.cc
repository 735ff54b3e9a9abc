// Which pieces a row goes on with: forced, greedy, or the best of a beam.
#include <algorithm>
#include <cmath>

#include "search.h"

namespace dragoman {

int32_t Search::candidate_count(int32_t sentence) const {
  return columns_.restricted() ? columns_.count_of(sentence) : interpreters_[0].columns();
}

int32_t Search::candidate_column(int32_t sentence, int32_t place) const {
  return columns_.restricted() ? columns_.of(sentence)[place] : place;
}

int32_t Search::candidate_id(int32_t sentence, int32_t place) const {
  return columns_.restricted() ? columns_.id(columns_.of(sentence)[place]) : place;
}

int32_t Search::candidate_place(int32_t sentence, int32_t id) const {
  return columns_.restricted() ? columns_.place_of(sentence, id) : id;
}

int32_t Search::unk_place(int32_t sentence) const {
  return options_.allow_unk || options_.unk < 0 ? -1 : candidate_place(sentence, options_.unk);
}

// The row's scores over its own candidates, and what must be subtracted to make them log-probabilities.
const float* Search::row_scores(int32_t row, float* normaliser) {
  int32_t s = sentence_[row];
  int32_t count = candidate_count(s);
  const float* result = nullptr;
  *normaliser = 0;
  for (int32_t m = 0; m < member_count_; ++m) {
    const float* scores = interpreters_[m].logits(row);
    if (columns_.restricted()) {
      kernels_->gather(scores, columns_.of(s), count, compact_);
      scores = compact_;
    }
    float sum = options_.skip_cost || !need_scores_ ? 0.f : kernels_->log_sum_exp(scores, count);
    if (single()) {
      *normaliser = sum;
      return scores;
    }
    normalisers_[static_cast<int64_t>(row) * member_count_ + m] = sum;
    float weight = members_[m].weight;
    for (int32_t i = 0; i < count; ++i) {
      float own = weight * (scores[i] - sum);
      combined_[i] = m == 0 ? own : combined_[i] + own;
    }
    result = combined_;
  }
  return result;
}

void Search::choose(int32_t sentence, int32_t first_row, int32_t last_row) {
  chosen_count_ = 0;
  if (batch_.prefix_offsets != nullptr) {
    int32_t begin = batch_.prefix_offsets[sentence], end = batch_.prefix_offsets[sentence + 1];
    int32_t at = begin + position(sentence);
    if (at < end) {
      choose_forced(sentence, first_row, batch_.prefix[at]);
      return;
    }
  }
  if (options_.beam_size == 1) {
    choose_greedy(first_row);
  } else {
    choose_beam(first_row, last_row, beam_left_[sentence]);
  }
}

void Search::choose_forced(int32_t sentence, int32_t row, int32_t id) {
  float normaliser;
  const float* scores = row_scores(row, &normaliser);
  int32_t place = candidate_place(sentence, id);
  float own = place < 0 ? kLowestScore : scores[place] - normaliser;
  chosen_[chosen_count_++] = {row, place, path_[row] + own};
}

void Search::choose_greedy(int32_t row) {
  int32_t s = sentence_[row];
  float normaliser = 0;
  Best best;
  if (summarises_) {
    best = summaries_.best[row];
    if (summaries_.sums != nullptr) normaliser = kernels_->log_of(summaries_.sums[row]);
  } else {
    const float* scores = row_scores(row, &normaliser);
    best = best_without(*kernels_, scores, candidate_count(s), unk_place(s));
  }
  // Every score is NaN: end the sentence rather than read outside the list.
  if (best.index < 0) best = {std::max(candidate_place(s, options_.eos), 0), kLowestScore};
  chosen_[chosen_count_++] = {row, best.index, need_scores_ ? path_[row] + (best.value - normaliser) : 0.f};
}

void Search::choose_beam(int32_t first_row, int32_t last_row, int32_t wanted) {
  int32_t s = sentence_[first_row];
  int32_t count = candidate_count(s);
  int32_t unk = unk_place(s);
  constexpr int kBlock = 32;
  for (int32_t row = first_row; row < last_row; ++row) {
    float normaliser;
    const float* scores = row_scores(row, &normaliser);
    for (int32_t block = 0; block < count; block += kBlock) {
      int32_t end = std::min(count, block + kBlock);
      if (chosen_count_ == wanted) {
        // Most blocks hold nothing above the worst chosen one.
        float worst = chosen_[wanted - 1].path_score;
        int above = 0;
        for (int32_t i = block; i < end; ++i) above |= path_[row] + (scores[i] - normaliser) > worst;
        if (above == 0) continue;
      }
      for (int32_t i = block; i < end; ++i) {
        float score = i == unk ? kLowestScore : path_[row] + (scores[i] - normaliser);
        if (chosen_count_ == wanted && !(score > chosen_[wanted - 1].path_score)) continue;
        if (std::isnan(score)) continue;
        int32_t at = chosen_count_ == wanted ? wanted - 1 : chosen_count_++;
        for (; at > 0 && score > chosen_[at - 1].path_score; --at) chosen_[at] = chosen_[at - 1];
        chosen_[at] = {row, i, score};
      }
    }
  }
  if (chosen_count_ == 0)
    chosen_[chosen_count_++] = {first_row, std::max(candidate_place(s, options_.eos), 0), kLowestScore};
}

}  // namespace dragoman
