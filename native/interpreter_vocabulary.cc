// The instructions whose size is the vocabulary's: embedding and output layer.
#include <algorithm>
#include <cstring>

#include "interpreter.h"

namespace dragoman {
namespace {

// Where a sketch told too little it will again soon: a model that it never helps loses 3 % of its output layer's time.
constexpr int32_t kScreeningPause = 16;

// Where element (n, k) of a packed [K][N] matrix lies (kernels/packing.h draws the order).
size_t int8_panel_index(size_t n, size_t k, size_t k_total) {
  size_t panel = n / 32, half = n % 32 / 16, column = n % 16;
  return ((panel * ((k_total + 3) / 4) + k / 4) * 2 + half) * 64 + column * 4 + k % 4;
}
size_t float_panel_index(size_t n, size_t k, size_t k_total) { return (n / 32 * k_total + k) * 32 + n % 32; }

}  // namespace

void Interpreter::embed_rows(const TableWeights& table, Precision precision, const int32_t* ids, int rows, float scale,
                             float* out, size_t stride) const {
  if (table.rows != nullptr) {
    if (precision == Precision::kFloat32) {
      kernels_->embed_float(static_cast<const float*>(table.rows), table.d, ids, rows, table.d, scale, out, stride);
    } else {
      kernels_->embed_int8(static_cast<const int8_t*>(table.rows), table.d, table.unquantise, ids, rows, table.d, scale,
                           out, stride);
    }
    return;
  }
  for (int row = 0; row < rows; ++row) {
    float* to = out + row * stride;
    if (ids[row] < 0) {
      std::memset(to, 0, static_cast<size_t>(table.d) * sizeof(float));
    } else if (precision == Precision::kFloat32) {
      const float* panels = static_cast<const float*>(table.panels);
      for (int k = 0; k < table.d; ++k) {
        to[k] = panels[float_panel_index(static_cast<size_t>(ids[row]), static_cast<size_t>(k),
                                         static_cast<size_t>(table.d))] *
                scale;
      }
    } else {
      const int8_t* panels = static_cast<const int8_t*>(table.panels);
      for (int k = 0; k < table.d; ++k) {
        size_t at =
            int8_panel_index(static_cast<size_t>(ids[row]), static_cast<size_t>(k), static_cast<size_t>(table.d));
        to[k] = static_cast<float>(panels[at]) * table.unquantise * scale;
      }
    }
  }
}

void Interpreter::embed(const Instruction& in) {
  const SlotWeights& slot = (*weights_)[in.slot];
  size_t stride;
  float* out = floats(in.output, &stride);
  int columns = in.output.columns;
  if (!in.flag) {
    embed_rows(slot.table, slot.slot.precision, rows_.previous, rows_.count, in.real, out, stride);
    if (!in.positions) return;
    if (rows_.step < kPositionRows) {
      const float* position = plan_->positions.data() + static_cast<size_t>(rows_.step) * columns;
      kernels_->binary(Binary::kAdd, out, stride, position, 0, rows_.count, columns, out, stride);
      return;
    }
    sinusoidal_position(rows_.step, columns, position_scratch_);
    kernels_->binary(Binary::kAdd, out, stride, position_scratch_, 0, rows_.count, columns, out, stride);
    return;
  }
  embed_rows(slot.table, slot.slot.precision, batch_->source + group_token_, group_tokens_, in.real, out, stride);
  if (!in.positions) return;
  for (int32_t s = group_.first; s < group_.last; ++s) {
    float* row = out + static_cast<size_t>(batch_->offsets[s] - group_token_) * stride;
    int32_t known = std::min(length(s), kPositionRows);
    kernels_->binary(Binary::kAdd, row, stride, plan_->positions.data(), columns, known, columns, row, stride);
    for (int32_t t = known; t < length(s); ++t) {
      sinusoidal_position(t, columns, position_scratch_);
      kernels_->binary(Binary::kAdd, row + t * stride, stride, position_scratch_, 0, 1, columns, row + t * stride,
                       stride);
    }
  }
}

void Interpreter::select_candidates(const Instruction& in) {
  if (!candidates_->restricted()) return;
  const SlotWeights& slot = (*weights_)[in.slot];
  const TableWeights& table = slot.table;
  const int32_t* ids = candidates_->union_ids;
  int count = candidates_->union_size;
  size_t stride;
  if (slot.slot.precision == Precision::kFloat32) {
    kernels_->pack_rows_float(static_cast<const float*>(table.rows), table.d, ids, count, table.d,
                              floats(in.panels, &stride));
  } else {
    int8_t* panels = reinterpret_cast<int8_t*>(bytes(in.panels, &stride));
    kernels_->pack_rows_int8(static_cast<const int8_t*>(table.rows), table.d, ids, count, table.d, panels);
    kernels_->gather(table.scale, ids, count, floats(in.scales, &stride));
    if (in.column_sums) {
      int32_t* sums = reinterpret_cast<int32_t*>(floats(in.column_sums, &stride));
      for (int i = 0; i < count; ++i) sums[i] = table.column_sums[ids[i]];
    }
  }
  float* biases = floats(in.biases, &stride);
  if (table.bias != nullptr) {
    kernels_->gather(table.bias, ids, count, biases);
  } else {
    std::memset(biases, 0, static_cast<size_t>(count) * sizeof(float));
  }
}

void Interpreter::logits_int8(const Instruction& in) {
  const TableWeights& table = (*weights_)[in.slot].table;
  GemmInt8 call{};
  size_t stride;
  call.a = bytes(in.x, &call.a_stride);
  call.m = rows_.count;
  call.k = table.d;
  call.n = columns_;
  if (candidates_->restricted()) {
    call.panels = reinterpret_cast<const int8_t*>(bytes(in.panels, &stride));
    call.scale = floats(in.scales, &stride);
    call.bias = floats(in.biases, &stride);
    call.column_sums = reinterpret_cast<const int32_t*>(floats(in.column_sums, &stride));
  } else {
    call.panels = static_cast<const int8_t*>(table.panels);
    call.scale = table.scale;
    call.bias = table.bias;
    call.column_sums = table.column_sums;
  }
  call.row_scale = floats(in.row_scale, &stride);
  call.activation = Activation::kNone;
  call.out = floats(in.output, &call.out_stride);
  if (summaries_.best == nullptr) return kernels_->gemm_int8(call);
  if (table.sketch != nullptr && summaries_.sums == nullptr && call.m <= kMostScreenedRows) {
    if (screening_pause_ > 0) {
      --screening_pause_;
    } else if (best_columns_screened(*kernels_, call, table.sketch, summaries_.never, bounds_, summaries_.best)) {
      return;
    } else {
      screening_pause_ = kScreeningPause;
    }
  }
  best_columns(*kernels_, call, block_columns(), summaries_);
}

void Interpreter::logits_float(const Instruction& in) {
  const TableWeights& table = (*weights_)[in.slot].table;
  GemmFloat call{};
  size_t stride;
  call.a = floats(in.x, &call.a_stride);
  call.m = rows_.count;
  call.k = table.d;
  call.n = columns_;
  if (candidates_->restricted()) {
    call.panels = floats(in.panels, &stride);
    call.bias = floats(in.biases, &stride);
  } else {
    call.panels = static_cast<const float*>(table.panels);
    call.bias = table.bias;
  }
  call.activation = Activation::kNone;
  call.out = floats(in.output, &call.out_stride);
  if (summaries_.best == nullptr) return kernels_->gemm_float(call);
  best_columns(*kernels_, call, block_columns(), summaries_);
}

}  // namespace dragoman
