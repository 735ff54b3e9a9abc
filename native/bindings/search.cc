// Workspace, shortlist, stop flag and the one call a batch.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <pthread.h>
#endif

#include "error.h"
#include "search/search.h"
#include "bindings.h"
#include "without_gil.h"

namespace nb = nanobind;
using namespace dragoman;

namespace {

using Ints = nb::ndarray<const int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Phrases4 = std::tuple<Ints, Ints, Ints, Ints>;

[[noreturn]] void wrong(const char* what) { throw Error(Error::Code::kInvalid, std::string("batch: ") + what); }

struct ShortlistHandle {
  Shortlist shortlist;
  nb::object offsets, ids;
};

ShortlistHandle* make_shortlist(nb::ndarray<const uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> offsets,
                                nb::ndarray<const uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> ids, int first,
                                bool shared_vocabulary, int target_vocabulary, int eos) {
  auto handle = std::make_unique<ShortlistHandle>();
  Shortlist& shortlist = handle->shortlist;
  if (offsets.size() < 1 || target_vocabulary < 1 || first < 0 || eos < 0 || eos >= target_vocabulary) {
    wrong("the shortlist has no offsets or impossible numbers");
  }
  shortlist.offsets = offsets.data();
  shortlist.ids = ids.data();
  shortlist.source_vocabulary = static_cast<int32_t>(offsets.size() - 1);
  shortlist.target_vocabulary = target_vocabulary;
  shortlist.first = first;
  shortlist.shared_vocabulary = shared_vocabulary;
  shortlist.eos = eos;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    if (shortlist.offsets[i] > shortlist.offsets[i + 1]) wrong("shortlist offsets fall");
  }
  if (shortlist.offsets[offsets.size() - 1] > ids.size()) wrong("shortlist offsets leave the list");
  for (size_t i = 0; i < ids.size(); ++i) {
    if (shortlist.ids[i] >= static_cast<uint32_t>(target_vocabulary)) wrong("a shortlist id is not in the vocabulary");
  }
  handle->offsets = nb::cast(offsets);
  handle->ids = nb::cast(ids);
  return handle.release();
}

// Where Python runs the handlers of signals.
bool on_main_thread() {
#ifdef __linux__
  return syscall(SYS_gettid) == getpid();
#elif defined(__APPLE__)
  return pthread_main_np() != 0;
#else
  static const auto first = std::this_thread::get_id();
  return std::this_thread::get_id() == first;
#endif
}

struct StopHandle {
  StopFlag flag{false};
};

// One batch: checked when made, then run once without the GIL, then read. Keeps everything it points to alive.
class Call {
 public:
  Call(nb::sequence members, nb::object shortlist, Ints source, Ints offsets, Ints limits, std::optional<Ints> prefix,
       std::optional<Ints> prefix_offsets, const SearchOptions& options, std::optional<Phrases4> phrases)
      : shortlist_(shortlist),
        source_(source),
        offsets_(offsets),
        limits_(limits),
        prefix_(prefix),
        prefix_offsets_(prefix_offsets),
        phrases_(phrases),
        options_(options) {
    for (nb::handle item : members) {
      if (count_ == kMaxMembers) wrong("an ensemble has at most 16 models");
      auto pair = nb::cast<std::pair<nb::object, float>>(item);
      WeightsHandle& weights = nb::cast<WeightsHandle&>(pair.first);
      members_[count_] = {&nb::cast<PlanHandle&>(weights.plan).plan, &weights.weights, pair.second};
      owners_[count_++] = pair.first;
    }
    if (offsets.size() < 2) wrong("no sentences");
    batch_.sentences = static_cast<int32_t>(offsets.size() - 1);
    batch_.source = source.data();
    batch_.offsets = offsets.data();
    batch_.limits = limits.data();
    for (int32_t s = 0; s < batch_.sentences; ++s) {
      if (batch_.offsets[s] < 0 || batch_.offsets[s] > batch_.offsets[s + 1]) wrong("offsets must not fall");
    }
    if (batch_.offsets[batch_.sentences] != static_cast<int64_t>(source.size()))
      wrong("offsets do not end at the last id");
    if (limits.size() != static_cast<size_t>(batch_.sentences)) wrong("one limit a sentence is needed");
    if (prefix_offsets_) {
      if (!prefix_ || prefix_offsets_->size() != offsets.size() ||
          prefix_offsets_->data()[batch_.sentences] != static_cast<int64_t>(prefix_->size())) {
        wrong("prefix offsets do not fit");
      }
      batch_.prefix = prefix_->data();
      batch_.prefix_offsets = prefix_offsets_->data();
    }
    if (phrases_) set_phrases(*phrases_);
    const Shortlist* list = shortlist.is_none() ? nullptr : &nb::cast<ShortlistHandle&>(shortlist).shortlist;
    search_.emplace(members_, count_, list, batch_, options_);
  }

