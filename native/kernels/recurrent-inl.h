// Gates of recurrent cells. Formulas and Marian's places: kernels.h.
#pragma once

#include "kernels/elementwise-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// x + s + bias of one gate, from left to right; x and bias may be null.
inline F32x16 gate_sum(const float* x, const float* s, const float* bias, int offset, int count) {
  F32x16 value = load_part(s + offset, count);
  if (x) value = load_part(x + offset, count) + value;
  return bias ? value + load_part(bias + offset, count) : value;
}

void gru(const float* x, size_t x_stride, const float* s, size_t s_stride, const float* bias, const float* h,
         size_t h_stride, int rows, int columns, bool final, float* out, size_t out_stride) {
  for_elements(rows, columns, [&](int row, int column, int count) {
    const float* from_x = x ? x + row * x_stride : nullptr;
    const float* from_s = s + row * s_stride;
    const F32x16 reset = sigmoid(gate_sum(from_x, from_s, bias, column, count));
    const F32x16 update = sigmoid(gate_sum(from_x, from_s, bias, columns + column, count));
    const int third = 2 * columns + column;
    const F32x16 input = from_x ? load_part(from_x + third, count) : splat(0.0f);
    const F32x16 shift = bias ? load_part(bias + third, count) : splat(0.0f);
    const F32x16 state = load_part(from_s + third, count);
    const F32x16 candidate = tanh(final ? fma(reset, state + shift, input) : fma(reset, state, input) + shift);
    const F32x16 fresh = (splat(1.0f) - update) * candidate;
    store_part(fma(update, load_part(h + row * h_stride + column, count), fresh), out + row * out_stride + column,
               count);
  });
}

void lstm(const float* x, size_t x_stride, const float* s, size_t s_stride, const float* bias, const float* cell,
          size_t cell_stride, int rows, int columns, float* cell_out, size_t cell_out_stride, float* out,
          size_t out_stride) {
  for_elements(rows, columns, [&](int row, int column, int count) {
    const float* from_x = x ? x + row * x_stride : nullptr;
    const float* from_s = s + row * s_stride;
    const F32x16 forget = sigmoid(gate_sum(from_x, from_s, bias, column, count));
    const F32x16 input = sigmoid(gate_sum(from_x, from_s, bias, columns + column, count));
    const F32x16 candidate = tanh(gate_sum(from_x, from_s, bias, 2 * columns + column, count));
    const F32x16 output = sigmoid(gate_sum(from_x, from_s, bias, 3 * columns + column, count));
    const F32x16 old = load_part(cell + row * cell_stride + column, count);
    const F32x16 next = fma(forget, old, input * candidate);
    store_part(next, cell_out + row * cell_out_stride + column, count);
    store_part(output * tanh(next), out + row * out_stride + column, count);
  });
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
