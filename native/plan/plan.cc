#include "plan/plan.h"

#include <algorithm>
#include <cmath>

namespace dragoman {

int64_t Plan::layout(const Extents& extents, int64_t* offsets) const {
  int64_t need = 0;
  for (int32_t number : order) {
    int64_t offset = 0;
    for (int32_t other : below[number]) offset = std::max(offset, offsets[other] + values[other].bytes(extents));
    offsets[number] = offset;
    need = std::max(need, offset + values[number].bytes(extents));
  }
  return need;
}

void sinusoidal_position(int64_t t, int columns, float* out) {
  int half = columns / 2;
  float increment = std::log(10000.f) / (static_cast<float>(half) - 1.f);
  for (int i = 0; i < half; ++i) {
    float angle = static_cast<float>(t) * std::exp(static_cast<float>(i) * -increment);
    out[i] = std::sin(angle);
    out[half + i] = std::cos(angle);
  }
  if (columns % 2 != 0) out[columns - 1] = 0.f;
}

void complete(Plan* plan) {
  for (const auto* phase : {&plan->encode, &plan->step}) {
    for (const Instruction& in : *phase) {
      if (in.op == Op::kEmbed && in.positions) plan->position_columns = in.output.columns;
    }
  }
  validate(*plan);
  if (plan->position_columns == 0) return;
  plan->positions.resize(static_cast<size_t>(kPositionRows) * plan->position_columns);
  for (int t = 0; t < kPositionRows; ++t) {
    sinusoidal_position(t, plan->position_columns,
                        plan->positions.data() + static_cast<size_t>(t) * plan->position_columns);
  }
}

}  // namespace dragoman
