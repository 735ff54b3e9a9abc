// Which pieces a sentence's rows go on with: forced, greedy, or the best of a beam.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "interpreter/interpreter.h"
#include "interpreter/workspace.h"
#include "search/batch.h"
#include "search/columns.h"
#include "search/live_rows.h"
#include "search/member.h"
#include "search/met.h"

namespace dragoman {

// What Marian gives to pieces that may not be chosen.
inline constexpr float kLowestScore = std::numeric_limits<float>::lowest();

// An extension of a row.
struct Chosen {
  int32_t row;
  int32_t place;  // among the row's candidates; -1: a forced piece that is none
  float path_score;
  Met met{};
};

// One of the extensions that a sentence with phrases chooses from.
struct Candidate {
  Chosen chosen;
  int32_t bank;   // ids of phrases that it has
  int32_t order;  // first that of its finding, then its rank in its bank
};

class Chooser {
 public:
  Chooser() = default;
  // All arguments outlive the object. width: most hypotheses of a sentence. summarises: of each row of logits only the
  // best column and the normaliser exist.
  Chooser(const Member* members, int32_t member_count, const Interpreter* interpreters, const Columns& columns,
          const Batch& batch, const SearchOptions& options, int32_t width, bool summarises);

  // rows: most at a time. candidates: most columns.
  void carve(Carver* carver, int64_t rows, int64_t candidates);
  const RowSummaries& summaries() const { return summaries_; }
  float* bounds() const { return bounds_; }

  // Chooses for the rows [first, last) of one sentence.
  void choose(const LiveRows& rows, int32_t first, int32_t last);
  int32_t count() const { return count_; }
  const Chosen& operator[](int32_t number) const { return chosen_[number]; }
  // The piece of a choice. at: its target position.
  int32_t id(int32_t sentence, const Chosen& choice, int32_t at) const;
  // What one member of an ensemble says of a chosen piece.
  float member_score(int32_t sentence, const Chosen& choice, int32_t member) const;

 private:
  bool probabilities() const { return need_scores_ && !options_.skip_cost; }
  bool single() const { return member_count_ == 1 && members_[0].weight == 1.f; }
  const float* row_scores(int32_t sentence, int32_t row, bool probabilities, float* normaliser);
  void forced(const LiveRows& rows, int32_t row, int32_t id);
  void greedy(const LiveRows& rows, int32_t row);
  void beam(const LiveRows& rows, int32_t first, int32_t last, int32_t wanted);
  // constrained.cc
  void constrained(const LiveRows& rows, int32_t first, int32_t last, int32_t wanted);
  void extend(const LiveRows& rows, int32_t row, const Phrases& phrases, int32_t wanted);
  bool may_begin(const Phrases& phrases, int32_t number, int32_t row) const;
  int32_t candidate_count(int32_t sentence) const;
  int32_t candidate_place(int32_t sentence, int32_t id) const;
  Never never() const { return {options_.never.data(), options_.never_count}; }
  Best best_place(int32_t sentence, const float* scores);
  bool allowed(int32_t sentence, int32_t place) const;

  const Member* members_ = nullptr;
  int32_t member_count_ = 0;
  const Interpreter* interpreters_ = nullptr;
  const Columns* columns_ = nullptr;
  const Batch* batch_ = nullptr;
  SearchOptions options_;
  int32_t width_ = 0;
  const Kernels* kernels_ = nullptr;
  bool need_scores_ = true;
  bool summarises_ = false;

  float* normalisers_ = nullptr;  // [rows][members] of this step; ensembles only
  float* compact_ = nullptr;      // one row's own candidates
  float* combined_ = nullptr;     // an ensemble's sum
  RowSummaries summaries_{};      // if summarises_
  float* bounds_ = nullptr;       // scratch of screening
  Chosen* chosen_ = nullptr;
  std::array<int32_t, kMostNever> places_{};  // scratch: where those that are never chosen lie among candidates
  int32_t count_ = 0;
  Candidate* pool_ = nullptr;  // if the batch is constrained
  int32_t pool_count_ = 0;
};

}  // namespace dragoman
