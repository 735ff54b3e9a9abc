#include "shortlist.h"

#include <bit>
#include <cstring>

namespace dragoman {
namespace {

void set(uint64_t* bitmap, int64_t id) { bitmap[id >> 6] |= uint64_t{1} << (id & 63); }
bool has(const uint64_t* bitmap, int64_t id) { return (bitmap[id >> 6] >> (id & 63)) & 1; }

// One sentence's ids as a bitmap: the first ids, the lists of its pieces, shared source ids, EOS, forced ids, and the
// lowest further ids up to a multiple of 8. Returns how many.
int32_t sentence_bitmap(const Shortlist& shortlist, const Batch& batch, int32_t sentence, uint64_t* bitmap) {
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

}  // namespace

CandidateCounts count_candidates(const Shortlist& shortlist, const Batch& batch, uint64_t* bitmaps) {
  int64_t words = bitmap_words(shortlist);
  uint64_t* all = bitmaps + words;
  std::memset(all, 0, static_cast<size_t>(words) * 8);
  CandidateCounts counts;
  for (int32_t sentence = 0; sentence < batch.sentences; ++sentence) {
    counts.total += sentence_bitmap(shortlist, batch, sentence, bitmaps);
    for (int64_t word = 0; word < words; ++word) all[word] |= bitmaps[word];
  }
  for (int64_t word = 0; word < words; ++word) counts.union_size += std::popcount(all[word]);
  return counts;
}

void fill_candidates(const Shortlist& shortlist, const Batch& batch, const CandidateCounts& counts, int32_t unk,
                     uint64_t* bitmaps, Candidates* out) {
  int64_t words = bitmap_words(shortlist);
  uint64_t* all = bitmaps + words;
  // `all` holds the union that count_candidates left there.
  out->union_size = counts.union_size;
  int32_t place = 0;
  for (int64_t word = 0; word < words; ++word) {
    for (uint64_t bits = all[word]; bits != 0; bits &= bits - 1) {
      int32_t id = static_cast<int32_t>(word * 64 + std::countr_zero(bits));
      if (id == unk) out->unk_position = place;
      if (id == shortlist.eos) out->eos_position = place;
      out->union_ids[place++] = id;
    }
  }
  int32_t at = 0;
  for (int32_t sentence = 0; sentence < batch.sentences; ++sentence) {
    out->offsets[sentence] = at;
    sentence_bitmap(shortlist, batch, sentence, bitmaps);
    int32_t rank = 0;  // of the word's first id in the union
    for (int64_t word = 0; word < words; ++word) {
      for (uint64_t bits = bitmaps[word]; bits != 0; bits &= bits - 1) {
        uint64_t lowest = bits & (~bits + 1);
        out->positions[at++] = rank + std::popcount(all[word] & (lowest - 1));
      }
      rank += std::popcount(all[word]);
    }
  }
  out->offsets[batch.sentences] = at;
}

}  // namespace dragoman
