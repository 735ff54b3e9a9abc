// Lexical shortlists: which target ids a sentence may use. Marian src/data/shortlist.cpp (binary), per sentence.
#pragma once

#include <cstdint>

#include "batch.h"
#include "workspace.h"

namespace dragoman {

// Lists by source id; immutable, shared by all workers. Arrays belong to the caller.
struct Shortlist {
  const uint64_t* offsets = nullptr;  // [source_vocabulary + 1]
  const uint32_t* ids = nullptr;
  int32_t source_vocabulary = 0;
  int32_t target_vocabulary = 0;
  int32_t first = 0;
  bool shared_vocabulary = false;  // source ids are allowed as target ids
  int32_t eos = 0;
};

// Candidates of a batch. ids of a sentence ascend; positions are their places in the union.
struct Candidates {
  int32_t union_size = 0;
  int32_t* union_ids = nullptr;  // ascending
  int32_t* offsets = nullptr;    // [sentences + 1]
  int32_t* positions = nullptr;  // flat: place in the union
  int32_t unk_position = -1;     // place of unk in the union, -1 if not there
  int32_t eos_position = -1;

  bool restricted() const { return union_ids != nullptr; }
};

// Sizes of a batch's candidates, counted before the batch runs.
struct CandidateCounts {
  int32_t union_size = 0;
  int64_t total = 0;  // sum over sentences
};

// Words of a bitmap over the vocabulary.
inline int64_t bitmap_words(const Shortlist& shortlist) {
  return (static_cast<int64_t>(shortlist.target_vocabulary) + 63) / 64;
}

// Counts exactly; `bitmaps` is scratch of 2 * bitmap_words. Source ids must be valid.
CandidateCounts count_candidates(const Shortlist& shortlist, const Batch& batch, uint64_t* bitmaps);

// Fills arrays taken from the carver (counts first, then the bitmaps' scratch of 2 * bitmap_words, ranks included).
void fill_candidates(const Shortlist& shortlist, const Batch& batch, const CandidateCounts& counts, int32_t unk,
                     uint64_t* bitmaps, Candidates* out);

}  // namespace dragoman
