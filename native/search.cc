#include "search.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "error.h"
#include "live_sentences.h"

namespace dragoman {
namespace {

[[noreturn]] void invalid(const std::string& what) { throw Error(Error::Code::kInvalid, "batch: " + what); }

void check_batch(const Batch& batch, const SearchOptions& options, int32_t vocabulary) {
  if (batch.sentences < 1) invalid("no sentences");
  if (options.beam_size < 1 || options.n_best < 1) invalid("beam size and n-best must be at least 1");
  if (batch.offsets[0] != 0) invalid("offsets must start at 0");
  for (int32_t s = 0; s < batch.sentences; ++s) {
    if (batch.length(s) < 1) invalid("sentence " + std::to_string(s) + " is empty");
    if (s > 0 && batch.length(s) > batch.length(s - 1)) invalid("sentences must come longest first");
    if (batch.limits[s] < 1) invalid("the target limit of sentence " + std::to_string(s) + " is below 1");
  }
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

}  // namespace

Search::Search(const Member* members, int32_t member_count, const Shortlist* shortlist, const Batch& batch,
               const SearchOptions& options)
    : members_(members),
      member_count_(member_count),
      shortlist_(shortlist),
      batch_(batch),
      options_(options),
      kernels_(&kernels()),
      columns_(shortlist) {
  if (member_count < 1 || member_count > kMaxMembers) invalid("an ensemble has 1 to 16 models");
  int32_t vocabulary = members[0].weights->vocabulary;
  check_batch(batch, options, vocabulary);
  for (int32_t m = 0; m < member_count; ++m) {
    check_ids(batch, members[m]);
    check_targets(members[m], vocabulary);
    caches_ = caches_ || members[m].plan->caches > 0;
    for (const SlotWeights& slot : members[m].weights->slots) {
      if (slot.slot.kind != SlotKind::kTable || !slot.slot.logits) continue;
      if ((shortlist != nullptr) != (slot.table.rows != nullptr)) {
        invalid("the output layer is laid out for the other case: with or without a shortlist");
      }
    }
  }
  if (shortlist != nullptr && shortlist->target_vocabulary != vocabulary) {
    invalid("the shortlist is for a vocabulary of " + std::to_string(shortlist->target_vocabulary) +
            ", the model has " + std::to_string(vocabulary));
  }
  need_scores_ = options.scores || options.beam_size > 1 || !single();
  int64_t longest_limit = 0;
  for (int32_t s = 0; s < batch.sentences; ++s) {
    most_nodes_ += int64_t{options.beam_size} * batch.limits[s];
    alignment_floats_ += int64_t{options.beam_size} * batch.limits[s] * batch.length(s);
    longest_limit = std::max<int64_t>(longest_limit, batch.limits[s]);
  }
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (most_nodes_ > kMost / 2 || batch.offsets[batch.sentences] > kMost / 64) {
    throw Error(Error::Code::kCapacity, "batch: too many positions for one batch; send fewer or shorter sentences");
  }
  options_ = with_live_sentences(options, *members[0].plan, shortlist != nullptr ? options.live_columns : vocabulary);
  flight_ = Flight(batch, options_);
  max_rows_ = flight_.sentences() * options.beam_size;
  auto set = [&](Symbol symbol, int64_t number) { extents_[static_cast<int>(symbol)] = number; };
  set(Symbol::kTokens, flight_.tokens());
  set(Symbol::kSentences, flight_.group_sentences());
  set(Symbol::kGroupTokens, flight_.group_tokens());
  set(Symbol::kGroupSentences, flight_.group_sentences());
  set(Symbol::kPaddedTokens, flight_.padded_tokens());
  set(Symbol::kLongest, round_up(batch.longest(), 16));
  set(Symbol::kAligned, options.alignment ? round_up(batch.longest(), 16) : 0);
  set(Symbol::kRows, max_rows_);
  set(Symbol::kCells, flight_.cells());
  set(Symbol::kLimit, round_up(longest_limit, 16));
  // A forced piece needs its own column.
  summarises_ = options.beam_size == 1 && single() && shortlist == nullptr && batch.prefix_offsets == nullptr;
  set(Symbol::kCandidates, summarises_ ? std::min(vocabulary, kScoreColumns) : vocabulary);
  set(Symbol::kUnion, 0);
  cell_stride_ = static_cast<int32_t>(round_up(longest_limit, 16));
}

void Search::carve(Carver* carver) {
  int64_t rows = max_rows_;
  for (int32_t** array : {&previous_, &parent_, &sentence_, &row_node_, &next_previous_, &next_parent_, &next_sentence_,
                          &next_node_, &step_}) {
    *array = carver->take<int32_t>(rows);
  }
  if (caches_) {
    row_cells_ = carver->take<int32_t>(rows * cell_stride_);
    next_cells_ = carver->take<int32_t>(rows * cell_stride_);
  }
  path_ = carver->take<float>(rows);
  next_path_ = carver->take<float>(rows);
  joined_ = carver->take<int32_t>(batch_.sentences);
  beam_left_ = carver->take<int32_t>(batch_.sentences);
  nodes_ = carver->take<Node>(most_nodes_);
  if (!single()) {
    member_scores_ = carver->take<float>(most_nodes_ * member_count_);
    normalisers_ = carver->take<float>(rows * member_count_);
  }
  if (options_.alignment) {
    alignments_ = carver->take<float>(alignment_floats_);
    alignment_of_ = carver->take<int64_t>(most_nodes_);
  }
  finished_ = carver->take<Finished>(int64_t{batch_.sentences} * options_.beam_size);
  finished_counts_ = carver->take<int32_t>(batch_.sentences);
  flight_.carve(carver);
  columns_.carve(carver);
  int64_t candidates = extents_[static_cast<int>(Symbol::kCandidates)];
  if (shortlist_ != nullptr) compact_ = carver->take<float>(candidates);
  if (!single()) combined_ = carver->take<float>(candidates);
  if (summarises_) {
    int32_t vocabulary = members_[0].weights->vocabulary;
    summaries_.best = carver->take<Best>(rows);
    summaries_.sums = need_scores_ && !options_.skip_cost ? carver->take<LogSum>(rows) : nullptr;
    summaries_.never = options_.allow_unk ? -1 : options_.unk;
    bounds_ = carver->take<float>(int64_t{kMostScreenedRows} * round_up(vocabulary, kPanelColumns) / kPanelColumns);
  }
  chosen_ = carver->take<Chosen>(options_.beam_size + 1);
  if (options_.profile) costs_ = carver->take<Cost>(instruction_count(*members_[0].plan));
  for (int32_t m = 0; m < member_count_; ++m) {
    interpreters_[m].bind(*members_[m].plan, *members_[m].weights, *kernels_, batch_, columns_, flight_.places(),
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
  if (summarises_) interpreters_[0].summarise(summaries_, bounds_);
  start();
  while (true) {
    if (!join(stop)) return false;
    if (row_count_ == 0) break;
    if (!advance(stop)) return false;
  }
  for (int32_t s = 0; s < batch_.sentences; ++s) {
    Finished* first = finished_ + static_cast<int64_t>(s) * options_.beam_size;
    // Insertion sort: a handful of entries, equal scores keep their order.
    for (int32_t i = 1; i < finished_counts_[s]; ++i) {
      for (int32_t j = i; j > 0 && first[j].score > first[j - 1].score; --j) std::swap(first[j], first[j - 1]);
    }
  }
  return true;
}

void Search::start() {
  flight_.start();
  columns_.start();
  row_count_ = state_rows_ = clock_ = node_count_ = 0;
  alignments_used_ = 0;
}

// Encodes what can join now: all rows of the next step are then there. False if it was stopped.
bool Search::join(Stop* stop) {
  for (Group group; flight_.next(max_rows_ - state_rows_, &group) && columns_.join(group);) {
    flight_.join(group);
    for (int32_t m = 0; m < member_count_; ++m) interpreters_[m].encode(group, state_rows_);
    if (stop->raised()) return false;
    for (int32_t s = group.first; s < group.last; ++s) {
      int32_t row = row_count_++;
      previous_[row] = row_node_[row] = -1;
      parent_[row] = state_rows_++;
      sentence_[row] = s;
      path_[row] = 0;
      joined_[s] = clock_;
      beam_left_[s] = options_.beam_size;
      finished_counts_[s] = 0;
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
  for (int32_t row = 0; row < row_count_; ++row) {
    step_[row] = position(sentence_[row]);
    if (caches_) {
      row_cells_[static_cast<int64_t>(row) * cell_stride_ + step_[row]] = flight_.take_cell(sentence_[row]);
    }
  }
  Rows rows{row_count_, step_, previous_, parent_, sentence_, row_cells_, cell_stride_};
  for (int32_t m = 0; m < member_count_; ++m) interpreters_[m].step(rows);
  if (stop->raised()) return false;
  next_count_ = 0;
  for (int32_t row = 0; row < row_count_;) {
    int32_t s = sentence_[row];
    int32_t end = row + 1;
    while (end < row_count_ && sentence_[end] == s) ++end;
    choose(s, row, end);
    int32_t before = next_count_;
    accept(s);
    if (next_count_ == before) {
      flight_.leave(s);
      columns_.leave(s);
    }
    row = end;
  }
  std::swap(previous_, next_previous_);
  std::swap(parent_, next_parent_);
  std::swap(sentence_, next_sentence_);
  std::swap(row_node_, next_node_);
  std::swap(row_cells_, next_cells_);
  std::swap(path_, next_path_);
  state_rows_ = next_count_ == 0 ? 0 : row_count_;
  row_count_ = next_count_;
  ++clock_;
  return true;
}

// Turns the chosen extensions of a sentence into finished hypotheses and rows of the next step.
void Search::accept(int32_t sentence) {
  int32_t at = position(sentence);
  bool last = at + 1 >= batch_.limits[sentence];
  for (int32_t i = 0; i < chosen_count_; ++i) {
    const Chosen& choice = chosen_[i];
    int32_t id =
        choice.place < 0 ? batch_.prefix[batch_.prefix_offsets[sentence] + at] : candidate_id(sentence, choice.place);
    Node& node = nodes_[node_count_];
    node = {row_node_[choice.row], id, choice.path_score};
    const float* alignment = options_.alignment ? interpreters_[0].alignment(choice.row) : nullptr;
    if (options_.alignment) alignment_of_[node_count_] = alignment == nullptr ? -1 : alignments_used_;
    if (alignment != nullptr) {
      std::memcpy(alignments_ + alignments_used_, alignment,
                  static_cast<size_t>(batch_.length(sentence)) * sizeof(float));
      alignments_used_ += batch_.length(sentence);
    }
    int32_t number = node_count_++;
    if (!single()) add_member_scores(number, choice.row, choice.place);
    if (id == options_.eos || last) {
      finish(sentence, number, choice.path_score);
      --beam_left_[sentence];
      continue;
    }
    int32_t row = next_count_++;
    next_previous_[row] = id;
    next_parent_[row] = choice.row;
    next_sentence_[row] = sentence;
    next_node_[row] = number;
    next_path_[row] = choice.path_score;
    if (caches_) {
      std::memcpy(next_cells_ + static_cast<int64_t>(row) * cell_stride_,
                  row_cells_ + static_cast<int64_t>(choice.row) * cell_stride_, static_cast<size_t>(at + 1) * 4);
    }
  }
}

// What each model of an ensemble says of the chosen piece, added to what it said of the path before.
void Search::add_member_scores(int32_t node, int32_t row, int32_t place) {
  int32_t s = sentence_[row];
  float* sums = member_scores_ + static_cast<int64_t>(node) * member_count_;
  for (int32_t m = 0; m < member_count_; ++m) {
    float own = kLowestScore;
    if (place >= 0) {
      own = interpreters_[m].logits(row)[candidate_column(s, place)] -
            normalisers_[static_cast<int64_t>(row) * member_count_ + m];
    }
    int32_t parent = nodes_[node].parent;
    sums[m] = (parent < 0 ? 0.f : member_scores_[static_cast<int64_t>(parent) * member_count_ + m]) + own;
  }
}

const float* Search::member_scores(const Finished& hypothesis) const {
  return single() ? nullptr : member_scores_ + static_cast<int64_t>(hypothesis.node) * member_count_;
}

void Search::finish(int32_t sentence, int32_t node, float path_score) {
  int32_t length = position(sentence) + 1;
  float score = path_score - options_.word_penalty * static_cast<float>(length);
  if (options_.normalize != 0.f) score /= std::pow(static_cast<float>(length), options_.normalize);
  finished_[static_cast<int64_t>(sentence) * options_.beam_size + finished_counts_[sentence]++] = {node, length,
                                                                                                   path_score, score};
}

int32_t Search::finished_count(int32_t sentence) const { return std::min(finished_counts_[sentence], options_.n_best); }

const Search::Finished& Search::finished(int32_t sentence, int32_t rank) const {
  return finished_[static_cast<int64_t>(sentence) * options_.beam_size + rank];
}

void Search::trace(int32_t sentence, const Finished& hypothesis, int32_t* ids, float* path_scores,
                   float* alignment) const {
  int32_t width = batch_.length(sentence);
  int32_t number = hypothesis.node;
  for (int32_t at = hypothesis.length - 1; at >= 0; --at) {
    const Node& node = nodes_[number];
    ids[at] = node.id;
    path_scores[at] = node.path_score;
    if (alignment != nullptr && alignment_of_[number] >= 0) {
      std::memcpy(alignment + static_cast<int64_t>(at) * width, alignments_ + alignment_of_[number],
                  static_cast<size_t>(width) * sizeof(float));
    }
    number = node.parent;
  }
}

}  // namespace dragoman