  // Ids, offsets, each sentence's phrases, spans.
  void set_phrases(const Phrases4& phrases) {
    const auto& [ids, offsets, sentences, spans] = phrases;
    if (sentences.size() != static_cast<size_t>(batch_.sentences) + 1 || offsets.size() < 1 ||
        sentences.data()[batch_.sentences] != static_cast<int64_t>(offsets.size()) - 1 ||
        offsets.data()[offsets.size() - 1] != static_cast<int64_t>(ids.size()) ||
        spans.size() != 2 * (offsets.size() - 1)) {
      wrong("phrases do not fit");
    }
    for (size_t i = 0; i < offsets.size(); ++i) {
      if (offsets.data()[i] < 0 || offsets.data()[i] > static_cast<int64_t>(ids.size())) wrong("phrases do not fit");
    }
    for (size_t i = 0; i < sentences.size(); ++i) {
      if (sentences.data()[i] < 0 || sentences.data()[i] >= static_cast<int64_t>(offsets.size())) {
        wrong("phrases do not fit");
      }
    }
    batch_.phrase_ids = ids.data();
    batch_.phrase_offsets = offsets.data();
    batch_.sentence_phrases = sentences.data();
    batch_.phrase_spans = spans.data();
  }

  size_t need(Workspace& workspace) { return search_->need(&workspace); }

  bool run(Workspace& workspace, StopHandle& stop) {
    {
      WithoutGil released;
      Stop::Ask ask = [](void* state) { return static_cast<WithoutGil*>(state)->interrupted(); };
      Stop watched(stop.flag, on_main_thread() ? ask : nullptr, &released);
      done_ = search_->run(&workspace, &watched);
    }
    if (PyErr_Occurred()) throw nb::python_error();
    return done_;
  }

  int64_t candidates() const { return search_->columns(); }
  nb::list results() const;
  nb::list costs() const;

 private:
  nb::object shortlist_;
  Ints source_, offsets_, limits_;
  std::optional<Ints> prefix_, prefix_offsets_;
  std::optional<Phrases4> phrases_;
  SearchOptions options_;
  Member members_[kMaxMembers];
  nb::object owners_[kMaxMembers];
  int32_t count_ = 0;
  Batch batch_;
  std::optional<Search> search_;
  bool done_ = false;
};

template <typename T>
nb::object owned_array(std::unique_ptr<T[]> data, std::initializer_list<size_t> shape) {
  T* address = data.release();
  nb::capsule owner(address, [](void* memory) noexcept { delete[] static_cast<T*>(memory); });
  return nb::cast(nb::ndarray<nb::numpy, T>(address, shape, owner));
}

// (nanoseconds, calls, rows) of each instruction of the first model's plan, in the plan's order.
nb::list Call::costs() const {
  nb::list result;
  if (!done_ || search_->costs() == nullptr) return result;
  const Plan& plan = *members_[0].plan;
  size_t count = plan.encode.size() + plan.prime.size() + plan.select.size() + plan.step.size();
  for (size_t i = 0; i < count; ++i) {
    const Cost& cost = search_->costs()[i];
    result.append(nb::make_tuple(cost.nanoseconds, cost.calls, cost.rows));
  }
  return result;
}

nb::list Call::results() const {
  if (!done_) wrong("it has not run to its end");
  const Hypotheses& written = search_->hypotheses();
  nb::list sentences;
  for (int32_t s = 0; s < batch_.sentences; ++s) {
    nb::list hypotheses;
    for (int32_t rank = 0; rank < written.finished_count(s); ++rank) {
      const Finished& found = written.finished(s, rank);
      size_t length = static_cast<size_t>(found.length), width = static_cast<size_t>(batch_.length(s));
      auto ids = std::make_unique<int32_t[]>(length);
      auto scores = std::make_unique<float[]>(length);
      std::unique_ptr<float[]> weights;
      if (options_.alignment) weights = std::make_unique<float[]>(length * width);
      written.trace(s, found, ids.get(), scores.get(), weights.get());
      nb::object matrix = nb::none();
      if (weights) matrix = owned_array<float>(std::move(weights), {length, width});
      const float* members = written.member_scores(found.node);
      nb::list model_scores;
      for (int32_t m = 0; m < search_->member_count(); ++m)
        model_scores.append(members ? members[m] : found.path_score);
      hypotheses.append(nb::make_tuple(nb::bytes(ids.get(), length * sizeof(int32_t)),
                                       nb::bytes(scores.get(), length * sizeof(float)), matrix, found.path_score,
                                       found.score, nb::tuple(model_scores)));
    }
    sentences.append(hypotheses);
  }
  return sentences;
}

}  // namespace

