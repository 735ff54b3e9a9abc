// What a batch's rows have written so far: a tree of pieces for each sentence, and the paths in it that have ended.
#pragma once

#include <cstdint>

#include "interpreter/workspace.h"
#include "search/batch.h"

namespace dragoman {

// A path that has ended.
struct Finished {
  int32_t node;
  int32_t length;
  float path_score;
  float score;
};

class Hypotheses {
 public:
  Hypotheses() = default;
  // Counts sizes. members: more than one for an ensemble, whose members' own scores are kept. Throws Error if there are
  // too many positions.
  Hypotheses(const Batch& batch, const SearchOptions& options, int32_t members);

  void carve(Carver* carver);
  void start();
  // A piece at the end of a path; parent -1 begins one. Returns its number.
  int32_t add(int32_t parent, int32_t id, float path_score);
  // Attention of that piece over its source sentence; null: none.
  void keep_alignment(int32_t node, const float* alignment, int32_t width);
  // Adds what each member says of that piece, to what it said of the path before.
  void add_member_score(int32_t node, int32_t member, float own);
  void finish(int32_t sentence, int32_t node, int32_t length, float path_score);
  // Paths of a sentence that have ended.
  int32_t ended(int32_t sentence) const { return finished_counts_[sentence]; }
  // Forgets the paths of a sentence that have ended.
  void open(int32_t sentence) { finished_counts_[sentence] = 0; }
  // Best first; equal scores keep their order.
  void rank();

  // After rank: at most n_best.
  int32_t finished_count(int32_t sentence) const;
  const Finished& finished(int32_t sentence, int32_t rank) const;
  // Unweighted path score by each member; null unless members are kept.
  const float* member_scores(int32_t node) const;
  // ids and path scores [length], alignment [length][source length] (may be null), in order.
  void trace(int32_t sentence, const Finished& path, int32_t* ids, float* path_scores, float* alignment) const;

 private:
  struct Node {
    int32_t parent;
    int32_t id;
    float path_score;
  };

  const Batch* batch_ = nullptr;
  SearchOptions options_;
  int32_t members_ = 0;  // 0: their scores are not kept
  int64_t most_nodes_ = 0, most_alignments_ = 0;

  Node* nodes_ = nullptr;
  int32_t count_ = 0;
  float* member_scores_ = nullptr;  // [nodes][members], sums along the path
  float* alignments_ = nullptr;
  int64_t alignments_used_ = 0;
  int64_t* alignment_of_ = nullptr;  // [nodes], place in alignments_, -1: none
  Finished* finished_ = nullptr;     // [sentences][beam_size]
  int32_t* finished_counts_ = nullptr;
};

}  // namespace dragoman
