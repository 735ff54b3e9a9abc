// A model's parameters in kernel-ready form: a table slot -> addresses. The bytes belong to the caller (one read-only
// region a model), who keeps them alive as long as this object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "plan/plan.h"

namespace dragoman {

// Of int8 panels (kernels/overflow.h), or null.
struct OverflowLists {
  const uint8_t* data = nullptr;
  size_t bytes = 0;
};

struct MatrixWeights {
  int32_t k = 0, n = 0;
  const void* panels = nullptr;  // packed (kernels/packing.h), float or int8
  const float* scale = nullptr;  // [n], int8 only
  const float* bias = nullptr;   // [n] or null
  const int32_t* column_sums = nullptr;
  OverflowLists overflows;
  float alpha = 0;  // activation multiplier, Precision::kInt8 only
};

struct TableWeights {
  int32_t v = 0, d = 0;
  const void* rows = nullptr;    // [v][d] row-major, float or int8; null when packed
  const void* panels = nullptr;  // packed; null when row-major
  const float* scale = nullptr;  // [v], int8 logits
  const float* bias = nullptr;   // [v] or null
  const int32_t* column_sums = nullptr;
  OverflowLists overflows;
  float alpha = 0;
  float unquantise = 0;             // 1 / beta: int8 value to float
  const uint8_t* sketch = nullptr;  // of int8 panels (kernels/sketch.h), or null
};

struct SlotWeights {
  Slot slot;
  MatrixWeights matrix;
  TableWeights table;
  const float* vector = nullptr;
  int32_t vector_columns = 0;

  // The multiplier with which an input of this slot's product is quantised.
  float alpha() const { return slot.kind == SlotKind::kTable ? table.alpha : matrix.alpha; }
};

struct Weights {
  std::vector<SlotWeights> slots;
  int32_t vocabulary = 0;  // rows of the output table

  const SlotWeights& operator[](int32_t number) const { return slots[static_cast<size_t>(number)]; }
};

// Checks that the weights fit the plan: every slot, its shape and the pointers that its use needs. Throws Error.
void check(const Weights& weights, const Plan& plan);

}  // namespace dragoman
