// The attention instructions: which rows meet which keys. The arithmetic is in kernels/.
#include <cmath>
#include <cstring>

#include "interpreter/interpreter.h"

namespace dragoman {
namespace {

float attention_scale(int head_dim) { return 1.f / std::sqrt(static_cast<float>(head_dim)); }

}  // namespace

void Interpreter::self_attention(const Instruction& in) {
  size_t qs, ks, vs, scratch_stride, os, bs;
  const float* q = floats(in.x, &qs);
  const float* k = floats(in.y, &ks);
  const float* v = floats(in.z, &vs);
  float* scratch = floats(in.scratch, &scratch_stride);
  float* out = floats(in.output, &os);
  uint8_t* quantised = bytes(in.quantised, &bs);
  int head_dim = in.x.columns / in.heads;
  for (int32_t s = group_.first; s < group_.last; ++s) {
    size_t row = static_cast<size_t>(within(s));
    int count = length(s);
    size_t key_stride = static_cast<size_t>(round_up(count, 16));
    for (int head = 0; head < in.heads; ++head) {
      int column = head * head_dim;
      kernels_->pack_keys(k + row * ks + column, ks, count, 1, head_dim, attention_scale(head_dim), scratch,
                          key_stride);
      Attention call{};
      call.q_stride = qs;
      call.keys = scratch;
      call.values = v + row * vs + column;
      call.value_stride = vs;
      call.count = count;
      call.heads = 1;
      call.head_dim = head_dim;
      call.scores = scratch + static_cast<size_t>(head_dim) * scratch_stride;
      call.out_stride = os;
      call.quantised_stride = bs;
      call.multiplier = multiplier(in);
      in_pieces(count, int64_t{2} * head_dim * count, [&](int first, int rows) {
        size_t at = row + static_cast<size_t>(first);
        call.rows = rows;
        call.q = q + at * qs + column;
        if (out != nullptr) call.out = out + at * os + column;
        if (quantised != nullptr) call.quantised = quantised + at * bs + column;
        kernels_->attention(call);
      });
      if (stop_->after(count)) return;
    }
  }
}

void Interpreter::pack_keys(const Instruction& in) {
  size_t ks, os;
  const float* k = floats(in.x, &ks);
  float* keys = floats(in.output, &os);
  int head_dim = in.x.columns / in.heads;
  for (int32_t s = group_.first; s < group_.last; ++s) {
    size_t row = static_cast<size_t>(within(s));
    kernels_->pack_keys(k + row * ks, ks, length(s), in.heads, head_dim, attention_scale(head_dim),
                        keys + static_cast<size_t>(places_->padded[s]) * os,
                        static_cast<size_t>(round_up(length(s), 16)));
  }
}

void Interpreter::cross_attention(const Instruction& in) {
  size_t qs, ks, vs, scratch_stride, os, bs, ws;
  const float* q = floats(in.x, &qs);
  const float* keys = floats(in.y, &ks);
  const float* v = floats(in.z, &vs);
  float* scratch = floats(in.scratch, &scratch_stride);
  float* out = floats(in.output, &os);
  uint8_t* quantised = bytes(in.quantised, &bs);
  bool aligned = in.weights && extents_[static_cast<int>(Symbol::kAligned)] > 0;
  float* weights = aligned ? floats(in.weights, &ws) : nullptr;
  int head_dim = in.x.columns / in.heads;
  int32_t row = 0;
  while (row < rows_.count) {
    int32_t s = rows_.sentence[row];
    int32_t end = row + 1;
    while (end < rows_.count && rows_.sentence[end] == s) ++end;
    Attention call{};
    call.q = q + row * qs;
    call.q_stride = qs;
    call.rows = end - row;
    call.keys = keys + static_cast<size_t>(places_->padded[s]) * ks;
    call.values = v + static_cast<size_t>(places_->tokens[s]) * vs;
    call.value_stride = vs;
    call.count = length(s);
    call.heads = in.heads;
    call.head_dim = head_dim;
    call.scores = scratch;
    if (out != nullptr) call.out = out + row * os;
    call.out_stride = os;
    if (quantised != nullptr) call.quantised = quantised + row * bs;
    call.quantised_stride = bs;
    call.multiplier = multiplier(in);
    if (aligned) {
      call.weights = weights + row * ws;
      call.weights_stride = ws;
    }
    if (end < rows_.count) {
      int32_t next = rows_.sentence[end];
      call.next_keys = keys + static_cast<size_t>(places_->padded[next]) * ks;
      call.next_values = v + static_cast<size_t>(places_->tokens[next]) * vs;
    }
    kernels_->attention(call);
    if (stop_->after(call.count)) return;
    row = end;
  }
}

void Interpreter::cached_attention(const Instruction& in) {
  size_t qs, ks, vs, scratch_stride, cs, os, bs;
  const float* q = floats(in.x, &qs);
  const float* k = floats(in.y, &ks);
  const float* v = floats(in.z, &vs);
  float* scratch = floats(in.scratch, &scratch_stride);
  float* cache = floats(in.cache, &cs);
  float* out = floats(in.output, &os);
  uint8_t* quantised = bytes(in.quantised, &bs);
  int columns = in.x.columns;
  size_t row_bytes = static_cast<size_t>(columns) * sizeof(float);
  for (int32_t row = 0; row < rows_.count; ++row) {
    const int32_t* cells = rows_.cells + static_cast<size_t>(row) * rows_.cell_stride;
    float* own = cache + static_cast<size_t>(cells[rows_.step[row]]) * cs;
    std::memcpy(own, k + row * ks, row_bytes);
    std::memcpy(own + columns, v + row * vs, row_bytes);
    CachedAttention call{};
    call.q = q + row * qs;
    call.keys = cache;
    call.values = cache + columns;
    call.stride = cs;
    call.cells = cells;
    call.count = rows_.step[row] + 1;
    call.heads = in.heads;
    call.head_dim = columns / in.heads;
    call.scale = attention_scale(call.head_dim);
    call.scores = scratch;
    if (out != nullptr) call.out = out + row * os;
    if (quantised != nullptr) call.quantised = quantised + row * bs;
    call.multiplier = multiplier(in);
    kernels_->cached_attention(call);
    if (stop_->after(call.count)) return;
  }
}

void Interpreter::additive_attention(const Instruction& in) {
  size_t qs, ps, cs, scratch_stride, os, ws;
  const float* query = floats(in.x, &qs);
  const float* projected = floats(in.y, &ps);
  const float* context = floats(in.z, &cs);
  float* scratch = floats(in.scratch, &scratch_stride);
  float* out = floats(in.output, &os);
  bool aligned = in.weights && extents_[static_cast<int>(Symbol::kAligned)] > 0;
  float* weights = aligned ? floats(in.weights, &ws) : nullptr;
  for (int32_t row = 0; row < rows_.count; ++row) {
    int32_t s = rows_.sentence[row];
    size_t token = static_cast<size_t>(places_->tokens[s]);
    AdditiveAttention call{};
    call.query = query + row * qs;
    call.projected = projected + token * ps;
    call.projected_stride = ps;
    call.context = context + token * cs;
    call.context_stride = cs;
    call.count = length(s);
    call.columns = in.x.columns;
    call.context_columns = in.z.columns;
    call.energy = (*weights_)[in.slot].vector;
    call.scores = scratch;
    call.out = out + row * os;
    if (aligned) call.weights = weights + row * ws;
    kernels_->additive_attention(call);
    if (stop_->after(call.count)) return;
  }
}

}  // namespace dragoman
