// What a hypothesis has of the phrases that its translation must contain.
#pragma once

#include <cstdint>

#include "search/batch.h"

namespace dragoman {

struct Met {
  uint32_t done = 0;    // bit n: the sentence's phrase n is there
  int16_t phrase = -1;  // number of the one that was begun, -1: none
  int16_t at = 0;       // ids of it that are there
};

// A sentence's phrases by their numbers in it.
class Phrases {
 public:
  Phrases(const Batch& batch, int32_t sentence)
      : batch_(batch),
        first_(batch.constrained() ? batch.sentence_phrases[sentence] : 0),
        count_(batch.phrase_count(sentence)) {}

  int32_t count() const { return count_; }
  int32_t size(int32_t number) const {
    return batch_.phrase_offsets[first_ + number + 1] - batch_.phrase_offsets[first_ + number];
  }
  int32_t id(int32_t number, int32_t at) const {
    return batch_.phrase_ids[batch_.phrase_offsets[first_ + number] + at];
  }
  int32_t begin(int32_t number) const { return batch_.phrase_spans[2 * (first_ + number)]; }
  int32_t end(int32_t number) const { return batch_.phrase_spans[2 * (first_ + number) + 1]; }
  bool equal(int32_t one, int32_t other) const;

  bool complete(const Met& met) const { return met.done == (uint32_t{1} << count_) - 1; }
  // Ids of phrases that are there.
  int32_t covered(const Met& met) const;
  // With one more id of a phrase.
  Met after(const Met& met, int32_t number) const;

 private:
  const Batch& batch_;
  int32_t first_, count_;
};

}  // namespace dragoman
