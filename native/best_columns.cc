#include "best_columns.h"

#include <algorithm>

#include "kernels/packing.h"

namespace dragoman {
namespace {

// The product of columns first..first+n-1 alone; first is a multiple of kPanelColumns.
GemmInt8 slice(GemmInt8 call, int32_t first, int32_t n) {
  call.n = n;
  call.panels += packed_size_int8(call.k, first);
  call.scale += first;
  if (call.bias != nullptr) call.bias += first;
  if (call.column_sums != nullptr) call.column_sums += first;
  return call;
}

GemmFloat slice(GemmFloat call, int32_t first, int32_t n) {
  call.n = n;
  call.panels += packed_size_float(call.k, first);
  if (call.bias != nullptr) call.bias += first;
  return call;
}

// Blocks come in order, so an equal score further on never replaces one before.
void keep_better(Best found, int32_t never, Best* best) {
  if (found.index < 0 || (found.index == never && best->index >= 0)) return;
  if (best->index < 0 || best->index == never || found.value > best->value) *best = found;
}

template <class Call>
void search_blocks(const Kernels& kernels, void (*gemm)(const Call&), const Call& call, int32_t block, int32_t never,
                   Best* best) {
  std::fill_n(best, call.m, Best{-1, 0});
  for (int32_t first = 0; first < call.n; first += block) {
    const int32_t columns = std::min(block, call.n - first);
    gemm(slice(call, first, columns));
    for (int32_t row = 0; row < call.m; ++row) {
      Best found = best_without(kernels, call.out + row * call.out_stride, columns, never - first);
      if (found.index >= 0) found.index += first;
      keep_better(found, never, best + row);
    }
  }
}

}  // namespace

Best best_without(const Kernels& kernels, const float* scores, int32_t count, int32_t never) {
  Best best = kernels.argmax(scores, count);
  if (best.index < 0 || best.index != never) return best;
  Best before = kernels.argmax(scores, never);
  Best after = kernels.argmax(scores + never + 1, count - never - 1);
  if (after.index >= 0) after.index += never + 1;
  bool first = after.index < 0 || (before.index >= 0 && before.value >= after.value);
  Best other = first ? before : after;
  return other.index >= 0 ? other : best;
}

void best_columns(const Kernels& kernels, const GemmInt8& call, int32_t block, int32_t never, Best* best) {
  search_blocks(kernels, kernels.gemm_int8, call, block, never, best);
}

void best_columns(const Kernels& kernels, const GemmFloat& call, int32_t block, int32_t never, Best* best) {
  search_blocks(kernels, kernels.gemm_float, call, block, never, best);
}

}  // namespace dragoman
