#include "weights/checksum.h"

#include <bit>
#include <cstring>

namespace dragoman {
namespace {

constexpr size_t kLanes = 8, kBlock = kLanes * sizeof(uint64_t);
constexpr uint64_t kFactor = 0x9E3779B97F4A7C15u;  // odd: multiplying is a bijection

inline uint64_t step(uint64_t state, uint64_t word) { return std::rotl((state ^ word) * kFactor, 29); }

inline void add_block(uint64_t* lanes, const std::byte* block) {
  uint64_t words[kLanes];
  std::memcpy(words, block, kBlock);
  for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = step(lanes[lane], words[lane]);
}

}  // namespace

uint64_t checksum(const std::byte* data, size_t bytes) {
  uint64_t lanes[kLanes];
  for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = (lane + 1) * kFactor;
  const size_t whole = bytes / kBlock * kBlock;
  for (size_t at = 0; at < whole; at += kBlock) add_block(lanes, data + at);
  if (whole < bytes) {
    std::byte rest[kBlock] = {};
    std::memcpy(rest, data + whole, bytes - whole);
    add_block(lanes, rest);
  }
  uint64_t state = bytes;
  for (uint64_t lane : lanes) state = step(state, lane);
  return state ^ (state >> 32);
}

}  // namespace dragoman
