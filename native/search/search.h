// Greedy and beam search over one batch: Marian's src/translator/beam_search.cpp, one sentence's result independent of
// its neighbours. Runs the interpreters of one model or of an ensemble; allocates nothing.
#pragma once

#include <cstdint>

#include "interpreter/interpreter.h"
#include "interpreter/workspace.h"
#include "search/batch.h"
#include "search/chooser.h"
#include "search/columns.h"
#include "search/flight.h"
#include "search/hypotheses.h"
#include "search/live_rows.h"
#include "search/member.h"
#include "search/shortlist.h"
#include "search/stop.h"

namespace dragoman {

class Search {
 public:
  // Nothing is copied; all arguments must outlive the object. shortlist may be null. Throws Error if they do not fit.
  Search(const Member* members, int32_t member_count, const Shortlist* shortlist, const Batch& batch,
         const SearchOptions& options);
  Search(const Search&) = delete;  // its parts point to each other
  Search& operator=(const Search&) = delete;

  // Bytes of workspace that run() will use, exactly. Grows the workspace to what counting itself needs.
  size_t need(Workspace* workspace);
  // Grows the workspace to need() and translates. Returns false if it was stopped.
  bool run(Workspace* workspace, Stop* stop);

  // After run.
  const Hypotheses& hypotheses() const { return hypotheses_; }
  int32_t member_count() const { return member_count_; }
  // Columns of the logits.
  int32_t columns() const { return interpreters_[0].columns(); }
  // With options.profile: a Cost for each instruction of the first model's plan, in the plan's order; else null.
  const Cost* costs() const { return costs_; }

 private:
  bool single() const { return member_count_ == 1 && members_[0].weight == 1.f; }
  SearchOptions wide(SearchOptions options) const;
  void count_extents(int64_t longest_limit);
  void carve(Carver* carver);
  void start();
  bool join(Stop* stop);
  bool advance(Stop* stop);
  void accept(int32_t sentence);

  const Member* members_;
  int32_t member_count_;
  const Shortlist* shortlist_;
  const Batch& batch_;
  SearchOptions options_;
  Extents extents_{};
  int32_t width_ = 1;  // most hypotheses of a sentence
  bool caches_ = false;
  bool summarises_ = false;  // of each row of logits only the best column and the normaliser are kept

  Flight flight_;
  Columns columns_;
  LiveRows rows_;
  Hypotheses hypotheses_;
  Chooser chooser_;
  Interpreter interpreters_[kMaxMembers];
  Cost* costs_ = nullptr;
};

}  // namespace dragoman
