#include "interpreter/interpreter.h"

#include <algorithm>
#include <cstring>
#include <ctime>

namespace dragoman {
namespace {

// Time of this thread alone: neighbours on a busy machine do not count.
int64_t thread_nanoseconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

void Interpreter::bind(const Plan& plan, const Weights& weights, const Kernels& kernels, const Batch& batch,
                       const Columns& shortlisted, const Places& places, const Extents& extents, Carver* carver) {
  plan_ = &plan;
  weights_ = &weights;
  kernels_ = &kernels;
  batch_ = &batch;
  shortlisted_ = &shortlisted;
  places_ = &places;
  screening_pause_ = 0;
  extents_ = extents;
  int64_t values = static_cast<int64_t>(plan.values.size());
  offsets_ = carver->take<int64_t>(values);
  strides_ = carver->take<int64_t>(values);
  position_scratch_ = carver->take<float>(plan.position_columns);
  if (offsets_ == nullptr) return;  // counting only
  value_bytes_ = plan.layout(extents, offsets_);
  for (int64_t number = 0; number < values; ++number) strides_[number] = plan.values[number].stride(extents);
}

Interpreter::View Interpreter::view(const Operand& operand) const {
  const Value& value = plan_->values[operand.value];
  int64_t row = 0;
  if (value.rows.is(Symbol::kTokens)) row = group_token_;
  if (value.rows.is(Symbol::kRows)) row = group_row_;
  int64_t stride = strides_[operand.value];
  return {base_ + offsets_[operand.value] + (row * stride + operand.column) * item_bytes(value.kind), stride};
}

float* Interpreter::floats(const Operand& operand, size_t* stride) const {
  if (!operand) {
    *stride = 0;
    return nullptr;
  }
  View found = view(operand);
  *stride = static_cast<size_t>(found.stride);
  return reinterpret_cast<float*>(found.data);
}

uint8_t* Interpreter::bytes(const Operand& operand, size_t* stride) const {
  return reinterpret_cast<uint8_t*>(floats(operand, stride));
}

int32_t Interpreter::row_count(Symbol rows) const {
  switch (rows) {
    case Symbol::kGroupTokens:
      return group_tokens_;
    case Symbol::kGroupSentences:
      return active_;
    default:
      return rows_.count;
  }
}

float Interpreter::multiplier(const Instruction& in) const {
  return in.multiplier_of < 0 ? 0.f : (*weights_)[in.multiplier_of].alpha();
}

void Interpreter::encode(const Group& group, int32_t first_row) {
  group_ = group;
  group_token_ = places_->tokens[group.first];
  group_row_ = first_row;
  group_tokens_ = batch_->offsets[group.last] - batch_->offsets[group.first];
  active_ = group.sentences();
  size_t first_cost = plan_->select.size();
  run(plan_->encode, first_cost);
  run(plan_->prime, first_cost + plan_->encode.size());
}

void Interpreter::select() {
  group_ = {};
  group_token_ = group_row_ = 0;
  run(plan_->select, 0);
}

void Interpreter::step(const Rows& rows) {
  rows_ = rows;
  group_ = {};
  group_token_ = group_row_ = 0;
  run(plan_->step, plan_->select.size() + plan_->encode.size() + plan_->prime.size());
}

const float* Interpreter::logits(int32_t row) const {
  size_t stride;
  const float* first = floats({plan_->logits, 0, 0}, &stride);
  return first + row * stride;
}

const float* Interpreter::alignment(int32_t row) const {
  if (plan_->alignment < 0 || extents_[static_cast<int>(Symbol::kAligned)] == 0) return nullptr;
  size_t stride;
  const float* first = floats({plan_->alignment, 0, 0}, &stride);
  return first + row * stride;
}

void Interpreter::run(const std::vector<Instruction>& instructions, size_t first_cost) {
  size_t count = instructions.size();
  for (size_t at = 0; at < count; ++at) {
    if (instructions[at].op != Op::kScanBegin) {
      if (dispatch(instructions[at], first_cost + at)) return;
      continue;
    }
    size_t end = at + 1;
    while (instructions[end].op != Op::kScanEnd) ++end;
    backward_ = instructions[at].flag;
    int32_t sentences = active_;
    int32_t longest = length(group_.first);
    for (position_ = 0; position_ < longest; ++position_) {
      while (length(group_.first + active_ - 1) <= position_) --active_;
      for (size_t body = at + 1; body < end; ++body) {
        if (dispatch(instructions[body], first_cost + body)) return;
      }
    }
    active_ = sentences;
    at = end;
  }
}

// Returns whether to stop.
bool Interpreter::dispatch(const Instruction& instruction, size_t cost) {
  if (costs_ == nullptr) {
    execute(instruction);
    return stop_->after(row_count(instruction.rows));
  }
  int64_t start = thread_nanoseconds();
  execute(instruction);
  costs_[cost].nanoseconds += thread_nanoseconds() - start;
  costs_[cost].calls += 1;
  costs_[cost].rows += row_count(instruction.rows);
  return stop_->after(row_count(instruction.rows));
}

void Interpreter::execute(const Instruction& in) {
  size_t xs, ys, zs, os, ss;
  int rows = row_count(in.rows);
  switch (in.op) {
    case Op::kEmbed:
      return embed(in);
    case Op::kQuantize: {
      const float* x = floats(in.x, &xs);
      uint8_t* out = bytes(in.output, &os);
      return kernels_->quantize(x, xs, rows, in.x.columns, multiplier(in), out, os);
    }
    case Op::kQuantizeRows: {
      const float* x = floats(in.x, &xs);
      uint8_t* out = bytes(in.output, &os);
      // The scales lie together at the start of their value, not one a row.
      return kernels_->quantize_rows(x, xs, rows, in.x.columns, out, os, floats(in.row_scale, &ss));
    }
    case Op::kGemmInt8:
      return gemm_int8(in);
    case Op::kGemmFloat:
      return gemm_float(in);
    case Op::kNorm:
      return norm(in);
    case Op::kSelfAttention:
      return self_attention(in);
    case Op::kPackKeys:
      return pack_keys(in);
    case Op::kCrossAttention:
      return cross_attention(in);
    case Op::kCachedAttention:
      return cached_attention(in);
    case Op::kAdditiveAttention:
      return additive_attention(in);
    case Op::kActivate: {
      const float* x = floats(in.x, &xs);
      float* out = floats(in.output, &os);
      return kernels_->activate(x, xs, rows, in.x.columns, in.function, out, os);
    }
    case Op::kAdd:
    case Op::kMultiply: {
      const float* x = floats(in.x, &xs);
      const float* y = floats(in.y, &ys);
      float* out = floats(in.output, &os);
      Binary binary = in.op == Op::kAdd ? Binary::kAdd : Binary::kMultiply;
      return kernels_->binary(binary, x, xs, y, ys, rows, in.x.columns, out, os);
    }
    case Op::kMix: {
      const float* gate = floats(in.x, &xs);
      const float* y = floats(in.y, &ys);
      const float* x = floats(in.z, &zs);
      float* out = floats(in.output, &os);
      return kernels_->mix(gate, xs, y, ys, x, zs, rows, in.x.columns, out, os);
    }
    case Op::kRunningAverage: {
      const float* average = floats(in.z, &zs);
      const float* x = floats(in.x, &xs);
      float* out = floats(in.output, &os);
      return for_runs([&](int first, int count, int step) {
        kernels_->running_average(average + first * zs, zs, x + first * xs, xs, count, in.x.columns,
                                  static_cast<float>(step), out + first * os, os);
      });
    }
    case Op::kGru: {
      const float* x = floats(in.x, &xs);
      const float* s = floats(in.y, &ys);
      const float* h = floats(in.z, &zs);
      float* out = floats(in.output, &os);
      const float* bias = in.bias_slot < 0 ? nullptr : (*weights_)[in.bias_slot].vector;
      return kernels_->gru(x, xs, s, ys, bias, h, zs, rows, in.z.columns, in.flag, out, os);
    }
    case Op::kLstm: {
      const float* x = floats(in.x, &xs);
      const float* s = floats(in.y, &ys);
      const float* cell = floats(in.z, &zs);
      float* cell_out = floats(in.sum, &ss);
      float* out = floats(in.output, &os);
      const float* bias = in.bias_slot < 0 ? nullptr : (*weights_)[in.bias_slot].vector;
      return kernels_->lstm(x, xs, s, ys, bias, cell, zs, rows, in.z.columns, cell_out, ss, out, os);
    }
    case Op::kCopy:
    case Op::kReorderState:
      return copy_rows(in);
    case Op::kZero: {
      float* out = floats(in.output, &os);
      for (int row = 0; row < rows; ++row) {
        std::memset(out + row * os, 0, static_cast<size_t>(in.output.columns) * sizeof(float));
      }
      return;
    }
    case Op::kMeanOverSentence:
      return mean(in);
    case Op::kScanRead:
      return scan_rows(in, false);
    case Op::kScanWrite:
      return scan_rows(in, true);
    case Op::kSelectCandidates:
      return select_candidates(in);
    case Op::kLogitsInt8:
      return logits_int8(in);
    case Op::kLogitsFloat:
      return logits_float(in);
    case Op::kScanBegin:
    case Op::kScanEnd:
      return;
  }
}

void Interpreter::gemm_int8(const Instruction& in) {
  const MatrixWeights& matrix = (*weights_)[in.slot].matrix;
  GemmInt8 call{};
  const uint8_t* a = bytes(in.x, &call.a_stride);
  call.k = matrix.k;
  call.n = matrix.n;
  call.panels = static_cast<const int8_t*>(matrix.panels);
  call.scale = matrix.scale;
  call.bias = matrix.bias;
  call.column_sums = matrix.column_sums;
  call.overflows = matrix.overflows.data;
  call.overflow_bytes = matrix.overflows.bytes;
  size_t row_stride;
  const float* row_scale = floats(in.row_scale, &row_stride);
  call.activation = in.function;
  float* out = floats(in.output, &call.out_stride);
  uint8_t* quantised = bytes(in.quantised, &call.quantised_stride);
  call.out_multiplier = multiplier(in);
  in_pieces(row_count(in.rows), int64_t{call.k} * call.n, [&](int first, int rows) {
    call.m = rows;
    call.a = a + first * call.a_stride;
    call.row_scale = row_scale == nullptr ? nullptr : row_scale + first;
    call.out = out == nullptr ? nullptr : out + first * call.out_stride;
    call.quantised = quantised == nullptr ? nullptr : quantised + first * call.quantised_stride;
    kernels_->gemm_int8(call);
  });
}

void Interpreter::gemm_float(const Instruction& in) {
  const MatrixWeights& matrix = (*weights_)[in.slot].matrix;
  GemmFloat call{};
  const float* a = floats(in.x, &call.a_stride);
  call.k = matrix.k;
  call.n = matrix.n;
  call.panels = static_cast<const float*>(matrix.panels);
  call.bias = matrix.bias;
  call.activation = in.function;
  float* out = floats(in.output, &call.out_stride);
  in_pieces(row_count(in.rows), int64_t{call.k} * call.n, [&](int first, int rows) {
    call.m = rows;
    call.a = a + first * call.a_stride;
    call.out = out + first * call.out_stride;
    kernels_->gemm_float(call);
  });
}

void Interpreter::norm(const Instruction& in) {
  Norm call{};
  call.x = floats(in.x, &call.x_stride);
  call.residual = floats(in.y, &call.residual_stride);
  call.rows = row_count(in.rows);
  call.columns = in.x.columns;
  call.rms = in.flag;
  call.scale = in.slot < 0 ? nullptr : (*weights_)[in.slot].vector;
  call.bias = in.bias_slot < 0 ? nullptr : (*weights_)[in.bias_slot].vector;
  call.epsilon = in.real;
  call.sum = floats(in.sum, &call.sum_stride);
  call.out = floats(in.output, &call.out_stride);
  call.quantised = bytes(in.quantised, &call.quantised_stride);
  call.multiplier = multiplier(in);
  kernels_->norm(call);
}

void Interpreter::copy_rows(const Instruction& in) {
  size_t xs, os;
  const float* x = floats(in.x, &xs);
  float* out = floats(in.output, &os);
  int rows = row_count(in.rows);
  size_t bytes = static_cast<size_t>(in.x.columns) * sizeof(float);
  for (int row = 0; row < rows; ++row) {
    int32_t from = in.op == Op::kReorderState ? rows_.parent[row] : row;
    std::memcpy(out + row * os, x + from * xs, bytes);
  }
}

void Interpreter::mean(const Instruction& in) {
  size_t xs, os;
  const float* x = floats(in.x, &xs);
  float* out = floats(in.output, &os);
  int columns = in.x.columns;
  for (int32_t s = group_.first; s < group_.last; ++s) {
    float* row = out + (s - group_.first) * os;
    const float* token = x + within(s) * xs;
    std::memcpy(row, token, static_cast<size_t>(columns) * sizeof(float));
    for (int32_t t = 1; t < length(s); ++t) {
      for (int column = 0; column < columns; ++column) row[column] += token[t * xs + column];
    }
    float count = static_cast<float>(length(s));
    for (int column = 0; column < columns; ++column) row[column] /= count;
  }
}

void Interpreter::scan_rows(const Instruction& in, bool write) {
  size_t xs, os;
  const float* x = floats(in.x, &xs);
  float* out = floats(in.output, &os);
  size_t bytes = static_cast<size_t>(in.x.columns) * sizeof(float);
  for (int32_t row = 0; row < active_; ++row) {
    int32_t s = group_.first + row;
    size_t token = static_cast<size_t>(within(s) + (backward_ ? length(s) - 1 - position_ : position_));
    if (write) {
      std::memcpy(out + token * os, x + row * xs, bytes);
    } else {
      std::memcpy(out + row * os, x + token * xs, bytes);
    }
  }
}

}  // namespace dragoman
