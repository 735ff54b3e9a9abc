#include "weights/weights.h"

#include "error.h"
#include "kernels/sketch.h"

namespace dragoman {
namespace {

void require(bool condition, size_t number, const char* what) {
  if (!condition) {
    throw Error(Error::Code::kInvalid, "weights: slot " + std::to_string(number) + " " + what);
  }
}

void check_matrix(const MatrixWeights& matrix, const Slot& slot, size_t number) {
  require(matrix.k == slot.rows && matrix.n == slot.columns, number, "has another shape than its plan");
  require(matrix.panels != nullptr, number, "has no panels");
  if (slot.precision != Precision::kFloat32) require(matrix.scale != nullptr, number, "has no scales");
  if (slot.precision == Precision::kInt8) {
    require(matrix.bias != nullptr && matrix.alpha > 0, number, "has no shifted bias or activation multiplier");
  }
  if (slot.precision == Precision::kInt8Rows) require(matrix.column_sums != nullptr, number, "has no column sums");
}

void check_table(const TableWeights& table, const Slot& slot, size_t number) {
  require(table.d == slot.columns && table.v > 0, number, "has another shape than its plan");
  require((table.rows == nullptr) != (table.panels == nullptr), number, "must be either row-major or packed");
  if (slot.precision != Precision::kFloat32) {
    if (slot.embeds) require(table.unquantise > 0, number, "has no weight multiplier");
    if (slot.logits) require(table.scale != nullptr, number, "has no scales");
    if (slot.logits && slot.precision == Precision::kInt8) {
      require(table.bias != nullptr && table.alpha > 0, number, "has no shifted bias or activation multiplier");
    }
    if (slot.logits && slot.precision == Precision::kInt8Rows) {
      require(table.column_sums != nullptr, number, "has no column sums");
    }
  }
  if (table.sketch == nullptr) return;
  require(slot.logits && slot.precision != Precision::kFloat32 && table.panels != nullptr, number, "has a sketch");
  require(table.d <= kMostSketchedRows, number, "is too wide for a sketch");
  for (int32_t n = 0; n < table.v; ++n) require(table.scale[n] > 0, number, "has a sketch and scales below 0");
}

}  // namespace

void check(const Weights& weights, const Plan& plan) {
  if (weights.slots.size() != plan.slots.size()) {
    throw Error(Error::Code::kInvalid, "weights: " + std::to_string(weights.slots.size()) + " slots for a plan of " +
                                           std::to_string(plan.slots.size()));
  }
  for (size_t number = 0; number < plan.slots.size(); ++number) {
    const SlotWeights& slot = weights.slots[number];
    const Slot& expected = plan.slots[number];
    require(slot.slot.kind == expected.kind && slot.slot.precision == expected.precision, number, "is of another kind");
    switch (expected.kind) {
      case SlotKind::kMatrix:
        check_matrix(slot.matrix, expected, number);
        break;
      case SlotKind::kTable:
        check_table(slot.table, expected, number);
        break;
      case SlotKind::kVector:
        require(slot.vector != nullptr && slot.vector_columns == expected.columns, number, "has another length");
        break;
    }
    if (expected.kind == SlotKind::kTable && expected.logits) {
      require(slot.table.v == weights.vocabulary, number, "has another vocabulary than the output layer");
    }
  }
}

}  // namespace dragoman
