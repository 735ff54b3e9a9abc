// What one native call gets and gives: a batch of sentences of one model (or ensemble), options, results.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace dragoman {

// Phrases of one sentence, their ids together, and the hypotheses that are kept for it unless the beam is wider.
inline constexpr int32_t kMostPhrases = 16;
inline constexpr int32_t kMostPhraseIds = 64;
inline constexpr int32_t kMostWidth = 16;

// Sentences longest first; offsets has sentences + 1 entries. Ids include EOS. All arrays are the caller's.
struct Batch {
  const int32_t* source = nullptr;
  const int32_t* offsets = nullptr;
  int32_t sentences = 0;
  const int32_t* limits = nullptr;          // most target pieces of each sentence, >= 1
  const int32_t* prefix = nullptr;          // forced target ids, flat
  const int32_t* prefix_offsets = nullptr;  // sentences + 1, or null
  // Phrases that translations must contain, or null: see src/dragoman/backends/constraints.py.
  const int32_t* phrase_ids = nullptr;
  const int32_t* phrase_offsets = nullptr;    // phrases + 1
  const int32_t* sentence_phrases = nullptr;  // sentences + 1
  const int32_t* phrase_spans = nullptr;      // two for each phrase

  bool constrained() const { return sentence_phrases != nullptr; }
  int32_t phrase_count(int32_t sentence) const {
    return constrained() ? sentence_phrases[sentence + 1] - sentence_phrases[sentence] : 0;
  }
  // Ids of all phrases of a sentence.
  int32_t phrase_id_count(int32_t sentence) const {
    if (!constrained()) return 0;
    return phrase_offsets[sentence_phrases[sentence + 1]] - phrase_offsets[sentence_phrases[sentence]];
  }
  // Hypotheses that are kept for a sentence: one for each number of ids of phrases that may be there, where that fits.
  int32_t width(int32_t sentence, int32_t beam_size) const {
    int32_t ids = phrase_id_count(sentence);
    return ids == 0 ? beam_size : std::max(beam_size, std::min(ids + 1, kMostWidth));
  }
  // Of all sentences.
  int32_t widest(int32_t beam_size) const {
    int32_t most = beam_size;
    for (int32_t s = 0; constrained() && s < sentences; ++s) most = std::max(most, width(s, beam_size));
    return most;
  }
  int32_t longest() const { return sentences == 0 ? 0 : offsets[1] - offsets[0]; }
  int32_t length(int32_t sentence) const { return offsets[sentence + 1] - offsets[sentence]; }
};

// The unknown piece, and pieces of 32 control characters in vocabularies with byte fallback.
inline constexpr int32_t kMostNever = 40;

// Marian src/translator/beam_search.cpp, history.h; see src/dragoman/options.py.
struct SearchOptions {
  int32_t beam_size = 1;
  float normalize = 0;
  float word_penalty = 0;
  int32_t eos = 0;
  std::array<int32_t, kMostNever> never{};  // ids that are never chosen, ascending
  int32_t never_count = 0;
  int32_t n_best = 1;
  bool scores = true;  // false: greedy search may leave scores at 0
  bool alignment = false;
  bool skip_cost = false;     // raw logits instead of log-probabilities
  bool profile = false;       // measure every instruction
  int32_t group_tokens = 64;  // encoder groups hold about so many source pieces
  // At most so much is under way at a time; but always a sentence, a group's columns, and some long sentences.
  int32_t live_sentences = 0;   // 0: what the model's weights are worth (live_sentences.h), rows and pieces to match
  int32_t live_rows = 64;       // hypotheses
  int32_t live_tokens = 640;    // source pieces
  int32_t live_columns = 2304;  // output columns that shortlists leave
};

}  // namespace dragoman
