// Times kernels without Python in the loop, for benchmarks/kernels.py.
#include <ctime>
#include <string>

#include <nanobind/stl/string.h>

#include "bindings/arrays.h"
#include "kernels/kernels.h"
#include "kernels/packing.h"

namespace nb = nanobind;

namespace dragoman::bindings {

const Kernels& target(const std::string& name);

namespace {

double thread_seconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Time of this thread alone, so that a busy machine disturbs less.
template <class Function>
double seconds(Function function) {
  const double start = thread_seconds();
  function();
  return thread_seconds() - start;
}

// Operations a second of a register-only loop.
double peak(const std::string& name, bool int8, int64_t rounds) {
  const Kernels& kernels = target(name);
  int64_t operations = 0;
  const double time = seconds([&] { operations = int8 ? kernels.peak_int8(rounds) : kernels.peak_float(rounds); });
  return static_cast<double>(operations) / time;
}

// Seconds for `calls` products; panels holds copies of one packed matrix, used in turn from `first` on
// (many: cold, one: hot).
double time_gemm_int8(const std::string& name, Matrix<const uint8_t> a, Vector<const int8_t> panels,
                      Vector<const float> scale, Vector<const float> bias, Vector<const int32_t> column_sums,
                      Vector<const uint8_t> overflows, Matrix<float> out, int first, int calls) {
  const auto rows = view(a);
  const auto to = view(out);
  const size_t size = packed_size_int8(rows.columns, to.columns), copies = panels.size() / size;
  const Kernels& kernels = target(name);
  GemmInt8 product = {};
  product.a = rows.data, product.a_stride = rows.stride;
  product.m = rows.rows, product.k = rows.columns, product.n = to.columns;
  product.scale = scale.data(), product.bias = bias.data();
  product.column_sums = column_sums.data();
  product.overflows = overflows.data(), product.overflow_bytes = overflows.size();
  product.out = to.data, product.out_stride = to.stride;
  return seconds([&] {
    for (int call = first; call < first + calls; ++call) {
      product.panels = panels.data() + static_cast<size_t>(call) % copies * size;
      kernels.gemm_int8(product);
    }
  });
}

double time_gemm_float(const std::string& name, Matrix<const float> a, Vector<const float> panels,
                       Vector<const float> bias, Matrix<float> out, int first, int calls) {
  const auto rows = view(a);
  const auto to = view(out);
  const size_t size = packed_size_float(rows.columns, to.columns), copies = panels.size() / size;
  const Kernels& kernels = target(name);
  GemmFloat product = {};
  product.a = rows.data, product.a_stride = rows.stride;
  product.m = rows.rows, product.k = rows.columns, product.n = to.columns;
  product.bias = bias.data();
  product.out = to.data, product.out_stride = to.stride;
  return seconds([&] {
    for (int call = first; call < first + calls; ++call) {
      product.panels = panels.data() + static_cast<size_t>(call) % copies * size;
      kernels.gemm_float(product);
    }
  });
}

}  // namespace
}  // namespace dragoman::bindings

void bind_kernel_timing(nb::module_& m) {
  namespace ours = dragoman::bindings;
  using nb::arg;
  const auto exact = [](const char* name) { return arg(name).noconvert(); };
  m.def("peak", ours::peak, arg("target"), arg("int8"), arg("rounds"));
  m.def("time_gemm_int8", ours::time_gemm_int8, arg("target"), exact("a"), exact("panels"), exact("scale"),
        exact("bias"), exact("column_sums"), exact("overflows"), exact("out"), arg("first"), arg("calls"));
  m.def("time_gemm_float", ours::time_gemm_float, arg("target"), exact("a"), exact("panels"), exact("bias"),
        exact("out"), arg("first"), arg("calls"));
}
