// A plan as bytes: what prepared files keep, so that a later load neither draws nor compiles the graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "plan/plan.h"

namespace dragoman {

// All fields that `complete` does not compute, in the byte order of the machine.
std::string plan_image(const Plan& plan);

// The plan of an image, complete. Throws Error for bytes that are none, and where `validate` does.
Plan plan_of_image(const uint8_t* bytes, size_t count);

// What an image counts on: instructions in the order of their numbers, and the fields that each is written with.
const std::vector<const char*>& operation_names();
const std::vector<const char*>& field_names();

}  // namespace dragoman
