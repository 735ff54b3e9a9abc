// Ends a batch early, wherever it is: a flag that anybody may raise, and a question that is asked now and then.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace dragoman {

using StopFlag = std::atomic<bool>;

class Stop {
 public:
  // Whether to stop; may wait for a lock, so it is asked seldom.
  using Ask = bool (*)(void* state);

  // The flag outlives the object. ask may be null.
  explicit Stop(const StopFlag& flag, Ask ask = nullptr, void* state = nullptr)
      : flag_(flag), ask_(ask), state_(state), next_(Clock::now() + kAskEvery) {}

  // Some rows were computed. To be called between any two pieces of work that take some milliseconds.
  bool after(int64_t rows) {
    rows_ += rows;
    return rows_ < kRows ? stopped_ : raised();
  }

  bool raised() {
    rows_ = 0;
    stopped_ = stopped_ || flag_.load(std::memory_order_relaxed);
    if (stopped_ || ask_ == nullptr) return stopped_;
    Clock::time_point now = Clock::now();
    if (now < next_) return false;
    next_ = now + kAskEvery;
    stopped_ = ask_(state_);
    return stopped_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kAskEvery{50};
  // A look costs as much as a row of a small instruction.
  static constexpr int64_t kRows = 256;

  const StopFlag& flag_;
  Ask ask_;
  void* state_;
  Clock::time_point next_;
  int64_t rows_ = 0;
  bool stopped_ = false;
};

}  // namespace dragoman
