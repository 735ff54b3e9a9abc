// The part of dragoman._native.kernels about packed operands: packing, matrix products, attention.
#include <string>

#include <nanobind/stl/string.h>

#include "bindings/arrays.h"
#include "kernels/kernels.h"
#include "kernels/packing.h"

namespace nb = nanobind;

namespace dragoman::bindings {

const Kernels& target(const std::string& name);

namespace {

using Floats = Vector<const float>;
using Ids = Vector<const int32_t>;
using FloatRows = Matrix<const float>;
using OutRows = Matrix<float>;
using OutBytes = Matrix<uint8_t>;

void pack_int8(Matrix<const int8_t> matrix, bool transposed, Vector<int8_t> panels, Vector<int32_t> column_sums) {
  const auto from = view(matrix);
  const int k = transposed ? from.columns : from.rows, n = transposed ? from.rows : from.columns;
  if (panels.size() != packed_size_int8(k, n) || column_sums.size() != static_cast<size_t>(n)) {
    throw Error(Error::Code::kInvalid, "panels or column_sums have the wrong size");
  }
  dragoman::pack_int8(from.data, from.stride, transposed, k, n, panels.data(), column_sums.data());
}

void pack_float(FloatRows matrix, bool transposed, Vector<float> panels) {
  const auto from = view(matrix);
  const int k = transposed ? from.columns : from.rows, n = transposed ? from.rows : from.columns;
  if (panels.size() != packed_size_float(k, n)) throw Error(Error::Code::kInvalid, "panels have the wrong size");
  dragoman::pack_float(from.data, from.stride, transposed, k, n, panels.data());
}

void pack_rows_int8(const std::string& name, Matrix<const int8_t> table, Ids ids, Vector<int8_t> panels) {
  const auto from = view(table);
  const int n = static_cast<int>(ids.size());
  if (panels.size() != packed_size_int8(from.columns, n)) {
    throw Error(Error::Code::kInvalid, "panels have the wrong size");
  }
  target(name).pack_rows_int8(from.data, from.stride, ids.data(), n, from.columns, panels.data());
}

void pack_rows_float(const std::string& name, FloatRows table, Ids ids, Vector<float> panels) {
  const auto from = view(table);
  const int n = static_cast<int>(ids.size());
  if (panels.size() != packed_size_float(from.columns, n)) {
    throw Error(Error::Code::kInvalid, "panels have the wrong size");
  }
  target(name).pack_rows_float(from.data, from.stride, ids.data(), n, from.columns, panels.data());
}

void gemm_int8(const std::string& name, Matrix<const uint8_t> a, Vector<const int8_t> panels, int n, Floats scale,
               std::optional<Floats> bias, std::optional<Ids> column_sums, std::optional<Floats> row_scale,
               int activation, std::optional<OutRows> out, std::optional<OutBytes> quantised, float out_multiplier,
               std::optional<Vector<const uint8_t>> overflows) {
  const auto rows = view(a);
  const auto to = view(out);
  const auto bytes = view(quantised);
  target(name).gemm_int8({.a = rows.data,
                          .a_stride = rows.stride,
                          .m = rows.rows,
                          .k = rows.columns,
                          .n = n,
                          .panels = panels.data(),
                          .scale = scale.data(),
                          .bias = data(bias),
                          .column_sums = data(column_sums),
                          .row_scale = data(row_scale),
                          .activation = static_cast<Activation>(activation),
                          .out = to.data,
                          .out_stride = to.stride,
                          .quantised = bytes.data,
                          .quantised_stride = bytes.stride,
                          .out_multiplier = out_multiplier,
                          .overflows = data(overflows),
                          .overflow_bytes = overflows ? overflows->size() : 0});
}

void gemm_float(const std::string& name, FloatRows a, Floats panels, int n, std::optional<Floats> bias, int activation,
                OutRows out) {
  const auto rows = view(a);
  const auto to = view(out);
  target(name).gemm_float({.a = rows.data,
                           .a_stride = rows.stride,
                           .m = rows.rows,
                           .k = rows.columns,
                           .n = n,
                           .panels = panels.data(),
                           .bias = data(bias),
                           .activation = static_cast<Activation>(activation),
                           .out = to.data,
                           .out_stride = to.stride});
}

void pack_keys(const std::string& name, FloatRows k, int heads, float scale, Vector<float> keys) {
  const auto from = view(k);
  const size_t key_stride = (static_cast<size_t>(from.rows) + 15) / 16 * 16;
  target(name).pack_keys(from.data, from.stride, from.rows, heads, from.columns / heads, scale, keys.data(),
                         key_stride);
}

void attention(const std::string& name, FloatRows q, Floats keys, FloatRows values, int heads, Vector<float> scores,
               std::optional<OutRows> out, std::optional<OutBytes> quantised, float multiplier,
               std::optional<OutRows> weights) {
  const auto query = view(q), value = view(values);
  const auto to = view(out), first = view(weights);
  const auto bytes = view(quantised);
  target(name).attention({.q = query.data,
                          .q_stride = query.stride,
                          .rows = query.rows,
                          .keys = keys.data(),
                          .values = value.data,
                          .value_stride = value.stride,
                          .count = value.rows,
                          .heads = heads,
                          .head_dim = query.columns / heads,
                          .scores = scores.data(),
                          .out = to.data,
                          .out_stride = to.stride,
                          .quantised = bytes.data,
                          .quantised_stride = bytes.stride,
                          .multiplier = multiplier,
                          .weights = first.data,
                          .weights_stride = first.stride});
}

void cached_attention(const std::string& name, Floats q, FloatRows keys, FloatRows values, Ids cells, int heads,
                      float scale, Vector<float> scores, std::optional<Vector<float>> out,
                      std::optional<Vector<uint8_t>> quantised, float multiplier) {
  const auto key = view(keys), value = view(values);
  if (key.stride != value.stride) throw Error(Error::Code::kInvalid, "keys and values share one stride");
  target(name).cached_attention({.q = q.data(),
                                 .keys = key.data,
                                 .values = value.data,
                                 .stride = key.stride,
                                 .cells = cells.data(),
                                 .count = static_cast<int>(cells.size()),
                                 .heads = heads,
                                 .head_dim = static_cast<int>(q.size()) / heads,
                                 .scale = scale,
                                 .scores = scores.data(),
                                 .out = data(out),
                                 .quantised = data(quantised),
                                 .multiplier = multiplier});
}

void additive_attention(const std::string& name, Floats query, FloatRows projected, FloatRows context, Floats energy,
                        Vector<float> scores, Vector<float> out, std::optional<Vector<float>> weights) {
  const auto keys = view(projected), values = view(context);
  target(name).additive_attention({.query = query.data(),
                                   .projected = keys.data,
                                   .projected_stride = keys.stride,
                                   .context = values.data,
                                   .context_stride = values.stride,
                                   .count = keys.rows,
                                   .columns = keys.columns,
                                   .context_columns = values.columns,
                                   .energy = energy.data(),
                                   .scores = scores.data(),
                                   .out = out.data(),
                                   .weights = data(weights)});
}

}  // namespace
}  // namespace dragoman::bindings

