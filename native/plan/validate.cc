// Everything that the interpreter relies on, checked once when a plan arrives: a plan is a safety boundary.
#include "plan/validator.h"

namespace dragoman {
namespace {

constexpr int64_t kMaxNumber = int64_t{1} << 24;

}  // namespace

void Validator::run() {
  values();
  layout();
  phase("encode", plan_.encode);
  phase("prime", plan_.prime);
  phase("select", plan_.select);
  phase("step", plan_.step);
  where_ = "plan";
  require(is_value(plan_.logits), "has no logits");
  const Value& logits = value(plan_.logits);
  require(logits.kind == Kind::kF32 && logits.rows.is(Symbol::kRows) && logits.columns.is(Symbol::kCandidates),
          "logits must be f32 [ROWS, CANDIDATES]");
  if (plan_.alignment >= 0) {
    require(is_value(plan_.alignment), "alignment is no value");
    const Value& alignment = value(plan_.alignment);
    require(alignment.kind == Kind::kF32 && alignment.rows.is(Symbol::kRows) && alignment.columns.is(Symbol::kAligned),
            "alignment must be f32 [ROWS, ALIGNED]");
  }
}

void Validator::values() {
  for (const Value& value : plan_.values) {
    where_ = "value " + value.name;
    for (const Dimension& dimension : {value.rows, value.columns}) {
      require(dimension.symbolic || (dimension.number >= 0 && dimension.number <= kMaxNumber), "absurd size");
    }
  }
  for (const Slot& slot : plan_.slots) {
    where_ = "slots";
    require(slot.rows >= 0 && slot.rows <= kMaxNumber && slot.columns > 0 && slot.columns <= kMaxNumber, "absurd size");
    require(slot.kind != SlotKind::kMatrix || slot.rows > 0, "a matrix without rows");
  }
  where_ = "positions";
  require(plan_.position_columns >= 0 && plan_.position_columns <= kMaxNumber, "absurd size");
}

void Validator::layout() {
  where_ = "layout";
  require(plan_.below.size() == plan_.values.size() && plan_.order.size() == plan_.values.size(), "wrong length");
  std::vector<bool> placed(plan_.values.size(), false);
  for (int32_t number : plan_.order) {
    require(is_value(number) && !placed[static_cast<size_t>(number)], "not a permutation of the values");
    for (int32_t other : plan_.below[static_cast<size_t>(number)]) {
      require(is_value(other) && placed[static_cast<size_t>(other)], "a value lies below one that is placed before it");
    }
    placed[static_cast<size_t>(number)] = true;
  }
}

void Validator::phase(const std::string& name, const std::vector<Instruction>& instructions) {
  name_ = name;
  in_scan_ = false;
  for (size_t at = 0; at < instructions.size(); ++at) {
    where_ = name + " instruction " + std::to_string(at);
    instruction(instructions[at]);
  }
  require(!in_scan_, "a scan without end");
}

void validate(const Plan& plan) { Validator(plan).run(); }

}  // namespace dragoman
