// Inputs that are the same on every machine, in memory that ends where a kernel may no longer read; hashes of outputs.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace hashes {

// SplitMix64. No call may take two draws as arguments: their order is the compiler's choice.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  int below(int limit) { return static_cast<int>(bits() % static_cast<uint64_t>(limit)); }
  // In [-1, 1), a multiple of 2^-24.
  float unit() { return static_cast<float>(static_cast<int64_t>(bits() >> 39) - (1 << 24)) * 0x1p-24f; }
  // Any finite or infinite number, and now and then NaN: what no model should hold.
  float odd() {
    constexpr float kOdd[] = {INFINITY, -INFINITY, 0.0f, -0.0f, 0x1p-149f, -0x1.8p-130f, 3e38f, -3e38f, 0.5f, 2.5f};
    const int kind = below(12);
    if (kind < 10) return kOdd[kind];
    if (kind == 10) return NAN;
    const float mantissa = unit();
    return std::ldexp(mantissa, below(250) - 125);
  }

 private:
  uint64_t state_;
};

// `count` values before a page that nobody may touch; `front` more lie before them.
template <class T>
class Guarded {
 public:
  explicit Guarded(size_t count) : count_(count) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)),
                 bytes = (count * sizeof(T) + page - 1) / page * page;
    size_ = bytes + page;
    base_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base_ == MAP_FAILED || mprotect(static_cast<char*>(base_) + bytes, page, PROT_NONE) != 0) std::abort();
    data_ = reinterpret_cast<T*>(static_cast<char*>(base_) + bytes) - count;
  }
  ~Guarded() { munmap(base_, size_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() const { return data_; }
  size_t count() const { return count_; }

 private:
  void* base_;
  size_t size_, count_;
  T* data_;
};

// Rows at a stride, with garbage between them. Bytes may be read up to the next multiple of 64.
template <class T>
class Rows : public Guarded<T> {
 public:
  Rows(int rows, int columns, size_t gap = 5)
      : Guarded<T>((rows > 0 ? rows - 1 : 0) * (width(columns) + gap) + width(columns)),
        rows_(rows),
        columns_(columns),
        stride_(width(columns) + gap) {
    std::memset(this->data(), 0xff, this->count() * sizeof(T));  // NaN, 255, -1
  }
  template <class Make>
  Rows(int rows, int columns, Make make) : Rows(rows, columns) {
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) this->data()[r * stride_ + c] = make();
    }
  }
  size_t stride() const { return stride_; }

 private:
  static size_t width(int columns) {
    const size_t wide = static_cast<size_t>(columns);
    return sizeof(T) == 1 ? (wide + 63) / 64 * 64 : wide;
  }
  int rows_, columns_;
  size_t stride_;
};

// FNV-1a of everything in a buffer, written to or not; all NaN are one.
class Hash {
 public:
  template <class T>
  void add(const Guarded<T>& values) {
    for (size_t i = 0; i < values.count(); ++i) add(values.data()[i]);
  }
  void add(float x) {
    uint32_t bits = 0x7fc00000u;
    if (x == x) std::memcpy(&bits, &x, 4);
    add_bits(bits);
  }
  void add(int32_t x) { add_bits(static_cast<uint32_t>(x)); }
  void add(uint8_t x) { add_bits(x); }
  void add(int8_t x) { add_bits(static_cast<uint8_t>(x)); }
  uint64_t value() const { return value_; }

 private:
  void add_bits(uint32_t bits) { value_ = (value_ ^ bits) * 0x100000001b3u; }
  uint64_t value_ = 0xcbf29ce484222325u;
};

}  // namespace hashes
