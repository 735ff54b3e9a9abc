// A plan as bytes: what prepared files keep, so that a later load neither draws nor compiles the graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "plan/plan.h"

namespace dragoman {

// All fields that `complete` does not compute, in the byte order of the machine.
std::string plan_image(const Plan& plan);

// The plan of an image, complete. Throws Error for bytes that are none, and where `validate` does.
Plan plan_of_image(const uint8_t* bytes, size_t count);

}  // namespace dragoman
