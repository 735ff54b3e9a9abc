#include "search/met.h"

#include <algorithm>

namespace dragoman {

bool Phrases::equal(int32_t one, int32_t other) const {
  const int32_t* offsets = batch_.phrase_offsets + first_;
  return std::equal(batch_.phrase_ids + offsets[one], batch_.phrase_ids + offsets[one + 1],
                    batch_.phrase_ids + offsets[other], batch_.phrase_ids + offsets[other + 1]);
}

int32_t Phrases::covered(const Met& met) const {
  int32_t ids = met.at;
  for (int32_t number = 0; number < count_; ++number) ids += (met.done >> number & 1) != 0 ? size(number) : 0;
  return ids;
}

Met Phrases::after(const Met& met, int32_t number) const {
  int32_t at = met.phrase == number ? met.at + 1 : 1;
  if (at == size(number)) return {met.done | uint32_t{1} << number, -1, 0};
  return {met.done, static_cast<int16_t>(number), static_cast<int16_t>(at)};
}

}  // namespace dragoman
