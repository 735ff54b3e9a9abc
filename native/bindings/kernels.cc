// dragoman._native.kernels: every kernel of every target over NumPy arrays, for tests and benchmarks. Private.
//
// Outputs are arrays of the caller, so that a test chooses strides and padding. Arguments are as in kernels.h and,
// except for dtype and dimensions, are not checked: sizes that contradict each other are the caller's fault.
#include <string>
#include <utility>
#include <vector>

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings/arrays.h"
#include "kernels/kernels.h"
#include "kernels/packing.h"

namespace nb = nanobind;

void bind_kernel_products(nb::module_& m);
void bind_kernel_timing(nb::module_& m);
void bind_kernel_best(nb::module_& m);

namespace dragoman::bindings {

using Floats = Vector<const float>;
using Ids = Vector<const int32_t>;
using FloatRows = Matrix<const float>;
using OutRows = Matrix<float>;
using OutBytes = Matrix<uint8_t>;

const Kernels& target(const std::string& name) {
  if (const Kernels* found = kernels_by_name(name.c_str())) return *found;
  throw Error(Error::Code::kUnavailable, "no kernels named '" + name + "' can run on this machine");
}

namespace {

std::vector<std::string> available() {
  std::vector<std::string> names;
  for (const Kernels* const* table = available_kernels(); *table != nullptr; ++table)
    names.emplace_back((*table)->name);
  return names;
}

void quantize(const std::string& name, FloatRows x, float multiplier, OutBytes out) {
  const auto from = view(x);
  const auto to = view(out);
  target(name).quantize(from.data, from.stride, from.rows, from.columns, multiplier, to.data, to.stride);
}

void quantize_rows(const std::string& name, FloatRows x, OutBytes out, Vector<float> row_scale) {
  const auto from = view(x);
  const auto to = view(out);
  target(name).quantize_rows(from.data, from.stride, from.rows, from.columns, to.data, to.stride, row_scale.data());
}

void norm(const std::string& name, FloatRows x, std::optional<FloatRows> residual, bool rms,
          std::optional<Floats> scale, std::optional<Floats> bias, float epsilon, std::optional<OutRows> sum,
          std::optional<OutRows> out, std::optional<OutBytes> quantised, float multiplier) {
  const auto from = view(x), added = view(residual);
  const auto sums = view(sum), to = view(out);
  const auto bytes = view(quantised);
  target(name).norm({.x = from.data,
                     .x_stride = from.stride,
                     .residual = added.data,
                     .residual_stride = added.stride,
                     .rows = from.rows,
                     .columns = from.columns,
                     .rms = rms,
                     .scale = data(scale),
                     .bias = data(bias),
                     .epsilon = epsilon,
                     .sum = sums.data,
                     .sum_stride = sums.stride,
                     .out = to.data,
                     .out_stride = to.stride,
                     .quantised = bytes.data,
                     .quantised_stride = bytes.stride,
                     .multiplier = multiplier});
}

void activate(const std::string& name, FloatRows x, int kind, OutRows out) {
  const auto from = view(x);
  const auto to = view(out);
  target(name).activate(from.data, from.stride, from.rows, from.columns, static_cast<Activation>(kind), to.data,
                        to.stride);
}

void binary(const std::string& name, int kind, FloatRows x, FloatRows y, OutRows out) {
  const auto a = view(x), b = view(y);
  const auto to = view(out);
  target(name).binary(static_cast<Binary>(kind), a.data, a.stride, b.data, b.stride, a.rows, a.columns, to.data,
                      to.stride);
}

void mix(const std::string& name, FloatRows gate, FloatRows y, FloatRows x, OutRows out) {
  const auto g = view(gate), a = view(y), b = view(x);
  const auto to = view(out);
  target(name).mix(g.data, g.stride, a.data, a.stride, b.data, b.stride, a.rows, a.columns, to.data, to.stride);
}

void running_average(const std::string& name, FloatRows average, FloatRows x, float step, OutRows out) {
  const auto a = view(average), b = view(x);
  const auto to = view(out);
  target(name).running_average(a.data, a.stride, b.data, b.stride, a.rows, a.columns, step, to.data, to.stride);
}

void gru(const std::string& name, std::optional<FloatRows> x, FloatRows s, std::optional<Floats> bias, FloatRows h,
         bool final, OutRows out) {
  const auto from_x = view(x), from_s = view(s), before = view(h);
  const auto to = view(out);
  target(name).gru(from_x.data, from_x.stride, from_s.data, from_s.stride, data(bias), before.data, before.stride,
                   before.rows, before.columns, final, to.data, to.stride);
}

void lstm(const std::string& name, std::optional<FloatRows> x, FloatRows s, std::optional<Floats> bias, FloatRows cell,
          OutRows cell_out, OutRows out) {
  const auto from_x = view(x), from_s = view(s), before = view(cell);
  const auto after = view(cell_out), to = view(out);
  target(name).lstm(from_x.data, from_x.stride, from_s.data, from_s.stride, data(bias), before.data, before.stride,
                    before.rows, before.columns, after.data, after.stride, to.data, to.stride);
}

void embed_float(const std::string& name, FloatRows table, Ids ids, float scale, OutRows out) {
  const auto from = view(table);
  const auto to = view(out);
  target(name).embed_float(from.data, from.stride, ids.data(), to.rows, to.columns, scale, to.data, to.stride);
}

void embed_int8(const std::string& name, Matrix<const int8_t> table, float unquantise, Ids ids, float scale,
                OutRows out) {
  const auto from = view(table);
  const auto to = view(out);
  target(name).embed_int8(from.data, from.stride, unquantise, ids.data(), to.rows, to.columns, scale, to.data,
                          to.stride);
}

std::pair<int, float> argmax(const std::string& name, Floats x) {
  const Best best = target(name).argmax(x.data(), static_cast<int>(x.size()));
  return {best.index, best.value};
}

float log_sum_exp(const std::string& name, Floats x) {
  return target(name).log_sum_exp(x.data(), static_cast<int>(x.size()));
}

void gather(const std::string& name, Floats x, Ids index, Vector<float> out) {
  target(name).gather(x.data(), index.data(), static_cast<int>(index.size()), out.data());
}

}  // namespace
}  // namespace dragoman::bindings

