#include "search/chooser.h"

#include <algorithm>
#include <cmath>

namespace dragoman {

Chooser::Chooser(const Member* members, int32_t member_count, const Interpreter* interpreters, const Columns& columns,
                 const Batch& batch, const SearchOptions& options, int32_t width, bool summarises)
    : members_(members),
      member_count_(member_count),
      interpreters_(interpreters),
      columns_(&columns),
      batch_(&batch),
      options_(options),
      width_(width),
      kernels_(&kernels()),
      summarises_(summarises) {
  need_scores_ = options.scores || options.beam_size > 1 || !single();
}

void Chooser::carve(Carver* carver, int64_t rows, int64_t candidates) {
  if (!single()) normalisers_ = carver->take<float>(rows * member_count_);
  if (columns_->restricted()) compact_ = carver->take<float>(candidates);
  if (!single()) combined_ = carver->take<float>(candidates);
  if (summarises_) {
    int32_t vocabulary = members_[0].weights->vocabulary;
    summaries_.best = carver->take<Best>(rows);
    summaries_.sums = need_scores_ && !options_.skip_cost ? carver->take<LogSum>(rows) : nullptr;
    summaries_.never = never();
    bounds_ = carver->take<float>(int64_t{kMostScreenedRows} * round_up(vocabulary, kPanelColumns) / kPanelColumns);
  }
  chosen_ = carver->take<Chosen>(width_ + 1);
  if (batch_->constrained()) pool_ = carver->take<Candidate>(int64_t{width_} * (width_ + kMostPhrases));
}

int32_t Chooser::candidate_count(int32_t sentence) const {
  return columns_->restricted() ? columns_->count_of(sentence) : interpreters_[0].columns();
}

int32_t Chooser::candidate_place(int32_t sentence, int32_t id) const {
  return columns_->restricted() ? columns_->place_of(sentence, id) : id;
}

bool Chooser::allowed(int32_t sentence, int32_t place) const {
  return !never().has(columns_->restricted() ? columns_->id(columns_->of(sentence)[place]) : place);
}

// Candidates ascend like their ids. Where those that may not be chosen lie is looked for only if one of them is best.
Best Chooser::best_place(int32_t sentence, const float* scores) {
  const int32_t count = candidate_count(sentence);
  if (!columns_->restricted()) return best_without(*kernels_, scores, count, never());
  const Best best = kernels_->argmax(scores, count);
  if (best.index < 0 || allowed(sentence, best.index)) return best;
  int32_t found = 0;
  for (int32_t i = 0; i < options_.never_count; ++i) {
    const int32_t place = candidate_place(sentence, options_.never[i]);
    if (place >= 0) places_[found++] = place;
  }
  return best_without(*kernels_, scores, count, {places_.data(), found});
}

int32_t Chooser::id(int32_t sentence, const Chosen& choice, int32_t at) const {
  if (choice.place < 0) return batch_->prefix[batch_->prefix_offsets[sentence] + at];
  return columns_->restricted() ? columns_->id(columns_->of(sentence)[choice.place]) : choice.place;
}

float Chooser::member_score(int32_t sentence, const Chosen& choice, int32_t member) const {
  if (choice.place < 0) return kLowestScore;
  int32_t column = columns_->restricted() ? columns_->of(sentence)[choice.place] : choice.place;
  return interpreters_[member].logits(choice.row)[column] -
         normalisers_[static_cast<int64_t>(choice.row) * member_count_ + member];
}

// The row's scores over its own candidates, and what must be subtracted to make them log-probabilities.
const float* Chooser::row_scores(int32_t sentence, int32_t row, bool probabilities, float* normaliser) {
  int32_t count = candidate_count(sentence);
  *normaliser = 0;
  for (int32_t m = 0; m < member_count_; ++m) {
    const float* scores = interpreters_[m].logits(row);
    if (columns_->restricted()) {
      kernels_->gather(scores, columns_->of(sentence), count, compact_);
      scores = compact_;
    }
    float sum = probabilities ? kernels_->log_sum_exp(scores, count) : 0.f;
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
  }
  return combined_;
}

void Chooser::choose(const LiveRows& rows, int32_t first, int32_t last) {
  count_ = 0;
  int32_t sentence = rows.sentence(first);
  if (batch_->prefix_offsets != nullptr) {
    int32_t at = batch_->prefix_offsets[sentence] + rows.position(sentence);
    if (at < batch_->prefix_offsets[sentence + 1]) {
      forced(rows, first, batch_->prefix[at]);
      return;
    }
  }
  if (batch_->phrase_count(sentence) > 0) {
    constrained(rows, first, last, rows.beam_left(sentence));
  } else if (options_.beam_size == 1) {
    greedy(rows, first);
  } else {
    beam(rows, first, last, rows.beam_left(sentence));
  }
}

void Chooser::forced(const LiveRows& rows, int32_t row, int32_t id) {
  float normaliser;
  const bool phrases = batch_->phrase_count(rows.sentence(row)) > 0;
  const float* scores = row_scores(rows.sentence(row), row, phrases || probabilities(), &normaliser);
  int32_t place = candidate_place(rows.sentence(row), id);
  float own = place < 0 ? kLowestScore : scores[place] - normaliser;
  chosen_[count_++] = {row, place, rows.path(row) + own};
}

void Chooser::greedy(const LiveRows& rows, int32_t row) {
  int32_t s = rows.sentence(row);
  float normaliser = 0;
  Best best;
  if (summarises_) {
    best = summaries_.best[row];
    if (summaries_.sums != nullptr) normaliser = kernels_->log_of(summaries_.sums[row]);
  } else {
    const float* scores = row_scores(s, row, probabilities(), &normaliser);
    best = best_place(s, scores);
  }
  // Every score is NaN: end the sentence rather than read outside the list.
  if (best.index < 0) best = {std::max(candidate_place(s, options_.eos), 0), kLowestScore};
  chosen_[count_++] = {row, best.index, need_scores_ ? rows.path(row) + (best.value - normaliser) : 0.f};
}

void Chooser::beam(const LiveRows& rows, int32_t first, int32_t last, int32_t wanted) {
  int32_t s = rows.sentence(first);
  int32_t count = candidate_count(s);
  constexpr int kBlock = 32;
  for (int32_t row = first; row < last; ++row) {
    float normaliser;
    const float* scores = row_scores(s, row, probabilities(), &normaliser);
    const float path = rows.path(row);
    for (int32_t block = 0; block < count; block += kBlock) {
      int32_t end = std::min(count, block + kBlock);
      if (count_ == wanted) {
        // Most blocks hold nothing above the worst chosen one.
        float worst = chosen_[wanted - 1].path_score;
        int above = 0;
        for (int32_t i = block; i < end; ++i) above |= path + (scores[i] - normaliser) > worst;
        if (above == 0) continue;
      }
      for (int32_t i = block; i < end; ++i) {
        float score = path + (scores[i] - normaliser);
        if (count_ == wanted && !(score > chosen_[wanted - 1].path_score)) continue;
        if (!allowed(s, i)) score = kLowestScore;
        if (count_ == wanted && !(score > chosen_[wanted - 1].path_score)) continue;
        if (std::isnan(score)) continue;
        int32_t at = count_ == wanted ? wanted - 1 : count_++;
        for (; at > 0 && score > chosen_[at - 1].path_score; --at) chosen_[at] = chosen_[at - 1];
        chosen_[at] = {row, i, score};
      }
    }
  }
  if (count_ == 0) chosen_[count_++] = {first, std::max(candidate_place(s, options_.eos), 0), kLowestScore};
}

}  // namespace dragoman
