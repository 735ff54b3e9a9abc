// The part of dragoman._native.kernels about best columns.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "interpreter/best_columns.h"
#include "bindings/arrays.h"
#include "kernels/kernels.h"
#include "kernels/sketch.h"

namespace nb = nanobind;

namespace dragoman::bindings {

const Kernels& target(const std::string& name);

namespace {

using Floats = Vector<const float>;
using Found = std::vector<std::pair<int32_t, float>>;

Found pairs(const std::vector<Best>& found) {
  Found result;
  for (const Best& best : found) result.emplace_back(best.index, best.value);
  return result;
}

GemmInt8 product(Matrix<const uint8_t> a, Vector<const int8_t> panels, int n, Floats scale, std::optional<Floats> bias,
                 std::optional<Vector<const int32_t>> column_sums, std::optional<Floats> row_scale) {
  const auto rows = view(a);
  GemmInt8 call = {};
  call.a = rows.data, call.a_stride = rows.stride;
  call.m = rows.rows, call.k = rows.columns, call.n = n;
  call.panels = panels.data();
  call.scale = scale.data(), call.bias = data(bias);
  call.column_sums = data(column_sums), call.row_scale = data(row_scale);
  return call;
}

// Runs best_columns with scratch of exactly the size that it may use.
template <class Call>
Found best(const std::string& name, Call call, int block, int never) {
  std::vector<Best> found(static_cast<size_t>(call.m));
  call.out_stride = static_cast<size_t>(std::min(block, call.n));
  std::vector<float> scratch(static_cast<size_t>(call.m) * call.out_stride);
  call.out = scratch.data();
  best_columns(target(name), call, block, {found.data(), nullptr, {&never, never < 0 ? 0 : 1}});
  return pairs(found);
}

Found best_columns_int8(const std::string& name, Matrix<const uint8_t> a, Vector<const int8_t> panels, int n,
                        Floats scale, std::optional<Floats> bias, std::optional<Vector<const int32_t>> column_sums,
                        std::optional<Floats> row_scale, int block, int never,
                        std::optional<Vector<const uint8_t>> overflows) {
  GemmInt8 call = product(a, panels, n, scale, bias, column_sums, row_scale);
  call.overflows = data(overflows), call.overflow_bytes = overflows ? overflows->size() : 0;
  return best(name, call, block, never);
}

// The bounds of each row's panels.
void screen(const std::string& name, Matrix<const uint8_t> a, Vector<const uint8_t> sketch, int n, Floats scale,
            std::optional<Floats> bias, std::optional<Floats> row_scale, Matrix<float> bounds) {
  const auto rows = view(a);
  const auto to = view(bounds);
  if (sketch.size() < sketch_size(rows.columns, n)) throw Error(Error::Code::kInvalid, "the sketch is too short");
  target(name).screen({.a = rows.data,
                       .a_stride = rows.stride,
                       .m = rows.rows,
                       .k = rows.columns,
                       .n = n,
                       .sketch = sketch.data(),
                       .scale = scale.data(),
                       .bias = data(bias),
                       .row_scale = data(row_scale),
                       .bounds = to.data,
                       .bounds_stride = to.stride});
}

// None if the sketch tells too little.
std::optional<Found> best_columns_screened(const std::string& name, Matrix<const uint8_t> a,
                                           Vector<const int8_t> panels, Vector<const uint8_t> sketch, int n,
                                           Floats scale, std::optional<Floats> bias,
                                           std::optional<Vector<const int32_t>> column_sums,
                                           std::optional<Floats> row_scale, int never) {
  GemmInt8 call = product(a, panels, n, scale, bias, column_sums, row_scale);
  float scratch[kPanelColumns];
  call.out = scratch, call.out_stride = kPanelColumns;
  std::vector<float> bounds(static_cast<size_t>(call.m) *
                            ((static_cast<size_t>(n) + kPanelColumns - 1) / kPanelColumns));
  std::vector<Best> found(static_cast<size_t>(call.m));
  const Never columns{&never, never < 0 ? 0 : 1};
  if (!dragoman::best_columns_screened(target(name), call, sketch.data(), columns, bounds.data(), found.data()))
    return {};
  return pairs(found);
}

Found best_columns_float(const std::string& name, Matrix<const float> a, Floats panels, int n,
                         std::optional<Floats> bias, int block, int never) {
  const auto rows = view(a);
  GemmFloat call = {};
  call.a = rows.data, call.a_stride = rows.stride;
  call.m = rows.rows, call.k = rows.columns, call.n = n;
  call.panels = panels.data(), call.bias = data(bias);
  return best(name, call, block, never);
}

}  // namespace
}  // namespace dragoman::bindings

void bind_kernel_best(nb::module_& m) {
  namespace ours = dragoman::bindings;
  using nb::arg;
  const auto exact = [](const char* name) { return arg(name).noconvert(); };
  const auto maybe = [](const char* name) { return arg(name).noconvert().none(); };
  m.def("best_columns_int8", ours::best_columns_int8, arg("target"), exact("a"), exact("panels"), arg("n"),
        exact("scale"), maybe("bias"), maybe("column_sums"), maybe("row_scale"), arg("block"), arg("never"),
        maybe("overflows") = nb::none());
  m.def("screen", ours::screen, arg("target"), exact("a"), exact("sketch"), arg("n"), exact("scale"), maybe("bias"),
        maybe("row_scale"), exact("bounds"));
  m.def("best_columns_screened", ours::best_columns_screened, arg("target"), exact("a"), exact("panels"),
        exact("sketch"), arg("n"), exact("scale"), maybe("bias"), maybe("column_sums"), maybe("row_scale"),
        arg("never"));
  m.def("best_columns_float", ours::best_columns_float, arg("target"), exact("a"), exact("panels"), arg("n"),
        maybe("bias"), arg("block"), arg("never"));
}
