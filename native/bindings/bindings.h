// One function for each part of the module.
#pragma once

#include <nanobind/nanobind.h>

#include "plan/plan.h"
#include "weights/weights.h"

void bind_kernels(nanobind::module_& m);
void bind_plan(nanobind::module_& m);
void bind_weights(nanobind::module_& m);
void bind_search(nanobind::module_& m);
void bind_mapped_file(nanobind::module_& m);

// Objects that Python holds. A plan is shared by all models of its architecture; weights keep their arrays alive.
struct PlanHandle {
  dragoman::Plan plan;
};

struct WeightsHandle {
  dragoman::Weights weights;
  nanobind::object plan;    // a PlanHandle
  nanobind::object arrays;  // whatever owns the memory
};
