// The instructions whose size is the vocabulary's: embedding and output layer.
#include <algorithm>
#include <cstring>

#include "interpreter/interpreter.h"
#include "kernels/packing.h"

namespace dragoman {
namespace {

// Where a sketch told too little it will again soon: a model that it never helps loses 3 % of its output layer's time.
constexpr int32_t kScreeningPause = 16;

// One column into panels of either kind, which are the same in units of 4 bytes: [panel][unit][32].
void pack_column(const std::byte* row, size_t row_bytes, int32_t column, std::byte* panels) {
  const size_t units = (row_bytes + 3) / 4, panel = static_cast<size_t>(column / kPanelColumns);
  std::byte* to = panels + (panel * units * kPanelColumns + static_cast<size_t>(column % kPanelColumns)) * 4;
  for (size_t unit = 0; unit < row_bytes / 4; ++unit) std::memcpy(to + unit * 4 * kPanelColumns, row + unit * 4, 4);
  if (row_bytes % 4 == 0) return;
  to += (units - 1) * 4 * kPanelColumns;
  std::memset(to, 0, 4);
  std::memcpy(to, row + row_bytes / 4 * 4, row_bytes % 4);
}

// Rows of the vocabulary's table are far apart: they are asked for a few columns before their turn.
constexpr int32_t kAhead = 6;
void fetch(const std::byte* row, size_t row_bytes) {
  for (size_t at = 0; at < row_bytes; at += 64) __builtin_prefetch(row + at);
}

// How many of the columns follow each other and fill panels from the first on.
int32_t whole_panels(const int32_t* columns, int32_t count) {
  int32_t run = 1;
  while (run < count && columns[run] == columns[0] + run) ++run;
  return columns[0] % kPanelColumns == 0 ? run / kPanelColumns * kPanelColumns : 0;
}

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
        to[k] = panels[float_panel_index(ids[row], k, table.d)] * scale;
      }
    } else {
      const int8_t* panels = static_cast<const int8_t*>(table.panels);
      for (int k = 0; k < table.d; ++k) {
        size_t at = int8_panel_index(ids[row], k, table.d);
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
    return for_runs([&](int first, int count, int step) {
      const float* position = plan_->positions.data() + static_cast<size_t>(step) * columns;
      if (step >= kPositionRows) {
        sinusoidal_position(step, columns, position_scratch_);
        position = position_scratch_;
      }
      float* row = out + first * stride;
      kernels_->binary(Binary::kAdd, row, stride, position, 0, count, columns, row, stride);
    });
  }
  embed_rows(slot.table, slot.slot.precision, batch_->source + batch_->offsets[group_.first], group_tokens_, in.real,
             out, stride);
  if (!in.positions) return;
  for (int32_t s = group_.first; s < group_.last; ++s) {
    float* row = out + static_cast<size_t>(within(s)) * stride;
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
  if (!shortlisted_->restricted()) return;
  const SlotWeights& slot = (*weights_)[in.slot];
  const TableWeights& table = slot.table;
  const int32_t *fresh = shortlisted_->fresh(), *ids = shortlisted_->ids();
  const int32_t count = shortlisted_->fresh_count();
  const bool is_float = slot.slot.precision == Precision::kFloat32;
  size_t stride;
  std::byte* panels = reinterpret_cast<std::byte*>(bytes(in.panels, &stride));
  float *scales = floats(in.scales, &stride), *biases = floats(in.biases, &stride);
  int32_t* sums = reinterpret_cast<int32_t*>(floats(in.column_sums, &stride));
  const size_t row_bytes = static_cast<size_t>(table.d) * (is_float ? sizeof(float) : 1);
  for (int32_t at = 0; at < count;) {
    const int32_t column = fresh[at], whole = whole_panels(fresh + at, count - at);
    if (whole > 0 && is_float) {
      kernels_->pack_rows_float(static_cast<const float*>(table.rows), table.d, ids + column, whole, table.d,
                                reinterpret_cast<float*>(panels) + float_panel_index(column, 0, table.d));
    } else if (whole > 0) {
      kernels_->pack_rows_int8(static_cast<const int8_t*>(table.rows), table.d, ids + column, whole, table.d,
                               reinterpret_cast<int8_t*>(panels) + int8_panel_index(column, 0, table.d));
    } else {
      const std::byte* rows = static_cast<const std::byte*>(table.rows);
      if (at + kAhead < count) fetch(rows + static_cast<size_t>(ids[fresh[at + kAhead]]) * row_bytes, row_bytes);
      pack_column(rows + static_cast<size_t>(ids[column]) * row_bytes, row_bytes, column, panels);
    }
    for (const int32_t end = at + std::max(whole, 1); at < end; ++at) {
      const int32_t id = ids[fresh[at]];
      if (scales != nullptr) scales[fresh[at]] = table.scale[id];
      if (sums != nullptr) sums[fresh[at]] = table.column_sums[id];
      biases[fresh[at]] = table.bias == nullptr ? 0.f : table.bias[id];
    }
  }
}

void Interpreter::logits_int8(const Instruction& in) {
  const TableWeights& table = (*weights_)[in.slot].table;
  GemmInt8 call{};
  size_t stride;
  call.a = bytes(in.x, &call.a_stride);
  call.m = rows_.count;
  call.k = table.d;
  call.n = columns();
  if (shortlisted_->restricted()) {
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
  call.overflows = table.overflows.data;
  call.overflow_bytes = table.overflows.bytes;
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
  call.n = columns();
  if (shortlisted_->restricted()) {
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
