// Kernels whose every element depends on the same element of their inputs; embeddings and gathers.
#pragma once

#include "kernels/math-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// Calls function(column, count) for each 16 columns.
template <class Function>
inline void for_columns(int columns, Function function) {
  int column = 0;
  for (; column + 16 <= columns; column += 16) function(column, 16);
  if (column < columns) function(column, columns - column);
}

template <class Function>
inline void for_elements(int rows, int columns, Function function) {
  for (int row = 0; row < rows; ++row) {
    for_columns(columns, [&](int column, int count) { function(row, column, count); });
  }
}

void activate(const float* x, size_t x_stride, int rows, int columns, Activation kind, float* out, size_t out_stride) {
  with_activation(kind, [&]<Activation known>() {
    for_elements(rows, columns, [&](int row, int column, int count) {
      const F32x16 value = load_part(x + row * x_stride + column, count);
      store_part(activated<known>(value), out + row * out_stride + column, count);
    });
  });
}

void binary(Binary kind, const float* x, size_t x_stride, const float* y, size_t y_stride, int rows, int columns,
            float* out, size_t out_stride) {
  for_elements(rows, columns, [&](int row, int column, int count) {
    const F32x16 a = load_part(x + row * x_stride + column, count);
    const F32x16 b = load_part(y + row * y_stride + column, count);
    store_part(kind == Binary::kAdd ? a + b : a * b, out + row * out_stride + column, count);
  });
}

void mix(const float* gate, size_t gate_stride, const float* y, size_t y_stride, const float* x, size_t x_stride,
         int rows, int columns, float* out, size_t out_stride) {
  for_elements(rows, columns, [&](int row, int column, int count) {
    const F32x16 g = sigmoid(load_part(gate + row * gate_stride + column, count));
    const F32x16 rest = (splat(1.0f) - g) * load_part(x + row * x_stride + column, count);
    const F32x16 mixed = fma(g, load_part(y + row * y_stride + column, count), rest);
    store_part(mixed, out + row * out_stride + column, count);
  });
}

void running_average(const float* average, size_t average_stride, const float* x, size_t x_stride, int rows,
                     int columns, float step, float* out, size_t out_stride) {
  const F32x16 before = splat(step), after = splat(step + 1.0f);
  for_elements(rows, columns, [&](int row, int column, int count) {
    const F32x16 old = load_part(average + row * average_stride + column, count);
    const F32x16 value = fma(before, old, load_part(x + row * x_stride + column, count)) / after;
    store_part(value, out + row * out_stride + column, count);
  });
}

void embed_float(const float* table, size_t table_stride, const int32_t* ids, int rows, int columns, float scale,
                 float* out, size_t out_stride) {
  for_elements(rows, columns, [&](int row, int column, int count) {
    const F32x16 value =
        ids[row] < 0 ? splat(0.0f) : load_part(table + ids[row] * table_stride + column, count) * splat(scale);
    store_part(value, out + row * out_stride + column, count);
  });
}

void embed_int8(const int8_t* table, size_t table_stride, float unquantise, const int32_t* ids, int rows, int columns,
                float scale, float* out, size_t out_stride) {
  for_elements(rows, columns, [&](int row, int column, int count) {
    F32x16 value = splat(0.0f);
    if (ids[row] >= 0) {
      value = load_bytes(table + ids[row] * table_stride + column, count) * splat(unquantise) * splat(scale);
    }
    store_part(value, out + row * out_stride + column, count);
  });
}

void gather(const float* x, const int32_t* index, int count, float* out) {
  for (int i = 0; i < count; ++i) out[i] = x[index[i]];
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
