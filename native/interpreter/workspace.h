// One worker's scratch memory: a flat anonymous mapping of its own, so that its pages go back to the system at once.
// Knows nothing of models. Grown only between batches; nothing in it outlives a batch.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dragoman {

class Workspace {
 public:
  // limit: the most bytes that it may grow to.
  Workspace(size_t bytes, size_t limit);
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  // Makes room for a batch; contents are lost if it grows. Throws Error::kCapacity beyond the limit.
  void reserve(size_t bytes);
  // Fills it with NaNs, which are garbage to integers as well.
  void poison();

  std::byte* data() { return data_; }
  size_t size() const { return size_; }
  size_t limit() const { return limit_; }
  size_t high_water() const { return high_water_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  size_t limit_;
  size_t high_water_ = 0;
};

// Hands out consecutive 64-byte aligned pieces of a region; with a null base it only counts.
class Carver {
 public:
  explicit Carver(std::byte* base) : base_(base) {}

  template <typename T>
  T* take(int64_t count) {
    std::byte* here = base_ == nullptr ? nullptr : base_ + used_;
    used_ += (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return reinterpret_cast<T*>(here);
  }
  size_t used() const { return used_; }

 private:
  std::byte* base_;
  size_t used_ = 0;
};

}  // namespace dragoman
