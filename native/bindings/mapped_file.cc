// Regions of memory for weights, weights made from a region and its slot table, and checks of files' bytes.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <cstring>
#include <memory>
#include <string>

#include "weights/checksum.h"
#include "error.h"
#include "kernels/packing.h"
#include "kernels/sketch.h"
#include "weights/mapped_file.h"
#include "sentencepiece_check.h"
#include "bindings.h"
#include "without_gil.h"

namespace nb = nanobind;
using namespace dragoman;

namespace {

using Bytes = nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// One slot in the table of a prepared file: dragoman/formats/prepared.py writes it.
struct Record {
  uint32_t kind, vocabulary;
  float alpha, unquantise;
  struct Place {
    uint64_t offset, bytes;  // from the start of the region; both 0: none
  } panels, rows, scale, bias, column_sums, sketch, overflows;
};
static_assert(sizeof(Record) == 128);

[[noreturn]] void wrong(size_t slot, const char* what) {
  throw Error(Error::Code::kInvalid, "prepared weights: slot " + std::to_string(slot) + " " + what);
}

// Address of `count` elements in the region, or null where the table has none.
template <typename T>
const T* address(const Region& region, const Record::Place& place, size_t count, size_t slot) {
  if (place.bytes == 0 && place.offset == 0) return nullptr;
  if (place.offset % 64 != 0 || place.offset > region.size() || place.bytes > region.size() - place.offset) {
    wrong(slot, "lies outside of the region");
  }
  if (place.bytes / sizeof(T) < count) wrong(slot, "is too short");
  return reinterpret_cast<const T*>(region.data() + place.offset);
}

template <typename T>
void fill(const Region& region, const Record& record, SlotWeights* result, size_t (*packed_size)(int, int),
          size_t slot) {
  const Slot& expected = result->slot;
  if (expected.kind == SlotKind::kMatrix) {
    MatrixWeights& matrix = result->matrix;
    matrix.k = expected.rows;
    matrix.n = expected.columns;
    const size_t n = static_cast<size_t>(matrix.n);
    matrix.panels = address<T>(region, record.panels, packed_size(matrix.k, matrix.n), slot);
    matrix.scale = address<float>(region, record.scale, n, slot);
    matrix.bias = address<float>(region, record.bias, n, slot);
    matrix.column_sums = address<int32_t>(region, record.column_sums, n, slot);
    matrix.overflows = {address<uint8_t>(region, record.overflows, 0, slot), record.overflows.bytes};
    matrix.alpha = record.alpha;
    return;
  }
  if (record.vocabulary < 1 || record.vocabulary > (1u << 24)) wrong(slot, "has an absurd vocabulary");
  TableWeights& table = result->table;
  table.v = static_cast<int32_t>(record.vocabulary);
  table.d = expected.columns;
  const size_t v = record.vocabulary;
  table.rows = address<T>(region, record.rows, v * static_cast<size_t>(table.d), slot);
  table.panels = address<T>(region, record.panels, packed_size(table.d, table.v), slot);
  table.scale = address<float>(region, record.scale, v, slot);
  table.bias = address<float>(region, record.bias, v, slot);
  table.column_sums = address<int32_t>(region, record.column_sums, v, slot);
  table.overflows = {address<uint8_t>(region, record.overflows, 0, slot), record.overflows.bytes};
  table.alpha = record.alpha;
  table.unquantise = record.unquantise;
  table.sketch = address<uint8_t>(region, record.sketch, sketch_size(table.d, table.v), slot);
}

WeightsHandle* weights_in(nb::object plan, nb::object owner, nb::bytes table) {
  auto handle = std::make_unique<WeightsHandle>();
  const Plan& native = nb::cast<PlanHandle&>(plan).plan;
  const Region& region = nb::cast<Region&>(owner);
  const size_t count = native.slots.size();
  if (table.size() != count * sizeof(Record)) wrong(count, "and the plan's slots are not as many");
  for (size_t number = 0; number < count; ++number) {
    Record record;
    std::memcpy(&record, static_cast<const char*>(table.data()) + number * sizeof(Record), sizeof(Record));
    SlotWeights slot;
    slot.slot = native.slots[number];
    if (record.kind != static_cast<uint32_t>(slot.slot.kind)) wrong(number, "is of another kind");
    if (slot.slot.kind == SlotKind::kVector) {
      slot.vector_columns = slot.slot.columns;
      slot.vector = address<float>(region, record.panels, static_cast<size_t>(slot.slot.columns), number);
    } else if (slot.slot.precision == Precision::kFloat32) {
      fill<float>(region, record, &slot, &packed_size_float, number);
    } else {
      fill<int8_t>(region, record, &slot, &packed_size_int8, number);
    }
    if (slot.slot.kind == SlotKind::kTable && slot.slot.logits) handle->weights.vocabulary = slot.table.v;
    handle->weights.slots.push_back(slot);
  }
  check(handle->weights, native);
  handle->plan = plan;
  handle->arrays = owner;
  return handle.release();
}

std::unique_ptr<Region> or_os_error(std::unique_ptr<Region> region) {
  if (region == nullptr) {
    PyErr_SetFromErrno(PyExc_OSError);
    throw nb::python_error();
  }
  return region;
}

nb::object view(nb::handle self) {
  Region& region = nb::cast<Region&>(self);
  size_t shape[1] = {region.size()};
  if (region.writable()) {
    return nb::cast(nb::ndarray<nb::numpy, uint8_t, nb::ndim<1>>(region.data(), 1, shape, self),
                    nb::rv_policy::reference);
  }
  return nb::cast(nb::ndarray<nb::numpy, const uint8_t, nb::ndim<1>>(region.data(), 1, shape, self),
                  nb::rv_policy::reference);
}

// The buffer protocol: `memoryview(region)`, for those who do without NumPy.
int get_buffer(PyObject* self, Py_buffer* buffer, int flags) {
  Region& region = *nb::inst_ptr<Region>(self);
  return PyBuffer_FillInfo(buffer, self, region.data(), static_cast<Py_ssize_t>(region.size()), !region.writable(),
                           flags);
}

PyType_Slot region_slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(&get_buffer)}, {0, nullptr}};

