#include "search/shortlist.h"

#include <cstring>

namespace dragoman {
namespace {

void set(uint64_t* bitmap, int64_t id) { bitmap[id >> 6] |= uint64_t{1} << (id & 63); }
bool has(const uint64_t* bitmap, int64_t id) { return (bitmap[id >> 6] >> (id & 63)) & 1; }

}  // namespace

int32_t mark_candidates(const Shortlist& shortlist, const Batch& batch, int32_t sentence, uint64_t* bitmap) {
  int64_t words = bitmap_words(shortlist);
  int32_t vocabulary = shortlist.target_vocabulary;
  std::memset(bitmap, 0, static_cast<size_t>(words) * 8);
  for (int32_t id = 0; id < shortlist.first && id < vocabulary; ++id) set(bitmap, id);
  for (int32_t token = batch.offsets[sentence]; token < batch.offsets[sentence + 1]; ++token) {
    int32_t source = batch.source[token];
    if (source < shortlist.source_vocabulary) {
      for (uint64_t at = shortlist.offsets[source]; at < shortlist.offsets[source + 1]; ++at)
        set(bitmap, shortlist.ids[at]);
    }
    if (shortlist.shared_vocabulary && source < vocabulary) set(bitmap, source);
  }
  set(bitmap, shortlist.eos);
  if (batch.prefix_offsets != nullptr) {
    for (int32_t at = batch.prefix_offsets[sentence]; at < batch.prefix_offsets[sentence + 1]; ++at) {
      set(bitmap, batch.prefix[at]);
    }
  }
  if (batch.phrase_count(sentence) > 0) {
    const int32_t* offsets = batch.phrase_offsets;
    for (int32_t at = offsets[batch.sentence_phrases[sentence]]; at < offsets[batch.sentence_phrases[sentence + 1]];
         ++at) {
      set(bitmap, batch.phrase_ids[at]);
    }
  }
  int32_t count = 0;
  for (int64_t word = 0; word < words; ++word) count += std::popcount(bitmap[word]);
  for (int32_t id = shortlist.first; count % 8 != 0 && id < vocabulary; ++id) {
    if (!has(bitmap, id)) {
      set(bitmap, id);
      ++count;
    }
  }
  return count;
}

}  // namespace dragoman
