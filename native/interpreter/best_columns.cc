#include "interpreter/best_columns.h"

#include <algorithm>

#include "kernels/packing.h"

namespace dragoman {
namespace {

// Screening pays while no more than one panel in so many must be computed after it.
constexpr int32_t kWorthwhile = 4;

int32_t panels_of(int32_t columns) { return (columns + kPanelColumns - 1) / kPanelColumns; }

// The product of columns first..first+n-1 alone; first is a multiple of kPanelColumns.
GemmInt8 slice(GemmInt8 call, int32_t first, int32_t n) {
  call.n = n;
  call.panels += packed_size_int8(call.k, first);
  call.first_column += first;
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

// `found` is what best_without says of the columns from `first` on.
void keep_better(Best found, int32_t first, const Never& never, Best* best) {
  found.index += found.index < 0 ? 0 : first;
  if (found.index < 0 || (best->index >= 0 && never.has(found.index))) return;
  const bool better = found.value > best->value || (found.value == best->value && found.index < best->index);
  if (best->index < 0 || better || never.has(best->index)) *best = found;
}

template <class Call>
void search_blocks(const Kernels& kernels, void (*gemm)(const Call&), const Call& call, int32_t block,
                   const RowSummaries& to) {
  std::fill_n(to.best, call.m, Best{-1, 0});
  if (to.sums != nullptr) std::fill_n(to.sums, call.m, LogSum{});
  for (int32_t first = 0; first < call.n; first += block) {
    const int32_t columns = std::min(block, call.n - first);
    gemm(slice(call, first, columns));
    for (int32_t row = 0; row < call.m; ++row) {
      const float* logits = call.out + row * call.out_stride;
      keep_better(best_without(kernels, logits, columns, to.never, first), first, to.never, to.best + row);
      if (to.sums != nullptr) kernels.add_exponentials(logits, columns, to.sums + row);
    }
  }
}

// One row of the product, panel by panel: the one that can be highest, then all that can hold a higher or equal result.
bool search_panels(const Kernels& kernels, const GemmInt8& row, const float* bounds, const Never& never, Best* best) {
  const int32_t panels = panels_of(row.n);
  const auto compute = [&](int32_t panel) {
    const int32_t first = panel * kPanelColumns, columns = std::min(kPanelColumns, row.n - first);
    kernels.gemm_int8(slice(row, first, columns));
    keep_better(best_without(kernels, row.out, columns, never, first), first, never, best);
  };
  *best = {-1, 0};
  const int32_t top = kernels.argmax(bounds, panels).index;
  if (top >= 0) compute(top);
  if (best->index < 0 || never.has(best->index)) return false;
  const int64_t alive = std::count_if(bounds, bounds + panels, [=](float bound) { return bound >= best->value; });
  if (alive > panels / kWorthwhile) return false;
  for (int32_t panel = 0; panel < panels; ++panel) {
    if (panel != top && bounds[panel] >= best->value) compute(panel);
  }
  return true;
}

}  // namespace

bool Never::has(int32_t column) const {
  const int32_t* found = std::lower_bound(columns, columns + count, column);
  return found != columns + count && *found == column;
}

Best best_without(const Kernels& kernels, const float* scores, int32_t count, const Never& never, int32_t first) {
  const Best best = kernels.argmax(scores, count);
  if (best.index < 0 || !never.has(first + best.index)) return best;
  // Between those that may not win; rare.
  Best other{-1, 0};
  int32_t start = 0;
  const auto search = [&](int32_t end) {
    Best found = kernels.argmax(scores + start, end - start);
    if (found.index >= 0 && (other.index < 0 || found.value > other.value)) other = {found.index + start, found.value};
  };
  for (const int32_t* column = std::lower_bound(never.columns, never.columns + never.count, first);
       column != never.columns + never.count && *column < first + count; ++column) {
    search(*column - first);
    start = *column - first + 1;
  }
  search(count);
  return other.index >= 0 ? other : best;
}

void best_columns(const Kernels& kernels, const GemmInt8& call, int32_t block, const RowSummaries& to) {
  search_blocks(kernels, kernels.gemm_int8, call, block, to);
}

void best_columns(const Kernels& kernels, const GemmFloat& call, int32_t block, const RowSummaries& to) {
  search_blocks(kernels, kernels.gemm_float, call, block, to);
}

bool best_columns_screened(const Kernels& kernels, const GemmInt8& call, const uint8_t* sketch, const Never& never,
                           float* bounds, Best* best) {
  const int32_t panels = panels_of(call.n);
  kernels.screen({.a = call.a,
                  .a_stride = call.a_stride,
                  .m = call.m,
                  .k = call.k,
                  .n = call.n,
                  .sketch = sketch,
                  .scale = call.scale,
                  .bias = call.bias,
                  .row_scale = call.row_scale,
                  .bounds = bounds,
                  .bounds_stride = static_cast<size_t>(panels)});
  GemmInt8 row = call;
  row.m = 1;
  for (int32_t r = 0; r < call.m; ++r) {
    row.a = call.a + r * call.a_stride;
    if (call.row_scale != nullptr) row.row_scale = call.row_scale + r;
    if (!search_panels(kernels, row, bounds + static_cast<int64_t>(r) * panels, never, best + r)) return false;
  }
  return true;
}

}  // namespace dragoman
