// Sentences whose translations must contain phrases: dynamic beam allocation (Post & Vilar 2018) with the round robin
// of Hu et al. (2019), phrases tied to attention (Hasler et al. 2018). The oracle is
// src/dragoman/backends/reference_constraints.py; decision 0021.
#include <algorithm>
#include <cmath>

#include "search/chooser.h"

namespace dragoman {
namespace {

// Attention that must be on a phrase's source for it to begin.
constexpr float kTied = 0.2f;

float or_lowest(float score) { return std::isnan(score) ? kLowestScore : score; }

}  // namespace

void Chooser::constrained(const LiveRows& rows, int32_t first, int32_t last, int32_t wanted) {
  const int32_t sentence = rows.sentence(first);
  const Phrases phrases(*batch_, sentence);
  pool_count_ = 0;
  for (int32_t row = first; row < last; ++row) extend(rows, row, phrases, wanted);
  std::sort(pool_, pool_ + pool_count_, [](const Candidate& one, const Candidate& other) {
    if (one.chosen.path_score != other.chosen.path_score) return one.chosen.path_score > other.chosen.path_score;
    return one.order < other.order;
  });
  int32_t ranks[kMostPhraseIds + 1] = {};
  for (int32_t i = 0; i < pool_count_; ++i) pool_[i].order = ranks[pool_[i].bank]++;
  // Every bank has its turn, those with more of the phrases first.
  std::sort(pool_, pool_ + pool_count_, [](const Candidate& one, const Candidate& other) {
    return one.order != other.order ? one.order < other.order : one.bank > other.bank;
  });
  for (; count_ < std::min(wanted, pool_count_); ++count_) chosen_[count_] = pool_[count_].chosen;
  if (count_ == 0) chosen_[count_++] = {first, std::max(candidate_place(sentence, options_.eos), 0), kLowestScore};
}

// Adds the extensions of a row to the pool: the phrases that it may begin or must go on with, and its best other
// pieces.
void Chooser::extend(const LiveRows& rows, int32_t row, const Phrases& phrases, int32_t wanted) {
  const int32_t sentence = rows.sentence(row);
  const Met met = rows.met(row);
  const float path = rows.path(row);
  float normaliser;
  const float* scores = row_scores(sentence, row, true, &normaliser);
  auto add = [&](int32_t place, float score, const Met& after) {
    pool_[pool_count_] = {{row, place, score, after}, phrases.covered(after), pool_count_};
    ++pool_count_;
  };
  auto add_phrase = [&](int32_t number, int32_t at) {
    const int32_t place = candidate_place(sentence, phrases.id(number, at));
    const bool known = place >= 0 && allowed(sentence, place);
    add(std::max(place, 0), known ? or_lowest(path + (scores[place] - normaliser)) : kLowestScore,
        phrases.after(met, number));
    return place;
  };
  if (met.phrase >= 0) {
    add_phrase(met.phrase, met.at);
    return;
  }
  int32_t excluded[kMostPhrases + 1];
  int32_t excluded_count = 0;
  uint32_t begun = 0;
  for (int32_t number = 0; number < phrases.count(); ++number) {
    bool again = (met.done >> number & 1) != 0 || !may_begin(phrases, number, row);
    for (int32_t other = 0; other < number && !again; ++other) {
      again = (begun >> other & 1) != 0 && phrases.equal(number, other);
    }
    if (again) continue;
    begun |= uint32_t{1} << number;
    excluded[excluded_count++] = add_phrase(number, 0);
  }
  if (!phrases.complete(met)) excluded[excluded_count++] = candidate_place(sentence, options_.eos);

  const int32_t count = candidate_count(sentence), begin = pool_count_;
  for (int32_t place = 0; place < count; ++place) {
    const float score = path + (scores[place] - normaliser);
    const bool full = pool_count_ - begin == wanted;
    if (!(score > (full ? pool_[pool_count_ - 1].chosen.path_score : kLowestScore))) continue;
    if (!allowed(sentence, place)) continue;
    if (std::find(excluded, excluded + excluded_count, place) != excluded + excluded_count) continue;
    int32_t at = full ? pool_count_ - 1 : pool_count_++;
    for (; at > begin && score > pool_[at - 1].chosen.path_score; --at) pool_[at].chosen = pool_[at - 1].chosen;
    pool_[at].chosen = {row, place, score, met};
  }
  for (int32_t at = begin; at < pool_count_; ++at) {
    pool_[at].bank = phrases.covered(met);
    pool_[at].order = at;
  }
}

bool Chooser::may_begin(const Phrases& phrases, int32_t number, int32_t row) const {
  const float* attention = options_.alignment ? interpreters_[0].alignment(row) : nullptr;
  if (attention == nullptr || phrases.begin(number) == phrases.end(number)) return true;
  float mass = 0;
  for (int32_t at = phrases.begin(number); at < phrases.end(number); ++at) mass += attention[at];
  return mass >= kTied;
}

}  // namespace dragoman