void bind_search(nb::module_& m) {
  nb::class_<Workspace>(m, "Workspace", "One worker's scratch memory: bytes now, and the most it may grow to.")
      .def(nb::init<size_t, size_t>(), nb::arg("bytes"), nb::arg("limit"))
      .def("poison", &Workspace::poison, "Fill with garbage: no result may depend on what was there.")
      .def_prop_ro("size", &Workspace::size)
      .def_prop_ro("limit", &Workspace::limit)
      .def_prop_ro("high_water", &Workspace::high_water);
  nb::class_<ShortlistHandle>(m, "Shortlist", "Allowed target ids by source id; keeps its arrays alive.")
      .def(nb::new_(&make_shortlist), nb::arg("offsets"), nb::arg("ids"), nb::arg("first"),
           nb::arg("shared_vocabulary"), nb::arg("target_vocabulary"), nb::arg("eos"));
  nb::class_<StopHandle>(m, "StopFlag", "Set it to end a batch early, wherever it is.")
      .def(nb::init<>())
      .def("set", [](StopHandle& stop) { stop.flag.store(true); })
      .def("clear", [](StopHandle& stop) { stop.flag.store(false); })
      .def("is_set", [](const StopHandle& stop) { return stop.flag.load(); });
  nb::class_<SearchOptions>(m, "SearchOptions")
      .def(nb::init<>())
      .def_rw("beam_size", &SearchOptions::beam_size)
      .def_rw("normalize", &SearchOptions::normalize)
      .def_rw("word_penalty", &SearchOptions::word_penalty)
      .def_rw("eos", &SearchOptions::eos)
      .def_prop_rw(
          "never",
          [](const SearchOptions& options) {
            return std::vector<int32_t>(options.never.begin(), options.never.begin() + options.never_count);
          },
          [](SearchOptions& options, const std::vector<int32_t>& ids) {
            if (ids.size() > kMostNever || !std::is_sorted(ids.begin(), ids.end())) {
              throw Error(Error::Code::kInvalid, "ids that are never chosen: too many, or not ascending");
            }
            std::copy(ids.begin(), ids.end(), options.never.begin());
            options.never_count = static_cast<int32_t>(ids.size());
          },
          "Ids that are never chosen, ascending.")
      .def_rw("n_best", &SearchOptions::n_best)
      .def_rw("scores", &SearchOptions::scores)
      .def_rw("alignment", &SearchOptions::alignment)
      .def_rw("skip_cost", &SearchOptions::skip_cost)
      .def_rw("profile", &SearchOptions::profile)
      .def_rw("group_tokens", &SearchOptions::group_tokens)
      .def_rw("live_sentences", &SearchOptions::live_sentences)
      .def_rw("live_tokens", &SearchOptions::live_tokens)
      .def_rw("live_rows", &SearchOptions::live_rows)
      .def_rw("live_columns", &SearchOptions::live_columns);
  nb::class_<Call>(m, "Call", "One batch of sentences, longest first, for one model or an ensemble.")
      .def(nb::init<nb::sequence, nb::object, Ints, Ints, Ints, std::optional<Ints>, std::optional<Ints>,
                    const SearchOptions&, std::optional<Phrases4>>(),
           nb::arg("members"), nb::arg("shortlist").none(), nb::arg("source"), nb::arg("offsets"), nb::arg("limits"),
           nb::arg("prefix").none(), nb::arg("prefix_offsets").none(), nb::arg("options"),
           nb::arg("phrases") = nb::none())
      .def("need", &Call::need, nb::arg("workspace"), "Bytes of workspace that run() will use, exactly.")
      .def("run", &Call::run, nb::arg("workspace"), nb::arg("stop"), nb::keep_alive<1, 2>(),
           "Translates, without the GIL and without any allocation. False if the stop flag was raised. On the main "
           "thread "
           "signals find their handlers meanwhile; what one raises ends the batch.")
      .def(
          "results", &Call::results,
          "For each sentence its hypotheses, best first: (bytes of int32 ids, bytes of float path scores, alignment or "
          "None, path score, score, unweighted path score by each model). "
          "Valid until the workspace runs another batch.")
      .def("candidates", &Call::candidates, "Columns of the logits: those that shortlists leave, or the vocabulary.")
      .def("costs", &Call::costs,
           "With options.profile: (nanoseconds, calls, rows) of each instruction of the first model's plan.");
}
