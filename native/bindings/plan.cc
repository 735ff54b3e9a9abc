// Reads a dragoman.planning.plan.Plan by its attribute names into a native Plan; plans as bytes.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <map>
#include <memory>
#include <string>

#include "error.h"
#include "plan/plan_image.h"
#include "bindings.h"

namespace nb = nanobind;
using namespace dragoman;

namespace {

[[noreturn]] void unknown(const char* what, const std::string& name) {
  throw Error(Error::Code::kInvalid, std::string("plan: unknown ") + what + " '" + name + "'");
}

template <typename T>
T look_up(const std::map<std::string, T>& table, const char* what, const std::string& name) {
  auto found = table.find(name);
  if (found == table.end()) unknown(what, name);
  return found->second;
}

std::string enum_name(nb::handle member) { return nb::cast<std::string>(member.attr("name")); }

Symbol read_symbol(nb::handle member) {
  static const std::map<std::string, Symbol> kSymbols = {
      {"TOKENS", Symbol::kTokens},
      {"SENTENCES", Symbol::kSentences},
      {"GROUP_TOKENS", Symbol::kGroupTokens},
      {"GROUP_SENTENCES", Symbol::kGroupSentences},
      {"PADDED_TOKENS", Symbol::kPaddedTokens},
      {"LONGEST", Symbol::kLongest},
      {"ALIGNED", Symbol::kAligned},
      {"ROWS", Symbol::kRows},
      {"CELLS", Symbol::kCells},
      {"LIMIT", Symbol::kLimit},
      {"CANDIDATES", Symbol::kCandidates},
      {"UNION", Symbol::kUnion},
  };
  return look_up(kSymbols, "symbol", enum_name(member));
}

Dimension read_dimension(nb::handle dimension) {
  Dimension result;
  if (nb::isinstance<nb::int_>(dimension)) {
    result.number = nb::cast<int64_t>(dimension);
  } else {
    result.symbolic = true;
    result.symbol = read_symbol(dimension);
  }
  return result;
}

Kind read_kind(nb::handle member) {
  static const std::map<std::string, Kind> kKinds = {{"F32", Kind::kF32}, {"U8", Kind::kU8}, {"I32", Kind::kI32}};
  return look_up(kKinds, "kind", enum_name(member));
}

Precision read_precision(nb::handle member) {
  static const std::map<std::string, Precision> kPrecisions = {
      {"FLOAT32", Precision::kFloat32}, {"INT8", Precision::kInt8}, {"INT8_ROWS", Precision::kInt8Rows}};
  return look_up(kPrecisions, "precision", enum_name(member));
}

Activation read_function(nb::handle member) {
  static const std::map<std::string, Activation> kFunctions = {{"NONE", Activation::kNone},
                                                               {"RELU", Activation::kRelu},
                                                               {"SWISH", Activation::kSwish},
                                                               {"GELU", Activation::kGelu},
                                                               {"GELU_SIGMOID", Activation::kGeluSigmoid},
                                                               {"SIGMOID", Activation::kSigmoid},
                                                               {"TANH", Activation::kTanh}};
  return look_up(kFunctions, "function", enum_name(member));
}

Op read_op(const std::string& name) {
  static const std::map<std::string, Op> kOps = {
      {"Embed", Op::kEmbed},
      {"Quantize", Op::kQuantize},
      {"QuantizeRows", Op::kQuantizeRows},
      {"GemmInt8", Op::kGemmInt8},
      {"GemmFloat", Op::kGemmFloat},
      {"Norm", Op::kNorm},
      {"SelfAttention", Op::kSelfAttention},
      {"PackKeys", Op::kPackKeys},
      {"CrossAttention", Op::kCrossAttention},
      {"CachedAttention", Op::kCachedAttention},
      {"AdditiveAttention", Op::kAdditiveAttention},
      {"Activate", Op::kActivate},
      {"Add", Op::kAdd},
      {"Multiply", Op::kMultiply},
      {"Mix", Op::kMix},
      {"RunningAverage", Op::kRunningAverage},
      {"Gru", Op::kGru},
      {"Lstm", Op::kLstm},
      {"Copy", Op::kCopy},
      {"Zero", Op::kZero},
      {"ReorderState", Op::kReorderState},
      {"MeanOverSentence", Op::kMeanOverSentence},
      {"ScanBegin", Op::kScanBegin},
      {"ScanEnd", Op::kScanEnd},
      {"ScanRead", Op::kScanRead},
      {"ScanWrite", Op::kScanWrite},
      {"SelectCandidates", Op::kSelectCandidates},
      {"LogitsInt8", Op::kLogitsInt8},
      {"LogitsFloat", Op::kLogitsFloat},
  };
  return look_up(kOps, "instruction", name);
}

// Where a field of a Python instruction goes: one field of Instruction, by name and sometimes by instruction.
class Reader {
 public:
  explicit Reader(nb::handle instruction) : source_(instruction) {}

  Operand operand(const char* name) const {
    Operand result;
    if (!nb::hasattr(source_, name)) return result;
    nb::object found = source_.attr(name);
    if (found.is_none()) return result;
    result.value = nb::cast<int32_t>(found.attr("value"));
    result.column = nb::cast<int32_t>(found.attr("column"));
    result.columns = nb::cast<int32_t>(found.attr("columns"));
    if (result.value < 0) throw Error(Error::Code::kInvalid, "plan: a negative value number");
    return result;
  }
  Operand first_operand(std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      Operand found = operand(name);
      if (found) return found;
    }
    return {};
  }
  int32_t slot(const char* name) const {
    if (!nb::hasattr(source_, name)) return -1;
    nb::object found = source_.attr(name);
    return found.is_none() ? -1 : nb::cast<int32_t>(found);
  }
  bool flag(const char* name) const { return nb::hasattr(source_, name) && nb::cast<bool>(source_.attr(name)); }

