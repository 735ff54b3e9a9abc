#include "search/search.h"

#include <algorithm>
#include <limits>
#include <string>

#include "error.h"
#include "search/live_sentences.h"

namespace dragoman {
namespace {

[[noreturn]] void invalid(const std::string& what) { throw Error(Error::Code::kInvalid, "batch: " + what); }

void check_phrases(const Batch& batch, int32_t vocabulary) {
  if (!batch.constrained()) return;
  if (batch.sentence_phrases[0] != 0 || batch.phrase_offsets[0] != 0) invalid("phrases must start at 0");
  for (int32_t s = 0; s < batch.sentences; ++s) {
    int32_t first = batch.sentence_phrases[s], last = batch.sentence_phrases[s + 1];
    if (last < first || last - first > kMostPhrases) invalid("a sentence has too many phrases");
    for (int32_t phrase = first; phrase < last; ++phrase) {
      if (batch.phrase_offsets[phrase + 1] <= batch.phrase_offsets[phrase]) invalid("a phrase is empty");
      int32_t begin = batch.phrase_spans[2 * phrase], end = batch.phrase_spans[2 * phrase + 1];
      if (begin < 0 || end < begin || end > batch.length(s)) invalid("a phrase translates what is not in its sentence");
    }
    if (batch.phrase_id_count(s) > kMostPhraseIds) invalid("the phrases of a sentence are too long");
  }
  for (int32_t at = 0; at < batch.phrase_offsets[batch.sentence_phrases[batch.sentences]]; ++at) {
    if (batch.phrase_ids[at] < 0 || batch.phrase_ids[at] >= vocabulary)
      invalid("a phrase's id is not in the vocabulary");
  }
}

void check_batch(const Batch& batch, const SearchOptions& options, int32_t vocabulary) {
  if (batch.sentences < 1) invalid("no sentences");
  if (options.beam_size < 1 || options.n_best < 1) invalid("beam size and n-best must be at least 1");
  if (batch.offsets[0] != 0) invalid("offsets must start at 0");
  for (int32_t s = 0; s < batch.sentences; ++s) {
    if (batch.length(s) < 1) invalid("sentence " + std::to_string(s) + " is empty");
    if (s > 0 && batch.length(s) > batch.length(s - 1)) invalid("sentences must come longest first");
    if (batch.limits[s] < 1) invalid("the target limit of sentence " + std::to_string(s) + " is below 1");
  }
  check_phrases(batch, vocabulary);
  if (batch.prefix_offsets == nullptr) return;
  if (batch.prefix_offsets[0] != 0) invalid("prefix offsets must start at 0");
  for (int32_t s = 0; s < batch.sentences; ++s) {
    if (batch.prefix_offsets[s + 1] < batch.prefix_offsets[s]) invalid("prefix offsets must not fall");
  }
  for (int32_t at = 0; at < batch.prefix_offsets[batch.sentences]; ++at) {
    if (batch.prefix[at] < 0 || batch.prefix[at] >= vocabulary) invalid("a forced id is not in the vocabulary");
  }
}

int64_t instruction_count(const Plan& plan) {
  return static_cast<int64_t>(plan.encode.size() + plan.prime.size() + plan.select.size() + plan.step.size());
}

// Every source id must be a row of every table that embeds it.
void check_ids(const Batch& batch, const Member& member) {
  int32_t rows = std::numeric_limits<int32_t>::max();
  for (const Instruction& in : member.plan->encode) {
    if (in.op == Op::kEmbed && in.flag) rows = std::min(rows, (*member.weights)[in.slot].table.v);
  }
  for (int32_t at = 0; at < batch.offsets[batch.sentences]; ++at) {
    if (batch.source[at] < 0 || batch.source[at] >= rows) {
      invalid("source id " + std::to_string(batch.source[at]) + " is not in the vocabulary of " + std::to_string(rows));
    }
  }
}

// Every id that search can choose must be a row of the table that embeds target ids.
void check_targets(const Member& member, int32_t vocabulary) {
  if (member.weights->vocabulary != vocabulary) invalid("the models of an ensemble have different target vocabularies");
  for (const Instruction& in : member.plan->step) {
    if (in.op == Op::kEmbed && (*member.weights)[in.slot].table.v < vocabulary) {
      invalid("the target embedding is smaller than the output layer");
    }
  }
}

// An output layer is packed for whole use, or kept by rows for shortlists to select from.
void check_layout(const Member& member, bool shortlist) {
  for (const SlotWeights& slot : member.weights->slots) {
    if (slot.slot.kind != SlotKind::kTable || !slot.slot.logits) continue;
    if (shortlist != (slot.table.rows != nullptr)) {
      invalid("the output layer is laid out for the other case: with or without a shortlist");
    }
  }
}

}  // namespace

Search::Search(const Member* members, int32_t member_count, const Shortlist* shortlist, const Batch& batch,
               const SearchOptions& options)
    : members_(members),
      member_count_(member_count),
      shortlist_(shortlist),
      batch_(batch),
      options_(options),
      columns_(shortlist) {
  if (member_count < 1 || member_count > kMaxMembers) invalid("an ensemble has 1 to 16 models");
  int32_t vocabulary = members[0].weights->vocabulary;
  check_batch(batch, options, vocabulary);
  for (int32_t m = 0; m < member_count; ++m) {
    check_ids(batch, members[m]);
    check_targets(members[m], vocabulary);
    check_layout(members[m], shortlist != nullptr);
    caches_ = caches_ || members[m].plan->caches > 0;
  }
  if (shortlist != nullptr && shortlist->target_vocabulary != vocabulary) {
    invalid("the shortlist is for a vocabulary of " + std::to_string(shortlist->target_vocabulary) +
            ", the model has " + std::to_string(vocabulary));
  }
  width_ = batch.widest(options.beam_size);
  hypotheses_ = Hypotheses(batch, wide(options), single() ? 0 : member_count);
  int64_t longest_limit = round_up(*std::max_element(batch.limits, batch.limits + batch.sentences), 16);
  options_ = with_live_sentences(options, *members[0].plan, shortlist != nullptr ? options.live_columns : vocabulary);
  flight_ = Flight(batch, wide(options_));
  // A forced piece needs its own column.
  summarises_ = options.beam_size == 1 && single() && shortlist == nullptr && batch.prefix_offsets == nullptr &&
                !batch.constrained();
  rows_ = LiveRows(batch, options_, flight_.sentences() * width_, caches_ ? static_cast<int32_t>(longest_limit) : 0);
  chooser_ = Chooser(members, member_count, interpreters_, columns_, batch, options_, width_, summarises_);
  count_extents(longest_limit);
}

// The options with room for the sentence with the most hypotheses.
SearchOptions Search::wide(SearchOptions options) const {
  options.beam_size = width_;
  return options;
}

void Search::count_extents(int64_t longest_limit) {
  auto set = [&](Symbol symbol, int64_t number) { extents_[static_cast<int>(symbol)] = number; };
  const int32_t vocabulary = members_[0].weights->vocabulary;
  set(Symbol::kTokens, flight_.tokens());
  set(Symbol::kSentences, flight_.group_sentences());
  set(Symbol::kGroupTokens, flight_.group_tokens());
  set(Symbol::kGroupSentences, flight_.group_sentences());
  set(Symbol::kPaddedTokens, flight_.padded_tokens());
  set(Symbol::kLongest, round_up(batch_.longest(), 16));
  set(Symbol::kAligned, options_.alignment ? round_up(batch_.longest(), 16) : 0);
  set(Symbol::kRows, int64_t{flight_.sentences()} * width_);
  set(Symbol::kCells, flight_.cells());
  set(Symbol::kLimit, longest_limit);
  set(Symbol::kCandidates, summarises_ ? std::min(vocabulary, kScoreColumns) : vocabulary);
  set(Symbol::kUnion, 0);
}

void Search::carve(Carver* carver) {
  rows_.carve(carver);
  hypotheses_.carve(carver);
  flight_.carve(carver);
  columns_.carve(carver);
  chooser_.carve(carver, extents_[static_cast<int>(Symbol::kRows)], extents_[static_cast<int>(Symbol::kCandidates)]);
  if (options_.profile) costs_ = carver->take<Cost>(instruction_count(*members_[0].plan));
  for (int32_t m = 0; m < member_count_; ++m) {
    interpreters_[m].bind(*members_[m].plan, *members_[m].weights, kernels(), batch_, columns_, flight_.places(),
                          extents_, carver);
  }
}

size_t Search::need(Workspace* workspace) {
  if (shortlist_ != nullptr) {
    workspace->reserve(static_cast<size_t>(columns_.scratch_words()) * sizeof(uint64_t));
    columns_.count(batch_, flight_, options_.live_columns, reinterpret_cast<uint64_t*>(workspace->data()));
    extents_[static_cast<int>(Symbol::kCandidates)] = columns_.capacity();
    extents_[static_cast<int>(Symbol::kUnion)] = round_up(columns_.capacity(), kPanelColumns);
  }
  Carver counter(nullptr);
  carve(&counter);
  // Values of every member are in use at every step, so they lie one behind the other.
  workspace->reserve(counter.used());
  Carver carver(workspace->data());
  carve(&carver);
  size_t bytes = carver.used();
  for (int32_t m = 0; m < member_count_; ++m) bytes += static_cast<size_t>(interpreters_[m].value_bytes());
  return bytes;
}

bool Search::run(Workspace* workspace, Stop* stop) {
  workspace->reserve(need(workspace));
  Carver carver(workspace->data());
  carve(&carver);
  std::byte* values = workspace->data() + carver.used();
  for (int32_t m = 0; m < member_count_; ++m) {
    interpreters_[m].place(values);
    interpreters_[m].watch(stop);
    values += interpreters_[m].value_bytes();
  }
  if (costs_ != nullptr) {
    std::fill_n(costs_, instruction_count(*members_[0].plan), Cost{});
    interpreters_[0].measure(costs_);
  }
  if (summarises_) interpreters_[0].summarise(chooser_.summaries(), chooser_.bounds());
  start();
  while (true) {
    if (!join(stop)) return false;
    if (rows_.count() == 0) break;
    if (!advance(stop)) return false;
  }
  hypotheses_.rank();
  return true;
}

void Search::start() {
  flight_.start();
  columns_.start();
  rows_.start();
  hypotheses_.start();
}

// Encodes what can join now: all rows of the next step are then there. False if it was stopped.
bool Search::join(Stop* stop) {
  for (Group group; flight_.next(rows_.room(), &group) && columns_.join(group);) {
    flight_.join(group);
    for (int32_t m = 0; m < member_count_; ++m) interpreters_[m].encode(group, rows_.states());
    if (stop->raised()) return false;
    for (int32_t s = group.first; s < group.last; ++s) {
      rows_.join(s);
      hypotheses_.open(s);
    }
  }
  if (columns_.fresh_count() > 0) {
    for (int32_t m = 0; m < member_count_; ++m) interpreters_[m].select();
    columns_.laid_out();
  }
  return !stop->raised();
}

// The next target position of every row. False if it was stopped: there are no logits to choose by then.
bool Search::advance(Stop* stop) {
  if (rows_.has_cells()) {
    for (int32_t row = 0; row < rows_.count(); ++row) *rows_.cell(row) = flight_.take_cell(rows_.sentence(row));
  }
  const Rows rows = rows_.view();
  for (int32_t m = 0; m < member_count_; ++m) interpreters_[m].step(rows);
  if (stop->raised()) return false;
  for (int32_t row = 0; row < rows_.count();) {
    const int32_t sentence = rows_.sentence(row), end = rows_.end_of_sentence(row), before = rows_.following();
    chooser_.choose(rows_, row, end);
    accept(sentence);
    if (rows_.following() == before) {
      flight_.leave(sentence);
      columns_.leave(sentence);
    }
    row = end;
  }
  rows_.advance();
  return true;
}

// Turns the chosen extensions of a sentence into finished hypotheses and rows of the next step.
void Search::accept(int32_t sentence) {
  const int32_t at = rows_.position(sentence);
  const bool last = at + 1 >= batch_.limits[sentence];
  const Phrases phrases(batch_, sentence);
  const int32_t before = rows_.following();
  for (int32_t i = 0; i < chooser_.count(); ++i) {
    const Chosen& choice = chooser_[i];
    const int32_t id = chooser_.id(sentence, choice, at);
    const int32_t node = hypotheses_.add(rows_.node(choice.row), id, choice.path_score);
    if (options_.alignment) {
      hypotheses_.keep_alignment(node, interpreters_[0].alignment(choice.row), batch_.length(sentence));
    }
    for (int32_t m = 0; !single() && m < member_count_; ++m) {
      hypotheses_.add_member_score(node, m, chooser_.member_score(sentence, choice, m));
    }
    if (id != options_.eos && !last) {
      rows_.follow(choice.row, id, node, choice.path_score, choice.met);
    } else if (phrases.complete(choice.met) || hypotheses_.ended(sentence) == 0) {
      hypotheses_.finish(sentence, node, at + 1, choice.path_score);
      rows_.ended(sentence);
    }
  }
  // Hypotheses with fewer phrases, that only waited for their turn.
  if (phrases.count() > 0 && hypotheses_.ended(sentence) >= options_.n_best) rows_.drop_following(before);
}

}  // namespace dragoman
