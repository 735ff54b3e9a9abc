// The module dragoman._native.
#include <nanobind/nanobind.h>

void bind_kernels(nanobind::module_& m);

NB_MODULE(_native, m) { bind_kernels(m); }