 private:
  nb::handle source_;
};

Instruction read_instruction(nb::handle source) {
  Reader reader(source);
  Instruction in;
  in.op = read_op(nb::cast<std::string>(source.type().attr("__name__")));
  in.rows = read_symbol(source.attr("rows"));
  bool mix = in.op == Op::kMix;
  in.x = mix ? reader.operand("gate") : reader.first_operand({"x", "q", "query"});
  if (in.op == Op::kPackKeys) in.x = reader.operand("k");
  in.y = in.op == Op::kPackKeys ? Operand{} : reader.first_operand({"residual", "y", "k", "keys", "projected", "s"});
  in.z = mix ? reader.operand("x") : reader.first_operand({"v", "context", "h", "cell", "average"});
  in.row_scale = reader.first_operand({"row_scale", "row_scale_out"});
  in.output = reader.first_operand({"output", "keys_output"});
  in.quantised = reader.operand("quantised");
  in.sum = reader.first_operand({"sum", "cell_output"});
  in.scratch = reader.operand("scratch");
  in.weights = reader.operand("weights");
  in.cache = reader.operand("cache");
  in.panels = reader.operand("panels");
  in.scales = reader.operand("scales");
  in.biases = reader.operand("biases");
  in.column_sums = reader.operand("column_sums");
  for (const char* name : {"matrix", "table", "energy", "scale"}) {
    if (in.op == Op::kEmbed && std::string(name) == "scale") continue;
    int32_t found = reader.slot(name);
    if (found >= 0) in.slot = found;
  }
  in.bias_slot = reader.slot("bias");
  in.multiplier_of = reader.slot("multiplier_of");
  if (nb::hasattr(source, "heads")) in.heads = nb::cast<int32_t>(source.attr("heads"));
  if (nb::hasattr(source, "function")) in.function = read_function(source.attr("function"));
  switch (in.op) {
    case Op::kEmbed:
      in.flag = reader.flag("source");
      in.positions = reader.flag("positions");
      in.real = nb::cast<float>(source.attr("scale"));
      break;
    case Op::kNorm:
      in.flag = enum_name(source.attr("kind")) == "RMS";
      in.real = nb::cast<float>(source.attr("epsilon"));
      break;
    case Op::kGru:
      in.flag = reader.flag("final");
      break;
    case Op::kScanBegin:
      in.flag = reader.flag("backward");
      break;
    default:
      break;
  }
  return in;
}

Slot read_slot(nb::handle source) {
  std::string type = nb::cast<std::string>(source.type().attr("__name__"));
  Slot slot;
  if (type == "VectorSlot") {
    slot.kind = SlotKind::kVector;
    for (nb::handle width : source.attr("widths")) slot.columns += nb::cast<int32_t>(width);
    return slot;
  }
  slot.precision = read_precision(source.attr("precision"));
  slot.columns = nb::cast<int32_t>(source.attr("columns"));
  if (type == "MatrixSlot") {
    slot.rows = nb::cast<int32_t>(source.attr("rows"));
  } else if (type == "TableSlot") {
    slot.kind = SlotKind::kTable;
    slot.embeds = nb::cast<bool>(source.attr("embeds"));
    slot.logits = nb::cast<bool>(source.attr("logits"));
  } else {
    unknown("slot", type);
  }
  return slot;
}

std::vector<Instruction> read_phase(nb::handle plan, const char* name) {
  std::vector<Instruction> instructions;
  for (nb::handle instruction : plan.attr(name)) instructions.push_back(read_instruction(instruction));
  return instructions;
}

PlanHandle* read_plan(nb::handle source) {
  auto handle = std::make_unique<PlanHandle>();
  Plan& plan = handle->plan;
  for (nb::handle item : source.attr("values")) {
    Value value;
    value.name = nb::cast<std::string>(item.attr("name"));
    value.rows = read_dimension(item.attr("rows"));
    value.columns = read_dimension(item.attr("columns"));
    value.kind = read_kind(item.attr("kind"));
    plan.values.push_back(std::move(value));
  }
  for (nb::handle item : source.attr("below")) {
    std::vector<int32_t> numbers;
    for (nb::handle number : item) numbers.push_back(nb::cast<int32_t>(number));
    plan.below.push_back(std::move(numbers));
  }
  for (nb::handle number : source.attr("order")) plan.order.push_back(nb::cast<int32_t>(number));
  for (nb::handle slot : source.attr("slots")) plan.slots.push_back(read_slot(slot));
  plan.encode = read_phase(source, "encode");
  plan.prime = read_phase(source, "prime");
  plan.select = read_phase(source, "select");
  plan.step = read_phase(source, "step");
  plan.logits = nb::cast<int32_t>(source.attr("logits"));
  nb::object alignment = source.attr("alignment");
  plan.alignment = alignment.is_none() ? -1 : nb::cast<int32_t>(alignment);
  plan.caches = nb::cast<int32_t>(source.attr("caches"));
  complete(&plan);
  return handle.release();
}

}  // namespace

void bind_plan(nb::module_& m) {
  nb::class_<PlanHandle>(m, "Plan", "A validated plan. Made from a dragoman.planning.plan.Plan; immutable.")
      .def(nb::new_([](nb::object plan) { return read_plan(plan); }), nb::arg("plan"))
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
}