void bind_kernels(nb::module_& parent) {
  namespace ours = dragoman::bindings;
  nb::module_ m = parent.def_submodule("kernels", "Kernels by target name, for tests and benchmarks.");
  m.def("available", ours::available, "Targets this machine can run, best first.");
  m.def("chosen", [] { return std::string(dragoman::kernels().name); }, "The target in use.");
  // noconvert: an output that had to be converted would be written to a copy.
  using nb::arg;
  const auto exact = [](const char* name) { return arg(name).noconvert(); };
  const auto maybe = [](const char* name) { return arg(name).noconvert().none(); };
  m.def("quantize", ours::quantize, arg("target"), exact("x"), arg("multiplier"), exact("out"));
  m.def("quantize_rows", ours::quantize_rows, arg("target"), exact("x"), exact("out"), exact("row_scale"));
  m.def("norm", ours::norm, arg("target"), exact("x"), maybe("residual"), arg("rms"), maybe("scale"), maybe("bias"),
        arg("epsilon"), maybe("sum"), maybe("out"), maybe("quantised"), arg("multiplier"));
  m.def("activate", ours::activate, arg("target"), exact("x"), arg("kind"), exact("out"));
  m.def("binary", ours::binary, arg("target"), arg("kind"), exact("x"), exact("y"), exact("out"));
  m.def("mix", ours::mix, arg("target"), exact("gate"), exact("y"), exact("x"), exact("out"));
  m.def("running_average", ours::running_average, arg("target"), exact("average"), exact("x"), arg("step"),
        exact("out"));
  m.def("gru", ours::gru, arg("target"), maybe("x"), exact("s"), maybe("bias"), exact("h"), arg("final"), exact("out"));
  m.def("lstm", ours::lstm, arg("target"), maybe("x"), exact("s"), maybe("bias"), exact("cell"), exact("cell_out"),
        exact("out"));
  m.def("embed_float", ours::embed_float, arg("target"), exact("table"), exact("ids"), arg("scale"), exact("out"));
  m.def("embed_int8", ours::embed_int8, arg("target"), exact("table"), arg("unquantise"), exact("ids"), arg("scale"),
        exact("out"));
  m.def("argmax", ours::argmax, arg("target"), exact("x"));
  m.def("log_sum_exp", ours::log_sum_exp, arg("target"), exact("x"));
  m.def("gather", ours::gather, arg("target"), exact("x"), exact("index"), exact("out"));
  bind_kernel_products(m);
  bind_kernel_timing(m);
  bind_kernel_best(m);
}
