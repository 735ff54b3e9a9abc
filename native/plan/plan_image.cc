#include "plan/plan_image.h"

#include <cstring>
#include <type_traits>

#include "error.h"

namespace dragoman {
namespace {

// Each record is listed once, for both ways: an Archive either writes the fields it is given, or reads them.
// A new field must be listed here, and planning/version.py counted up. These sizes notice a forgotten one.
static_assert(sizeof(Operand) == 12 && sizeof(Slot) == 20 && sizeof(Dimension) == 16);
static_assert(sizeof(Instruction) == 8 + 14 * sizeof(Operand) + 5 * 4 + 4 + 4);

template <class Archive>
void list(Archive& archive, Dimension& dimension) {
  archive(dimension.symbolic, dimension.symbol, dimension.number);
}

template <class Archive>
void list(Archive& archive, Value& value) {
  archive(value.name, value.rows, value.columns, value.kind);
}

template <class Archive>
void list(Archive& archive, Operand& operand) {
  archive(operand.value, operand.column, operand.columns);
}

// clang-format off
#define DRAGOMAN_FIELDS(X) X(x) X(y) X(z) X(row_scale) X(output) X(quantised) X(sum) X(scratch) X(weights) X(cache) \
  X(panels) X(scales) X(biases) X(column_sums) X(slot) X(bias_slot) X(multiplier_of) X(heads) X(function) X(flag) \
  X(positions) X(real)
// clang-format on

template <class Archive>
void list(Archive& archive, Instruction& in) {
  archive(in.op, in.rows);
#define DRAGOMAN_FIELD(name) archive(in.name);
  DRAGOMAN_FIELDS(DRAGOMAN_FIELD)
#undef DRAGOMAN_FIELD
}

template <class Archive>
void list(Archive& archive, Slot& slot) {
  archive(slot.kind, slot.precision, slot.rows, slot.columns, slot.embeds, slot.logits);
}

template <class Archive>
void list(Archive& archive, Plan& plan) {
  archive(plan.values, plan.below, plan.order, plan.slots, plan.encode, plan.prime, plan.select, plan.step, plan.logits,
          plan.alignment, plan.caches);
}

// How many members an enumeration has: `validate` relies on all of them being known.
constexpr int32_t count(Symbol) { return kSymbolCount; }
constexpr int32_t count(Kind) { return static_cast<int32_t>(Kind::kI32) + 1; }
constexpr int32_t count(Op) { return static_cast<int32_t>(Op::kLogitsFloat) + 1; }
constexpr int32_t count(Activation) { return static_cast<int32_t>(Activation::kTanh) + 1; }
constexpr int32_t count(SlotKind) { return static_cast<int32_t>(SlotKind::kTable) + 1; }
constexpr int32_t count(Precision) { return static_cast<int32_t>(Precision::kInt8Rows) + 1; }

class Writer {
 public:
  template <class... Fields>
  void operator()(Fields&... fields) {
    (field(fields), ...);
  }
  std::string bytes;

 private:
  template <class T>
  void field(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      bytes.push_back(value ? 1 : 0);
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
    } else {
      list(*this, value);
    }
  }
  void field(std::string& text) {
    size(text.size());
    bytes += text;
  }
  template <class T>
  void field(std::vector<T>& items) {
    size(items.size());
    for (T& item : items) field(item);
  }
  void size(size_t count) {
    uint32_t number = static_cast<uint32_t>(count);
    field(number);
  }
};

class Reader {
 public:
  Reader(const uint8_t* bytes, size_t count) : at_(bytes), left_(count) {}

  template <class... Fields>
  void operator()(Fields&... fields) {
    (field(fields), ...);
  }
  void end() const { require(left_ == 0, "bytes are left over"); }

 private:
  template <class T>
  void field(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      uint8_t byte = *take(1);
      require(byte <= 1, "a flag is neither 0 nor 1");
      value = byte != 0;
    } else if constexpr (std::is_enum_v<T>) {
      int32_t number = 0;
      field(number);
      require(number >= 0 && number < count(T{}), "an unknown name");
      value = static_cast<T>(number);
    } else if constexpr (std::is_arithmetic_v<T>) {
      std::memcpy(&value, take(sizeof(T)), sizeof(T));
    } else {
      list(*this, value);
    }
  }
  void field(std::string& text) {
    size_t count = size();
    text.assign(reinterpret_cast<const char*>(take(count)), count);
    // Names are Marian's or ours, and end up in messages.
    for (char letter : text) require(letter >= ' ' && letter <= '~', "a name is not ASCII");
  }
  template <class T>
  void field(std::vector<T>& items) {
    for (size_t left = size(); left > 0; --left) field(items.emplace_back());
  }
  // Of a list or text.
  size_t size() {
    uint32_t number = 0;
    field(number);
    return number;
  }
  const uint8_t* take(size_t count) {
    require(count <= left_, "it is cut short");
    const uint8_t* found = at_;
    at_ += count;
    left_ -= count;
    return found;
  }
  static void require(bool condition, const char* what) {
    if (!condition) throw Error(Error::Code::kInvalid, std::string("image of a plan: ") + what);
  }

  const uint8_t* at_;
  size_t left_;
};

}  // namespace

#define DRAGOMAN_NAME(name) #name,
const std::vector<const char*>& operation_names() {
  static const std::vector<const char*> names = {DRAGOMAN_OPERATIONS(DRAGOMAN_NAME)};
  return names;
}

const std::vector<const char*>& field_names() {
  static const std::vector<const char*> names = {DRAGOMAN_FIELDS(DRAGOMAN_NAME)};
  return names;
}
#undef DRAGOMAN_NAME

std::string plan_image(const Plan& plan) {
  Writer writer;
  list(writer, const_cast<Plan&>(plan));  // which it only reads
  return std::move(writer.bytes);
}

Plan plan_of_image(const uint8_t* bytes, size_t count) {
  Plan plan;
  Reader reader(bytes, count);
  list(reader, plan);
  reader.end();
  complete(&plan);
  return plan;
}

}  // namespace dragoman
