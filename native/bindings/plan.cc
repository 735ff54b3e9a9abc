// Plans: made of images that dragoman.planning.image writes.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <memory>
#include <string>
#include <vector>

#include "bindings.h"
#include "plan/plan_image.h"

namespace nb = nanobind;
using namespace dragoman;

namespace {

nb::tuple names(const std::vector<const char*>& found) {
  nb::list result;
  for (const char* name : found) result.append(nb::str(name));
  return nb::tuple(result);
}

}  // namespace

void bind_plan(nb::module_& m) {
  nb::class_<PlanHandle>(m, "Plan", "A validated plan; immutable.")
      .def(
          "image",
          [](const PlanHandle& self) {
            std::string image = plan_image(self.plan);
            return nb::bytes(image.data(), image.size());
          },
          "The plan as bytes, for `of_image`.")
      .def_static(
          "of_image",
          [](nb::bytes image) {
            auto handle = std::make_unique<PlanHandle>();
            handle->plan = plan_of_image(static_cast<const uint8_t*>(image.data()), image.size());
            return handle.release();
          },
          nb::arg("image"), "The plan of an image, validated.");
  m.def("operation_names", []() { return names(operation_names()); }, "Instructions in the order of their numbers.");
  m.def("field_names", []() { return names(field_names()); }, "Fields of an instruction in the order of an image.");
}
