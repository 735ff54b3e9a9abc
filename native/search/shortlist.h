// Lexical shortlists: which target ids a sentence may use. Marian src/data/shortlist.cpp (binary), per sentence.
#pragma once

#include <bit>
#include <cstdint>

#include "search/batch.h"

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

// Words of a bitmap over the vocabulary.
inline int64_t bitmap_words(const Shortlist& shortlist) {
  return (static_cast<int64_t>(shortlist.target_vocabulary) + 63) / 64;
}

// One sentence's ids as a bitmap: the first ids, the lists of its pieces, shared source ids, EOS, forced ids, those of
// phrases, and the lowest further ids up to a multiple of 8. Returns how many. Source ids must be valid.
int32_t mark_candidates(const Shortlist& shortlist, const Batch& batch, int32_t sentence, uint64_t* bitmap);

// visit(id) for every id of a bitmap, ascending.
template <typename Visit>
void for_ids(const uint64_t* bitmap, int64_t words, Visit visit) {
  for (int64_t word = 0; word < words; ++word) {
    for (uint64_t bits = bitmap[word]; bits != 0; bits &= bits - 1) {
      visit(static_cast<int32_t>(word * 64 + std::countr_zero(bits)));
    }
  }
}

}  // namespace dragoman