uint64_t checksum_of(Bytes data) {
  const std::byte* start = reinterpret_cast<const std::byte*>(data.data());
  const size_t bytes = data.size();
  WithoutGil released;
  return checksum(start, bytes);
}

nb::tuple check_sentencepiece_of(nb::bytes data) {
  SentencePieceCheck found;
  {
    const uint8_t* start = static_cast<const uint8_t*>(data.data());
    const size_t bytes = data.size();
    WithoutGil released;
    found = check_sentencepiece(start, bytes);
  }
  nb::object problem = found.problem == nullptr ? nb::none() : nb::object(nb::str(found.problem));
  return nb::make_tuple(problem, found.offset, found.pieces);
}

}  // namespace

void bind_mapped_file(nb::module_& m) {
  nb::class_<Region>(m, "Region", nb::type_slots(region_slots),
                     "Memory for one model's weights: a mapped file, or private pages. Gone with the last use. "
                     "`memoryview(region)` is all bytes, without a copy.")
      .def_static(
          "map",
          [](int descriptor, const std::string& path) {
            std::unique_ptr<Region> region;
            {
              WithoutGil released;
              region = Region::map(descriptor, path);
            }
            return or_os_error(std::move(region));
          },
          nb::arg("descriptor"), nb::arg("path"), "Maps an open file read-only. Raises OSError.")
      .def_static(
          "anonymous", [](size_t bytes) { return or_os_error(Region::anonymous(bytes)); }, nb::arg("nbytes"),
          "Private zero pages, writable until sealed. Raises OSError.")
      .def(
          "seal", [](Region& region, size_t bytes) { return region.seal(bytes); }, nb::arg("nbytes"),
          "Keeps the first bytes, read-only. Views made before may still be written through: drop them.")
      .def(
          "view", [](nb::handle self) { return view(self); }, "All bytes as a NumPy array, without a copy.")
      .def_prop_ro("nbytes", &Region::size)
      .def_prop_ro("file_backed", &Region::file_backed)
      .def_prop_ro("damaged", &Region::damaged, "Whether the file was cut short or written to since it was mapped.");
  m.def("weights_in", &weights_in, nb::arg("plan"), nb::arg("region"), nb::arg("table"),
        "Weights at the places in a region that a slot table names. All are checked.");
  m.def("checksum", &checksum_of, nb::arg("data"), "64-bit checksum against damage.");
  m.def("check_sentencepiece", &check_sentencepiece_of, nb::arg("data"),
        "(problem or None, byte of it, number of pieces) of a SentencePiece model.");
}
