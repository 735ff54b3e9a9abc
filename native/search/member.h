// One model of a flight.
#pragma once

#include "plan/plan.h"
#include "weights/weights.h"

namespace dragoman {

inline constexpr int kMaxMembers = 16;

// A model of an ensemble and its weight in the sum of log-probabilities.
struct Member {
  const Plan* plan;
  const Weights* weights;
  float weight = 1.f;
};

}  // namespace dragoman
