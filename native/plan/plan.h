// A compiled graph as the interpreter reads it: the native form of src/dragoman/planning/plan.py.
// Made once from an image, validated once (validate.cc), then immutable; shared by all models of an
// architecture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plan/extents.h"
#include "kernels/kernels.h"

namespace dragoman {

enum class Kind : int32_t { kF32, kU8, kI32 };

constexpr int64_t item_bytes(Kind kind) { return kind == Kind::kU8 ? 1 : 4; }

struct Value {
  std::string name;
  Dimension rows, columns;
  Kind kind = Kind::kF32;

  // Elements from row to row; rows start on 64-byte boundaries.
  int64_t stride(const Extents& extents) const { return round_up(columns.value(extents), 64 / item_bytes(kind)); }
  int64_t bytes(const Extents& extents) const { return rows.value(extents) * stride(extents) * item_bytes(kind); }
};

// A view on columns of a value; value -1: absent.
struct Operand {
  int32_t value = -1;
  int32_t column = 0;
  int32_t columns = 0;

  explicit operator bool() const { return value >= 0; }
};

// Names are those of src/dragoman/planning/instructions.py, in the order of planning/image.py.
// clang-format off
#define DRAGOMAN_OPERATIONS(X) X(Embed) X(Quantize) X(QuantizeRows) X(GemmInt8) X(GemmFloat) X(Norm) \
  X(SelfAttention) X(PackKeys) X(CrossAttention) X(CachedAttention) X(AdditiveAttention) X(Activate) X(Add) \
  X(Multiply) X(Mix) X(RunningAverage) X(Gru) X(Lstm) X(Copy) X(Zero) X(ReorderState) X(MeanOverSentence) \
  X(ScanBegin) X(ScanEnd) X(ScanRead) X(ScanWrite) X(SelectCandidates) X(LogitsInt8) X(LogitsFloat)
// clang-format on

enum class Op : int32_t {
#define DRAGOMAN_ENUMERATOR(name) k##name,
  DRAGOMAN_OPERATIONS(DRAGOMAN_ENUMERATOR)
#undef DRAGOMAN_ENUMERATOR
};

// One instruction; which fields are used depends on op: src/dragoman/planning/instructions.py says which is which.
struct Instruction {
  Op op = Op::kCopy;
  Symbol rows = Symbol::kRows;
  Operand x, y, z;
  Operand row_scale;
  Operand output, quantised;
  Operand sum;  // also Lstm's cell_output
  Operand scratch, weights, cache;
  Operand panels, scales, biases, column_sums;
  int32_t slot = -1;  // matrix, table, energy; norm's scale
  int32_t bias_slot = -1;
  int32_t multiplier_of = -1;
  int32_t heads = 0;
  Activation function = Activation::kNone;
  bool flag = false;  // Embed: source; Norm: rms; Gru: final; ScanBegin: backward
  bool positions = false;
  float real = 0;  // Embed: scale; Norm: epsilon
};

enum class SlotKind : int32_t { kMatrix, kVector, kTable };
enum class Precision : int32_t { kFloat32, kInt8, kInt8Rows };

// What a model must bind to a slot. rows is K of a matrix, 0 of a vector; of a table columns is its width.
struct Slot {
  SlotKind kind = SlotKind::kMatrix;
  Precision precision = Precision::kFloat32;
  int32_t rows = 0, columns = 0;
  bool embeds = false, logits = false;
};

struct Plan {
  std::vector<Value> values;
  std::vector<std::vector<int32_t>> below;
  std::vector<int32_t> order;
  std::vector<Slot> slots;
  std::vector<Instruction> encode, prime, select, step;
  int32_t logits = -1;
  int32_t alignment = -1;
  int32_t caches = 0;
  // Sinusoidal positions [kPositionRows][position_columns], for plans that embed with positions (else empty).
  int32_t position_columns = 0;
  std::vector<float> positions;

  // Byte offset of every value into offsets[values.size()]; returns the bytes needed in all.
  int64_t layout(const Extents& extents, int64_t* offsets) const;
};

inline constexpr int kPositionRows = 256;

// P(t) of Marian's src/graph/node_initializers.cpp (sinusoidalPositionEmbeddings): sines, then cosines. columns floats.
void sinusoidal_position(int64_t t, int columns, float* out);

// Checks everything that the interpreter relies on: indices, kinds, phases, row extents, widths, slots. Throws Error.
void validate(const Plan& plan);

// Computes what follows from the rest (width and table of positions), and validates. Throws Error.
void complete(Plan* plan);

}  // namespace dragoman
