// NumPy arrays as the pointers and strides that kernels take.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <cstddef>
#include <optional>

#include "error.h"

namespace dragoman::bindings {

template <class T>
using Vector = nanobind::ndarray<T, nanobind::ndim<1>, nanobind::device::cpu, nanobind::c_contig>;
// Rows may lie apart; the elements of a row may not.
template <class T>
using Matrix = nanobind::ndarray<T, nanobind::ndim<2>, nanobind::device::cpu>;

template <class T>
struct View {
  T* data = nullptr;
  size_t stride = 0;
  int rows = 0, columns = 0;
};

template <class T>
View<T> view(const Matrix<T>& matrix) {
  if (matrix.shape(1) > 1 && matrix.stride(1) != 1) {
    throw Error(Error::Code::kInvalid, "a matrix must have the elements of a row next to each other");
  }
  return {matrix.data(), static_cast<size_t>(matrix.stride(0)), static_cast<int>(matrix.shape(0)),
          static_cast<int>(matrix.shape(1))};
}

template <class T>
View<T> view(const std::optional<Matrix<T>>& matrix) {
  return matrix ? view(*matrix) : View<T>{};
}

template <class T>
T* data(const std::optional<Vector<T>>& vector) {
  return vector ? vector->data() : nullptr;
}

}  // namespace dragoman::bindings
