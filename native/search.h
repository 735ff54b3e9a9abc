// Greedy and beam search over one batch: Marian's src/translator/beam_search.cpp, one sentence's result independent of
// its neighbours. Runs the interpreters of one model or of an ensemble; allocates nothing.
#pragma once

#include <cstdint>
#include <limits>

#include "batch.h"
#include "columns.h"
#include "flight.h"
#include "interpreter.h"
#include "plan.h"
#include "shortlist.h"
#include "stop.h"
#include "weights.h"
#include "workspace.h"

namespace dragoman {

inline constexpr int kMaxMembers = 16;
// What Marian gives to pieces that may not be chosen.
inline constexpr float kLowestScore = std::numeric_limits<float>::lowest();

// One model of an ensemble and its weight in the sum of log-probabilities.
struct Member {
  const Plan* plan;
  const Weights* weights;
  float weight = 1.f;
};

class Search {
 public:
  // Nothing is copied; all arguments must outlive the object. shortlist may be null. Throws Error if they do not fit.
  Search(const Member* members, int32_t member_count, const Shortlist* shortlist, const Batch& batch,
         const SearchOptions& options);

  // Bytes of workspace that run() will use, exactly. Grows the workspace to what counting itself needs.
  size_t need(Workspace* workspace);
  // Grows the workspace to need() and translates. Returns false if it was stopped.
  bool run(Workspace* workspace, Stop* stop);

  // After run: hypotheses of a sentence, best first, at most n_best.
  int32_t finished_count(int32_t sentence) const;
  struct Finished {
    int32_t node;
    int32_t length;
    float path_score;
    float score;
  };
  const Finished& finished(int32_t sentence, int32_t rank) const;
  int32_t member_count() const { return member_count_; }
  // The unweighted path score by each member, for an ensemble: member_count floats; null for one model of weight 1.
  const float* member_scores(const Finished& hypothesis) const;
  // ids and path scores [length], alignment [length][source length] (may be null) of a hypothesis, in order.
  void trace(int32_t sentence, const Finished& hypothesis, int32_t* ids, float* path_scores, float* alignment) const;
  // Columns of the logits.
  int32_t columns() const { return interpreters_[0].columns(); }
  // With options.profile: a Cost for each instruction of the first model's plan, in the plan's order; else null.
  const Cost* costs() const { return costs_; }

 private:
  struct Node {
    int32_t parent;
    int32_t id;
    float path_score;
  };
  struct Chosen {
    int32_t row;
    int32_t place;  // among the row's candidates
    float path_score;
  };

  void carve(Carver* carver);
  void start();
  bool join(Stop* stop);
  bool advance(Stop* stop);
  // Of a sentence's hypotheses that are under way.
  int32_t position(int32_t sentence) const { return clock_ - joined_[sentence]; }
  void choose(int32_t sentence, int32_t first_row, int32_t last_row);
  void choose_forced(int32_t sentence, int32_t row, int32_t id);
  void choose_greedy(int32_t row);
  void choose_beam(int32_t first_row, int32_t last_row, int32_t wanted);
  const float* row_scores(int32_t row, float* normaliser);
  bool single() const { return member_count_ == 1 && members_[0].weight == 1.f; }
  void add_member_scores(int32_t node, int32_t row, int32_t place);
  int32_t candidate_count(int32_t sentence) const;
  int32_t candidate_column(int32_t sentence, int32_t place) const;
  int32_t candidate_id(int32_t sentence, int32_t place) const;
  int32_t candidate_place(int32_t sentence, int32_t id) const;
  int32_t unk_place(int32_t sentence) const;  // -1: it may be chosen, or is no candidate
  void accept(int32_t sentence);
  void finish(int32_t sentence, int32_t node, float path_score);

  const Member* members_;
  int32_t member_count_;
  const Shortlist* shortlist_;
  const Batch& batch_;
  SearchOptions options_;
  const Kernels* kernels_;
  Extents extents_{};
  Flight flight_;
  Columns columns_;
  int64_t most_nodes_ = 0;
  int64_t alignment_floats_ = 0;
  int32_t max_rows_ = 0;
  int32_t cell_stride_ = 0;
  bool caches_ = false;
  bool need_scores_ = true;
  bool summarises_ = false;  // of each row of logits only the best column and the normaliser are kept

  Interpreter interpreters_[kMaxMembers];
  Cost* costs_ = nullptr;

  // Rows that are under way, and those of the next step.
  int32_t row_count_ = 0, next_count_ = 0;
  int32_t *previous_ = nullptr, *parent_ = nullptr, *sentence_ = nullptr, *row_node_ = nullptr, *row_cells_ = nullptr,
          *step_ = nullptr;
  int32_t *next_previous_ = nullptr, *next_parent_ = nullptr, *next_sentence_ = nullptr, *next_node_ = nullptr,
          *next_cells_ = nullptr;
  float *path_ = nullptr, *next_path_ = nullptr;
  int32_t state_rows_ = 0;  // states that the next step may continue: of the last step, and of who joined since
  int32_t clock_ = 0;       // steps so far
  int32_t* joined_ = nullptr;

  int32_t* beam_left_ = nullptr;
  Node* nodes_ = nullptr;
  int32_t node_count_ = 0;
  float* member_scores_ = nullptr;  // [nodes][members], sums along the path; ensembles only
  float* normalisers_ = nullptr;    // [rows][members] of this step; ensembles only
  float* alignments_ = nullptr;
  int64_t alignments_used_ = 0;
  int64_t* alignment_of_ = nullptr;  // [nodes], place in alignments_, -1: none
  Finished* finished_ = nullptr;     // [sentences][beam_size]
  int32_t* finished_counts_ = nullptr;
  float* compact_ = nullptr;   // one row's own candidates
  float* combined_ = nullptr;  // an ensemble's sum
  RowSummaries summaries_{};   // if summarises_
  float* bounds_ = nullptr;    // scratch of screening
  Chosen* chosen_ = nullptr;   // of one sentence
  int32_t chosen_count_ = 0;
};

}  // namespace dragoman