void bind_kernel_products(nb::module_& m) {
  namespace ours = dragoman::bindings;
  using nb::arg;
  const auto exact = [](const char* name) { return arg(name).noconvert(); };
  const auto maybe = [](const char* name) { return arg(name).noconvert().none(); };
  m.def("packed_size_int8", dragoman::packed_size_int8, arg("k"), arg("n"));
  m.def("packed_size_float", dragoman::packed_size_float, arg("k"), arg("n"));
  m.def("pack_int8", ours::pack_int8, exact("matrix"), arg("transposed"), exact("panels"), exact("column_sums"));
  m.def("pack_float", ours::pack_float, exact("matrix"), arg("transposed"), exact("panels"));
  m.def("pack_rows_int8", ours::pack_rows_int8, arg("target"), exact("table"), exact("ids"), exact("panels"));
  m.def("pack_rows_float", ours::pack_rows_float, arg("target"), exact("table"), exact("ids"), exact("panels"));
  m.def("gemm_int8", ours::gemm_int8, arg("target"), exact("a"), exact("panels"), arg("n"), exact("scale"),
        maybe("bias"), maybe("column_sums"), maybe("row_scale"), arg("activation"), maybe("out"), maybe("quantised"),
        arg("out_multiplier"), maybe("overflows") = nb::none());
  m.def("gemm_float", ours::gemm_float, arg("target"), exact("a"), exact("panels"), arg("n"), maybe("bias"),
        arg("activation"), exact("out"));
  m.def("pack_keys", ours::pack_keys, arg("target"), exact("k"), arg("heads"), arg("scale"), exact("keys"));
  m.def("attention", ours::attention, arg("target"), exact("q"), exact("keys"), exact("values"), arg("heads"),
        exact("scores"), maybe("out"), maybe("quantised"), arg("multiplier"), maybe("weights"));
  m.def("cached_attention", ours::cached_attention, arg("target"), exact("q"), exact("keys"), exact("values"),
        exact("cells"), arg("heads"), arg("scale"), exact("scores"), maybe("out"), maybe("quantised"),
        arg("multiplier"));
  m.def("additive_attention", ours::additive_attention, arg("target"), exact("query"), exact("projected"),
        exact("context"), exact("energy"), exact("scores"), exact("out"), maybe("weights"));
}
