// Packing a model's matrices, and the handle of weights that lie in a region (mapped_file.cc).
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <string>
#include <vector>

#include "bindings.h"
#include "error.h"
#include "kernels/overflow.h"
#include "kernels/packing.h"
#include "kernels/sketch.h"
#include "search/shortlist.h"
#include "weights/checksum.h"

namespace nb = nanobind;
using namespace dragoman;

namespace {

[[noreturn]] void wrong(const char* field, const char* what) {
  throw Error(Error::Code::kInvalid, std::string("weights: ") + field + " " + what);
}

template <typename T>
using Writable = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

void pack_int8_into(nb::ndarray<const int8_t, nb::ndim<2>, nb::device::cpu> matrix, bool transposed,
                    Writable<int8_t> panels, Writable<int32_t> column_sums) {
  int k = static_cast<int>(matrix.shape(transposed ? 1 : 0)), n = static_cast<int>(matrix.shape(transposed ? 0 : 1));
  if (matrix.stride(1) != 1) wrong("matrix", "is not row-major");
  if (panels.size() < packed_size_int8(k, n) || column_sums.size() < static_cast<size_t>(n))
    wrong("panels", "are too short");
  pack_int8(matrix.data(), static_cast<size_t>(matrix.stride(0)), transposed, k, n, panels.data(), column_sums.data());
}

void pack_float_into(nb::ndarray<const float, nb::ndim<2>, nb::device::cpu> matrix, bool transposed,
                     Writable<float> panels) {
  int k = static_cast<int>(matrix.shape(transposed ? 1 : 0)), n = static_cast<int>(matrix.shape(transposed ? 0 : 1));
  if (matrix.stride(1) != 1) wrong("matrix", "is not row-major");
  if (panels.size() < packed_size_float(k, n)) wrong("panels", "are too short");
  pack_float(matrix.data(), static_cast<size_t>(matrix.stride(0)), transposed, k, n, panels.data());
}

// Changes with the kernels' layout: the checksum of what packing makes of a known matrix.
uint64_t layout_fingerprint() {
  constexpr int kK = 11, kN = 37;
  std::vector<int8_t> integers(kK * kN);
  for (int i = 0; i < kK * kN; ++i) integers[static_cast<size_t>(i)] = static_cast<int8_t>(i % 251 - 125);
  std::vector<float> floats(integers.begin(), integers.end());
  std::vector<int8_t> int8(packed_size_int8(kK, kN));
  std::vector<int32_t> sums(kN);
  std::vector<float> float32(packed_size_float(kK, kN));
  pack_int8(integers.data(), kN, false, kK, kN, int8.data(), sums.data());
  pack_float(floats.data(), kN, false, kK, kN, float32.data());
  auto sum = [](const auto& made) {
    return checksum(reinterpret_cast<const std::byte*>(made.data()), made.size() * sizeof(made[0]));
  };
  std::vector<uint8_t> sketch(sketch_size(kK, kN));
  make_sketch(integers.data(), kK, kK, kN, true, sketch.data());
  const std::vector<uint8_t> lists = make_overflow_lists(int8.data(), kK, kN);
  const uint64_t highest = static_cast<uint64_t>(find_highest_bound(integers.data(), kK, kK, kN));
  return sum(int8) ^ sum(sums) * 3 ^ sum(float32) * 5 ^ sum(sketch) * 7 ^ sum(lists) * 11 ^ highest * 13;
}

void make_sketch_into(nb::ndarray<const int8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu> table, bool dynamic,
                      Writable<uint8_t> sketch) {
  int n = static_cast<int>(table.shape(0)), k = static_cast<int>(table.shape(1));
  if (k > kMostSketchedRows) wrong("table", "is too wide for a sketch");
  if (sketch.size() < sketch_size(k, n)) wrong("sketch", "is too short");
  make_sketch(table.data(), static_cast<size_t>(k), k, n, dynamic, sketch.data());
}

}  // namespace

void bind_weights(nb::module_& m) {
  m.def("packed_size_int8", &packed_size_int8, nb::arg("k"), nb::arg("n"));
  m.def("packed_size_float", &packed_size_float, nb::arg("k"), nb::arg("n"));
  m.def("pack_int8", &pack_int8_into, nb::arg("matrix"), nb::arg("transposed"), nb::arg("panels"),
        nb::arg("column_sums"), "Packs int8 [K, N] (or [N, K] if transposed) into panels and column sums.");
  m.def("pack_float", &pack_float_into, nb::arg("matrix"), nb::arg("transposed"), nb::arg("panels"));
  m.def("layout_fingerprint", &layout_fingerprint, "Changes with the order in which packing puts matrices.");
  m.def("sketch_size", &sketch_size, nb::arg("k"), nb::arg("n"));
  m.def("make_sketch", &make_sketch_into, nb::arg("table"), nb::arg("dynamic"), nb::arg("sketch"),
        "Writes the sketch of an int8 output layer [N, K]. dynamic: of activations that are quantised row by row.");
  m.def(
      "find_highest_bound",
      [](nb::ndarray<const int8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu> table) {
        const size_t k = table.shape(1);
        return find_highest_bound(table.data(), k, static_cast<int>(k), static_cast<int>(table.shape(0)));
      },
      nb::arg("table"), "Of the columns of an output layer [N, K] (native/kernels/overflow.h).");
  m.def("most_overflow_bytes", &most_overflow_bytes, nb::arg("k"), nb::arg("n"));
  m.def(
      "make_overflow_lists",
      [](nb::ndarray<const int8_t, nb::c_contig, nb::device::cpu> panels, int k, int n) {
        if (panels.size() < packed_size_int8(k, n)) wrong("panels", "are too short");
        const std::vector<uint8_t> lists = make_overflow_lists(panels.data(), k, n);
        return nb::bytes(lists.data(), lists.size());
      },
      nb::arg("panels"), nb::arg("k"), nb::arg("n"), "Where sums of 16 bits may overflow (native/kernels/overflow.h).");
  nb::class_<WeightsHandle>(m, "Weights", "Addresses of a model's prepared slots; keeps plan and region alive.")
      .def_prop_ro("vocabulary", [](const WeightsHandle& handle) { return handle.weights.vocabulary; });
}
