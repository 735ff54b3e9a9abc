// The check of a plan, in parts: the whole (validate.cc) and one instruction (validate_instructions.cc).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "error.h"
#include "plan/plan.h"

namespace dragoman {

class Validator {
 public:
  explicit Validator(const Plan& plan) : plan_(plan) {}

  void run();

 private:
  void require(bool condition, const std::string& what) const {
    if (!condition) throw Error(Error::Code::kInvalid, "plan: " + where_ + ": " + what);
  }
  bool is_value(int32_t number) const { return number >= 0 && number < static_cast<int32_t>(plan_.values.size()); }
  const Value& value(int32_t number) const { return plan_.values[static_cast<size_t>(number)]; }

  void values();

  // Every value once, after all that lie below it.
  void layout();

  void phase(const std::string& name, const std::vector<Instruction>& instructions);

  // May an instruction that computes `rows` rows touch a value of these rows in this phase?
  bool rows_fit(Symbol rows, const Dimension& of) const {
    switch (rows) {
      case Symbol::kGroupTokens:
        return of.is(Symbol::kGroupTokens) || of.is(Symbol::kTokens);
      case Symbol::kGroupSentences:
        return of.is(Symbol::kGroupSentences) || of.is(Symbol::kSentences) || of.is(Symbol::kRows);
      case Symbol::kRows:
        return of.is(Symbol::kRows);
      default:
        return false;
    }
  }

  void operand(const Operand& operand, Kind kind, const char* field, bool optional = false) const {
    if (!operand) {
      require(optional && operand.value == -1, std::string(field) + " is missing");
      return;
    }
    require(is_value(operand.value), std::string(field) + " is no value");
    const Value& of = value(operand.value);
    require(of.kind == kind, std::string(field) + " has another element type");
    require(operand.column >= 0 && operand.columns >= 0, std::string(field) + " has negative columns");
    if (of.columns.symbolic) {
      require(operand.column == 0 && operand.columns == 0, std::string(field) + " slices a symbolic width");
    } else {
      require(operand.columns > 0 && int64_t{operand.column} + operand.columns <= of.columns.number,
              std::string(field) + " leaves its value");
    }
  }
  void rowwise(const Operand& x, Kind kind, Symbol rows, const char* field, bool optional = false) const {
    operand(x, kind, field, optional);
    if (x) require(rows_fit(rows, value(x.value).rows), std::string(field) + " has other rows");
  }
  void whole(const Operand& x, Kind kind, Symbol rows, const char* field) const {
    operand(x, kind, field);
    require(value(x.value).rows.is(rows), std::string(field) + " has other rows");
  }
  void sized(const Operand& x, Dimension rows, Symbol columns, const char* field) const {
    operand(x, Kind::kF32, field);
    const Value& of = value(x.value);
    require(!rows.symbolic ? !of.rows.symbolic && of.rows.number >= rows.number : of.rows.is(rows.symbol),
            std::string(field) + " has too few rows");
    require(of.columns.is(columns), std::string(field) + " has other columns");
  }
  void width(const Operand& x, int64_t columns, const char* field) const {
    if (x) require(x.columns == columns, std::string(field) + " has another width");
  }
  const Slot& slot(int32_t number, SlotKind kind, const char* field) const {
    require(number >= 0 && number < static_cast<int32_t>(plan_.slots.size()), std::string(field) + " is no slot");
    const Slot& found = plan_.slots[static_cast<size_t>(number)];
    require(found.kind == kind, std::string(field) + " is a slot of another kind");
    return found;
  }
  void vector(int32_t number, int64_t columns, const char* field) const {
    if (number < 0) return;
    require(slot(number, SlotKind::kVector, field).columns == columns, std::string(field) + " has another length");
  }
  void quantised(const Instruction& in, int64_t columns) const {
    if (!in.quantised) return;
    rowwise(in.quantised, Kind::kU8, in.rows, "quantised");
    width(in.quantised, columns, "quantised");
    alpha(in.multiplier_of);
  }
  void alpha(int32_t number) const {
    require(number >= 0 && number < static_cast<int32_t>(plan_.slots.size()), "multiplier_of is no slot");
    const Slot& found = plan_.slots[static_cast<size_t>(number)];
    require(found.kind != SlotKind::kVector && found.precision == Precision::kInt8, "multiplier_of has no alpha");
  }
  void only(const Instruction& in, std::initializer_list<Symbol> rows, const char* phase = nullptr) const {
    bool found = false;
    for (Symbol symbol : rows) found = found || symbol == in.rows;
    require(found, "computes rows that it cannot");
    require(phase == nullptr || name_ == phase, "stands in the wrong phase");
  }
  void heads(const Instruction& in, int64_t columns) const {
    require(in.heads > 0 && columns % in.heads == 0, "columns are not a multiple of heads");
  }
  // x -> output of equal width.
  void unary(const Instruction& in) const {
    rowwise(in.x, Kind::kF32, in.rows, "x");
    rowwise(in.output, Kind::kF32, in.rows, "output");
    width(in.output, in.x.columns, "output");
  }
  void third(const Operand& x, const Instruction& in, const char* field, bool optional = false) const {
    rowwise(x, Kind::kF32, in.rows, field, optional);
  }

  void instruction(const Instruction& in);

  void attention(const Instruction& in) const;

  const Slot& logits_table(const Instruction& in) const {
    const Slot& table = slot(in.slot, SlotKind::kTable, "table");
    require(table.logits, "the table is not an output layer");
    return table;
  }

  void panels(const Instruction& in, const Slot& table) const;
  void vocabulary_row(const Operand& x, Kind kind, const char* field) const;

  const Plan& plan_;
  std::string where_;
  std::string name_;
  bool in_scan_ = false;
};

}  // namespace dragoman
