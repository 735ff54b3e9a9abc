// What the interpreter relies on in one instruction.
#include "plan/validator.h"

namespace dragoman {

void Validator::instruction(const Instruction& in) {
  // Also those that this operation has no use for: the interpreter looks at some of them before it knows.
  for (int32_t number : {in.slot, in.bias_slot, in.multiplier_of}) {
    require(number >= -1 && number < static_cast<int32_t>(plan_.slots.size()), "names no slot");
  }
  if (name_ == "encode" || name_ == "prime") {
    require(in.rows == Symbol::kGroupTokens || in.rows == Symbol::kGroupSentences, "rows of another phase");
  } else {
    require(in.rows == (name_ == "step" ? Symbol::kRows : Symbol::kUnion), "rows of another phase");
  }
  if (in_scan_ && in.op != Op::kScanEnd) {
    require(in.op != Op::kSelfAttention && in.op != Op::kEmbed && in.op != Op::kMeanOverSentence && in.op != Op::kZero,
            "cannot stand in a scan");
    require(in.rows == Symbol::kGroupSentences, "rows inside a scan are sentences");
  }
  switch (in.op) {
    case Op::kEmbed: {
      const Slot& table = slot(in.slot, SlotKind::kTable, "table");
      require(table.embeds, "the table is not for embedding");
      only(in, {in.flag ? Symbol::kGroupTokens : Symbol::kRows}, in.flag ? "encode" : "step");
      third(in.output, in, "output");
      width(in.output, table.columns, "output");
      require(!in.positions || plan_.position_columns == table.columns, "positions of another width");
      break;
    }
    case Op::kQuantize:
      third(in.x, in, "x");
      rowwise(in.output, Kind::kU8, in.rows, "output");
      width(in.output, in.x.columns, "output");
      alpha(in.multiplier_of);
      break;
    case Op::kQuantizeRows:
      third(in.x, in, "x");
      rowwise(in.output, Kind::kU8, in.rows, "output");
      width(in.output, in.x.columns, "output");
      third(in.row_scale, in, "row_scale_out");
      require(in.row_scale.column == 0, "row_scale_out must start its value");
      break;
    case Op::kGemmInt8: {
      const Slot& matrix = slot(in.slot, SlotKind::kMatrix, "matrix");
      require(matrix.precision == (in.row_scale ? Precision::kInt8Rows : Precision::kInt8),
              "matrix of another precision");
      rowwise(in.x, Kind::kU8, in.rows, "x");
      width(in.x, matrix.rows, "x");
      third(in.row_scale, in, "row_scale", true);
      require(in.output || in.quantised, "writes nothing");
      third(in.output, in, "output", true);
      width(in.output, matrix.columns, "output");
      quantised(in, matrix.columns);
      break;
    }
    case Op::kGemmFloat: {
      const Slot& matrix = slot(in.slot, SlotKind::kMatrix, "matrix");
      require(matrix.precision == Precision::kFloat32, "matrix of another precision");
      third(in.x, in, "x");
      width(in.x, matrix.rows, "x");
      third(in.output, in, "output");
      width(in.output, matrix.columns, "output");
      break;
    }
    case Op::kNorm:
      third(in.x, in, "x");
      third(in.y, in, "residual", true);
      width(in.y, in.x.columns, "residual");
      third(in.sum, in, "sum", true);
      width(in.sum, in.x.columns, "sum");
      third(in.output, in, "output", true);
      width(in.output, in.x.columns, "output");
      vector(in.slot, in.x.columns, "scale");
      vector(in.bias_slot, in.x.columns, "bias");
      quantised(in, in.x.columns);
      break;
    case Op::kSelfAttention:
      only(in, {Symbol::kGroupTokens});
      attention(in);
      third(in.y, in, "k");
      third(in.z, in, "v");
      sized(in.scratch, {false, {}, in.x.columns / in.heads + 4}, Symbol::kLongest, "scratch");
      break;
    case Op::kPackKeys: {
      only(in, {Symbol::kGroupTokens});
      third(in.x, in, "k");
      heads(in, in.x.columns);
      whole(in.output, Kind::kF32, Symbol::kPaddedTokens, "keys_output");
      require(in.output.column == 0 && in.output.columns == in.x.columns, "keys_output must be whole");
      break;
    }
    case Op::kCrossAttention:
      only(in, {Symbol::kRows}, "step");
      attention(in);
      whole(in.y, Kind::kF32, Symbol::kPaddedTokens, "keys");
      require(in.y.column == 0, "keys must be whole");
      whole(in.z, Kind::kF32, Symbol::kTokens, "v");
      sized(in.scratch, {false, {}, 4}, Symbol::kLongest, "scratch");
      if (in.weights) sized(in.weights, {true, Symbol::kRows, 0}, Symbol::kAligned, "weights");
      break;
    case Op::kCachedAttention:
      only(in, {Symbol::kRows}, "step");
      attention(in);
      third(in.y, in, "k");
      third(in.z, in, "v");
      whole(in.cache, Kind::kF32, Symbol::kCells, "cache");
      require(in.cache.column == 0 && in.cache.columns == 2 * in.x.columns, "cache must hold keys and values");
      sized(in.scratch, {false, {}, 1}, Symbol::kLimit, "scratch");
      require(plan_.caches > 0, "the plan declares no caches");
      break;
    case Op::kAdditiveAttention:
      only(in, {Symbol::kRows}, "step");
      third(in.x, in, "query");
      whole(in.y, Kind::kF32, Symbol::kTokens, "projected");
      width(in.y, in.x.columns, "projected");
      whole(in.z, Kind::kF32, Symbol::kTokens, "context");
      require(in.slot >= 0, "energy is missing");
      vector(in.slot, in.x.columns, "energy");
      third(in.output, in, "output");
      width(in.output, in.z.columns, "output");
      sized(in.scratch, {false, {}, 1}, Symbol::kLongest, "scratch");
      if (in.weights) sized(in.weights, {true, Symbol::kRows, 0}, Symbol::kAligned, "weights");
      break;
    case Op::kActivate:
    case Op::kCopy:
      unary(in);
      break;
    case Op::kReorderState:
      only(in, {Symbol::kRows}, "step");
      unary(in);
      break;
    case Op::kAdd:
    case Op::kMultiply:
      unary(in);
      third(in.y, in, "y");
      width(in.y, in.x.columns, "y");
      break;
    case Op::kMix:
      unary(in);
      third(in.y, in, "y");
      third(in.z, in, "x");
      width(in.y, in.x.columns, "y");
      width(in.z, in.x.columns, "x");
      break;
    case Op::kRunningAverage:
      only(in, {Symbol::kRows}, "step");
      unary(in);
      third(in.z, in, "average");
      width(in.z, in.x.columns, "average");
      break;
    case Op::kGru:
    case Op::kLstm: {
      int64_t n = in.z.columns, gates = (in.op == Op::kGru ? 3 : 4) * n;
      third(in.z, in, "state");
      third(in.x, in, "x", true);
      width(in.x, gates, "x");
      third(in.y, in, "s");
      width(in.y, gates, "s");
      vector(in.bias_slot, gates, "bias");
      third(in.output, in, "output");
      width(in.output, n, "output");
      if (in.op == Op::kLstm) {
        third(in.sum, in, "cell_output");
        width(in.sum, n, "cell_output");
      }
      break;
    }
    case Op::kZero:
      only(in, {Symbol::kGroupSentences});
      third(in.output, in, "output");
      break;
    case Op::kMeanOverSentence:
      only(in, {Symbol::kGroupSentences});
      rowwise(in.x, Kind::kF32, Symbol::kGroupTokens, "x");
      third(in.output, in, "output");
      width(in.output, in.x.columns, "output");
      break;
    case Op::kScanBegin:
      require(!in_scan_ && name_ == "encode", "a scan inside a scan or outside the encoder");
      in_scan_ = true;
      break;
    case Op::kScanEnd:
      require(in_scan_, "an end without a scan");
      in_scan_ = false;
      break;
    case Op::kScanRead:
    case Op::kScanWrite: {
      require(in_scan_, "outside a scan");
      bool write = in.op == Op::kScanWrite;
      rowwise(write ? in.output : in.x, Kind::kF32, Symbol::kGroupTokens, write ? "output" : "x");
      third(write ? in.x : in.output, in, write ? "x" : "output");
      width(in.output, in.x.columns, "output");
      break;
    }
    case Op::kSelectCandidates: {
      const Slot& table = logits_table(in);
      panels(in, table);
      break;
    }
    case Op::kLogitsInt8:
    case Op::kLogitsFloat: {
      only(in, {Symbol::kRows}, "step");
      const Slot& table = logits_table(in);
      panels(in, table);
      bool floats = in.op == Op::kLogitsFloat;
      require(floats == (table.precision == Precision::kFloat32), "table of another precision");
      require(static_cast<bool>(in.row_scale) == (table.precision == Precision::kInt8Rows), "row scales do not fit");
      rowwise(in.x, floats ? Kind::kF32 : Kind::kU8, in.rows, "x");
      width(in.x, table.columns, "x");
      third(in.row_scale, in, "row_scale", true);
      third(in.output, in, "output");
      require(in.output.value == plan_.logits, "writes another value than the logits");
      break;
    }
  }
}

void Validator::attention(const Instruction& in) const {
  third(in.x, in, "q");
  heads(in, in.x.columns);
  width(in.y, in.x.columns, "k");
  width(in.z, in.x.columns, "v");
  require(in.output || in.quantised, "writes nothing");
  third(in.output, in, "output", true);
  width(in.output, in.x.columns, "output");
  quantised(in, in.x.columns);
}

void Validator::panels(const Instruction& in, const Slot& table) const {
  bool floats = table.precision == Precision::kFloat32;
  whole(in.panels, floats ? Kind::kF32 : Kind::kU8, Symbol::kUnion, "panels");
  // K is padded to 4 in int8 panels; rows of a value to 64 bytes: there is always room.
  require(in.panels.column == 0 && in.panels.columns == table.columns, "panels of another width");
  vocabulary_row(in.biases, Kind::kF32, "biases");
  if (!floats) vocabulary_row(in.scales, Kind::kF32, "scales");
  if (table.precision == Precision::kInt8Rows) vocabulary_row(in.column_sums, Kind::kI32, "column_sums");
}

void Validator::vocabulary_row(const Operand& x, Kind kind, const char* field) const {
  operand(x, kind, field);
  const Value& of = value(x.value);
  require(!of.rows.symbolic && of.rows.number == 1 && of.columns.is(Symbol::kUnion),
          std::string(field) + " must be [1, UNION]");
}

}  // namespace dragoman
