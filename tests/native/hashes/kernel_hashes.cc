// Prints a hash of what each kernel of one target computes, a line a case: every target of every machine must print the
// same lines. Without an argument: the names of the targets that this machine can run.
//
//     kernel_hashes [target]
#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <initializer_list>
#include <vector>

#include "inputs.h"
#include "kernels/kernels.h"
#include "kernels/overflow.h"
#include "kernels/packing.h"
#include "kernels/sketch.h"

namespace hashes {
namespace {

using namespace dragoman;

constexpr int kColumns[] = {1, 3, 4, 15, 16, 17, 31, 32, 33, 50, 64, 100, 129};

__attribute__((format(printf, 2, 3))) void print(const Hash& hash, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf(": %016" PRIx64 "\n", hash.value());
}

Rows<float> normal_rows(Random& random, int rows, int columns, float size = 2.0f) {
  return Rows<float>(rows, columns, [&] { return size * random.unit(); });
}
// One number in eight is odd.
Rows<float> odd_rows(Random& random, int rows, int columns) {
  return Rows<float>(rows, columns, [&] { return random.below(8) == 0 ? random.odd() : 40.0f * random.unit(); });
}

// Weights of one product, packed; extreme: the largest numbers only; else few large ones, so that lists are short.
struct Int8Weights {
  Int8Weights(Random& random, int k, int n, bool extreme) : panels(packed_size_int8(k, n)), sums(n), scale(n), bias(n) {
    Rows<int8_t> matrix(k, n, [&] {
      const int weight = extreme ? 254 * random.below(2) - 127 : random.below(255) - 127;
      return static_cast<int8_t>(extreme || random.below(8) == 0 ? weight : weight / 3);
    });
    pack_int8(matrix.data(), matrix.stride(), false, k, n, panels.data(), sums.data());
    lists = make_overflow_lists(panels.data(), k, n);
    for (int i = 0; i < n; ++i) {
      scale.data()[i] = (1.5f + random.unit()) / static_cast<float>(127 * k);
      bias.data()[i] = random.unit();
    }
  }
  Guarded<int8_t> panels;
  Guarded<int32_t> sums;
  std::vector<uint8_t> lists;
  Guarded<float> scale, bias;
};

// after_relu: no activation is below zero (127), and half of the steps of four are zero.
void int8_product(const Kernels& kernels, int m, int k, int n, int variant, bool after_relu = false) {
  Random random(static_cast<uint64_t>(((m * 1000 + k) * 1000 + n) * 64 + variant));
  const bool dynamic = variant % 2 == 1, extreme = variant % 5 == 4;
  const Int8Weights weights(random, k, n, extreme);
  Rows<uint8_t> a(m, k, [&] { return static_cast<uint8_t>(extreme ? 254 * random.below(2) : random.below(255)); });
  for (int i = 0; after_relu && i < m * k; ++i) {
    uint8_t* at = a.data() + i / k * a.stride() + i % k;
    *at = (i / 4) % 2 == 0 ? 127 : std::max<uint8_t>(*at, 127);
  }
  Guarded<float> row_scale(m);
  for (int i = 0; i < m; ++i) row_scale.data()[i] = 1.0f + 0.5f * random.unit();
  Rows<float> out(m, n);
  Rows<uint8_t> quantised(m, n);
  const int outputs = variant % 3;  // both, the first, the second
  kernels.gemm_int8({.a = a.data(),
                     .a_stride = a.stride(),
                     .m = m,
                     .k = k,
                     .n = n,
                     .panels = weights.panels.data(),
                     .scale = weights.scale.data(),
                     .bias = variant % 4 == 3 ? nullptr : weights.bias.data(),
                     .column_sums = dynamic || after_relu ? weights.sums.data() : nullptr,
                     .row_scale = dynamic ? row_scale.data() : nullptr,
                     .activation = static_cast<Activation>(variant < 12 ? variant / 6 : variant % 7),
                     .out = outputs == 2 ? nullptr : out.data(),
                     .out_stride = out.stride(),
                     .quantised = outputs == 1 ? nullptr : quantised.data(),
                     .quantised_stride = quantised.stride(),
                     .out_multiplier = 50.0f,
                     .overflows = variant % 3 == 2 ? nullptr : weights.lists.data(),
                     .overflow_bytes = weights.lists.size()});
  Hash hash;
  hash.add(out);
  hash.add(quantised);
  print(hash, "gemm_int8 %d x %d x %d variant %d%s", m, k, n, variant, after_relu ? " after relu" : "");
}

void screened(const Kernels& kernels, int m, int k, int n, bool dynamic) {
  Random random(static_cast<uint64_t>((m * 1000 + k) * 1000 + n));
  const Int8Weights weights(random, k, n, false);
  Rows<int8_t> table(n, k, [&] { return static_cast<int8_t>(random.below(255) - 127); });
  Rows<uint8_t> a(m, k, [&] { return static_cast<uint8_t>(random.below(255)); });
  Guarded<float> row_scale(m);
  for (int i = 0; i < m; ++i) row_scale.data()[i] = 1.0f + 0.5f * random.unit();
  Guarded<uint8_t> sketch(sketch_size(k, n));
  make_sketch(table.data(), table.stride(), k, n, dynamic, sketch.data());
  Rows<float> bounds(m, (n + kPanelColumns - 1) / kPanelColumns);
  kernels.screen({.a = a.data(),
                  .a_stride = a.stride(),
                  .m = m,
                  .k = k,
                  .n = n,
                  .sketch = sketch.data(),
                  .scale = weights.scale.data(),
                  .bias = weights.bias.data(),
                  .row_scale = dynamic ? row_scale.data() : nullptr,
                  .bounds = bounds.data(),
                  .bounds_stride = bounds.stride()});
  Hash hash;
  hash.add(bounds);
  print(hash, "screen %d x %d x %d%s", m, k, n, dynamic ? " dynamic" : "");
}

void float_product(const Kernels& kernels, int m, int k, int n, bool odd) {
  Random random(static_cast<uint64_t>((m * 1000 + k) * 1000 + n));
  const Rows<float> a = odd ? odd_rows(random, m, k) : normal_rows(random, m, k);
  const Rows<float> matrix = normal_rows(random, k, n);
  const Rows<float> bias = normal_rows(random, 1, n);
  Guarded<float> panels(packed_size_float(k, n));
  pack_float(matrix.data(), matrix.stride(), false, k, n, panels.data());
  Rows<float> out(m, n);
  kernels.gemm_float({.a = a.data(),
                      .a_stride = a.stride(),
                      .m = m,
                      .k = k,
                      .n = n,
                      .panels = panels.data(),
                      .bias = k % 3 == 0 ? nullptr : bias.data(),
                      .activation = static_cast<Activation>((m + n) % 7),
                      .out = out.data(),
                      .out_stride = out.stride()});
  Hash hash;
  hash.add(out);
  print(hash, "gemm_float %d x %d x %d%s", m, k, n, odd ? " odd" : "");
}

void products(const Kernels& kernels) {
  constexpr int kDepths[] = {1, 3, 4, 8, 12, 13, 16, 20, 31, 36, 64, 100, 260};
  constexpr int kWidths[] = {1, 16, 17, 31, 32, 33, 48, 64, 65, 96, 100, 128, 130};
  Random random(1);
  for (int m = 1; m <= 34; ++m) {
    for (int i = 0; i < 12; ++i) {
      const int k = kDepths[random.below(13)], n = kWidths[random.below(13)];
      int8_product(kernels, m, k, n, random.below(28));
      if (i % 3 == 0) float_product(kernels, m, k, n, false);
    }
  }
  for (const int k : kDepths) {
    for (const int n : kWidths) int8_product(kernels, 1 + (k + n) % 7, k, n, (k * n) % 28);
  }
  for (int variant = 0; variant < 28; ++variant) int8_product(kernels, 9, 44, 96, variant);
  int8_product(kernels, 7, 2048, 40, 4);
  for (const int k : {256, 260, 1536, 4096}) {
    for (int variant = 0; variant < 4; ++variant) int8_product(kernels, 1, k, 70, variant, true);
  }
  for (int m = 1; m <= kMostScreenedRows; ++m) {
    for (const int k : {8, 37, 256}) {
      for (const int n : {16, 45, 100}) screened(kernels, m, k, n, (m + n) % 2 == 0);
    }
  }
  for (const int m : {16, 31, 193}) int8_product(kernels, m, 576, 70, m % 6);
  for (int m = 1; m < 9; ++m) float_product(kernels, m, 20, 50, true);
}

void packed_rows(const Kernels& kernels) {
  Random random(2);
  for (const int k : kColumns) {
    const int n = 1 + random.below(70);
    const Rows<int8_t> bytes(40, k, [&] { return static_cast<int8_t>(random.below(255) - 127); });
    const Rows<float> floats = odd_rows(random, 40, k);
    Guarded<int32_t> ids(n);
    for (int i = 0; i < n; ++i) ids.data()[i] = random.below(40);
    Guarded<int8_t> byte_panels(packed_size_int8(k, n));
    Guarded<float> float_panels(packed_size_float(k, n));
    kernels.pack_rows_int8(bytes.data(), bytes.stride(), ids.data(), n, k, byte_panels.data());
    kernels.pack_rows_float(floats.data(), floats.stride(), ids.data(), n, k, float_panels.data());
    Hash hash;
    hash.add(byte_panels);
    hash.add(float_panels);
    print(hash, "pack_rows %d x %d", n, k);
  }
}

void quantisers(const Kernels& kernels) {
  Random random(3);
  for (const int columns : kColumns) {
    for (const bool odd : {false, true}) {
      const Rows<float> x = odd ? odd_rows(random, 3, columns) : normal_rows(random, 3, columns);
      Rows<uint8_t> out(3, columns), own(3, columns);
      Guarded<float> row_scale(3);
      kernels.quantize(x.data(), x.stride(), 3, columns, 60.0f, out.data(), out.stride());
      kernels.quantize_rows(x.data(), x.stride(), 3, columns, own.data(), own.stride(), row_scale.data());
      Hash hash;
      hash.add(out);
      hash.add(own);
      hash.add(row_scale);
      print(hash, "quantize %d%s", columns, odd ? " odd" : "");
    }
  }
}

void norms(const Kernels& kernels) {
  Random random(4);
  for (const int columns : kColumns) {
    for (int variant = 0; variant < 8; ++variant) {
      const int rows = 1 + random.below(6);
      const Rows<float> x = variant == 7 ? odd_rows(random, rows, columns) : normal_rows(random, rows, columns);
      const Rows<float> residual = normal_rows(random, rows, columns);
      const Rows<float> scale = normal_rows(random, 1, columns), bias = normal_rows(random, 1, columns);
      Rows<float> sum(rows, columns), out(rows, columns);
      Rows<uint8_t> quantised(rows, columns);
      kernels.norm({.x = x.data(),
                    .x_stride = x.stride(),
                    .residual = variant & 1 ? residual.data() : nullptr,
                    .residual_stride = residual.stride(),
                    .rows = rows,
                    .columns = columns,
                    .rms = (variant & 2) != 0,
                    .scale = variant & 4 ? scale.data() : nullptr,
                    .bias = variant & 4 ? bias.data() : nullptr,
                    .epsilon = 1e-6f,
                    .sum = variant % 3 ? sum.data() : nullptr,
                    .sum_stride = sum.stride(),
                    .out = out.data(),
                    .out_stride = out.stride(),
                    .quantised = quantised.data(),
                    .quantised_stride = quantised.stride(),
                    .multiplier = 40.0f});
      Hash hash;
      hash.add(sum);
      hash.add(out);
      hash.add(quantised);
      print(hash, "norm %d x %d variant %d", rows, columns, variant);
    }
  }
}

void attention(const Kernels& kernels, Random& random, int rows, int count, int heads, int head_dim, bool odd) {
  const int columns = heads * head_dim;
  const size_t key_stride = (static_cast<size_t>(count) + 15) / 16 * 16;
  const Rows<float> q = odd ? odd_rows(random, rows, columns) : normal_rows(random, rows, columns);
  const Rows<float> k = normal_rows(random, count, columns), values = normal_rows(random, count, columns);
  Guarded<float> keys(static_cast<size_t>(columns) * key_stride), scores(4 * key_stride);
  kernels.pack_keys(k.data(), k.stride(), count, heads, head_dim, 0.3f, keys.data(), key_stride);
  Rows<float> out(rows, columns), weights(rows, count);
  Rows<uint8_t> quantised(rows, columns);
  kernels.attention({.q = q.data(),
                     .q_stride = q.stride(),
                     .rows = rows,
                     .keys = keys.data(),
                     .values = values.data(),
                     .value_stride = values.stride(),
                     .count = count,
                     .heads = heads,
                     .head_dim = head_dim,
                     .scores = scores.data(),
                     .out = out.data(),
                     .out_stride = out.stride(),
                     .quantised = quantised.data(),
                     .quantised_stride = quantised.stride(),
                     .multiplier = 60.0f,
                     .weights = weights.data(),
                     .weights_stride = weights.stride()});
  Hash hash;
  hash.add(keys);
  hash.add(out);
  hash.add(weights);
  hash.add(quantised);
  print(hash, "attention %d rows, %d keys, %d heads of %d%s", rows, count, heads, head_dim, odd ? ", odd" : "");
}

void cached_attention(const Kernels& kernels, Random& random, int count, int heads, int head_dim) {
  const int columns = heads * head_dim, cells = 40;
  const Rows<float> q = normal_rows(random, 1, columns);
  const Rows<float> keys = normal_rows(random, cells, columns), values = normal_rows(random, cells, columns);
  Guarded<int32_t> positions(count);
  for (int i = 0; i < count; ++i) positions.data()[i] = random.below(cells);
  Guarded<float> scores((static_cast<size_t>(count) + 15) / 16 * 16);
  Rows<float> out(1, columns);
  Rows<uint8_t> quantised(1, columns);
  kernels.cached_attention({.q = q.data(),
                            .keys = keys.data(),
                            .values = values.data(),
                            .stride = keys.stride(),
                            .cells = positions.data(),
                            .count = count,
                            .heads = heads,
                            .head_dim = head_dim,
                            .scale = 0.2f,
                            .scores = scores.data(),
                            .out = out.data(),
                            .quantised = quantised.data(),
                            .multiplier = 60.0f});
  Hash hash;
  hash.add(out);
  hash.add(quantised);
  print(hash, "cached_attention %d keys, %d heads of %d", count, heads, head_dim);
}

void additive_attention(const Kernels& kernels, Random& random, int count, int columns, int context_columns) {
  const Rows<float> query = normal_rows(random, 1, columns), energy = normal_rows(random, 1, columns);
  const Rows<float> projected = normal_rows(random, count, columns);
  const Rows<float> context = normal_rows(random, count, context_columns);
  Guarded<float> scores((static_cast<size_t>(count) + 15) / 16 * 16);
  Rows<float> out(1, context_columns), weights(1, count);
  kernels.additive_attention({.query = query.data(),
                              .projected = projected.data(),
                              .projected_stride = projected.stride(),
                              .context = context.data(),
                              .context_stride = context.stride(),
                              .count = count,
                              .columns = columns,
                              .context_columns = context_columns,
                              .energy = energy.data(),
                              .scores = scores.data(),
                              .out = out.data(),
                              .weights = weights.data()});
  Hash hash;
  hash.add(out);
  hash.add(weights);
  print(hash, "additive_attention %d keys, %d, %d columns", count, columns, context_columns);
}

void attentions(const Kernels& kernels) {
  Random random(5);
  for (const int head_dim : {4, 8, 20, 32, 48, 64, 80}) {
    for (int rows = 1; rows < 8; ++rows) {
      const int count = 1 + random.below(70), heads = 1 + random.below(6);
      attention(kernels, random, rows, count, heads, head_dim, rows == 5);
    }
    for (const int count : {16, 17, 32, 33, 48}) attention(kernels, random, 1 + count % 4, count, 4, head_dim, false);
    for (int i = 0; i < 4; ++i) {
      const int count = 1 + random.below(40), heads = 1 + random.below(6);
      cached_attention(kernels, random, count, heads, head_dim);
    }
    for (const int columns : kColumns) additive_attention(kernels, random, 1 + random.below(40), columns, 2 * head_dim);
  }
}

void elementwise(const Kernels& kernels) {
  Random random(6);
  for (const int columns : kColumns) {
    for (const bool odd : {false, true}) {
      const auto input = [&](int width) {
        return odd ? odd_rows(random, 3, width) : normal_rows(random, 3, width, 6.0f);
      };
      const Rows<float> x = input(columns), y = input(columns), gate = input(columns);
      Rows<float> out(3, columns), second(3, columns);
      const auto done = [&](const char* name, int variant) {
        Hash hash;
        hash.add(out);
        hash.add(second);
        print(hash, "%s %d variant %d%s", name, columns, variant, odd ? " odd" : "");
      };
      for (int kind = 0; kind < 7; ++kind) {
        kernels.activate(x.data(), x.stride(), 3, columns, static_cast<Activation>(kind), out.data(), out.stride());
        done("activate", kind);
      }
      for (const Binary kind : {Binary::kAdd, Binary::kMultiply}) {
        kernels.binary(kind, x.data(), x.stride(), y.data(), y.stride(), 3, columns, out.data(), out.stride());
        done("binary", static_cast<int>(kind));
      }
      kernels.mix(gate.data(), gate.stride(), y.data(), y.stride(), x.data(), x.stride(), 3, columns, out.data(),
                  out.stride());
      done("mix", 0);
      kernels.running_average(x.data(), x.stride(), y.data(), y.stride(), 3, columns, 7.0f, out.data(), out.stride());
      done("running_average", 0);
      const Rows<float> gates = input(4 * columns), state = input(4 * columns), bias = input(4 * columns);
      for (int variant = 0; variant < 4; ++variant) {
        const float* from = variant & 1 ? gates.data() : nullptr;
        kernels.gru(from, gates.stride(), state.data(), state.stride(), bias.data(), x.data(), x.stride(), 3, columns,
                    (variant & 2) != 0, out.data(), out.stride());
        done("gru", variant);
        kernels.lstm(from, gates.stride(), state.data(), state.stride(), variant & 2 ? bias.data() : nullptr, x.data(),
                     x.stride(), 3, columns, second.data(), second.stride(), out.data(), out.stride());
        done("lstm", variant);
      }
    }
  }
}

void tables(const Kernels& kernels) {
  Random random(7);
  for (const int columns : kColumns) {
    const Rows<float> floats = normal_rows(random, 9, columns);
    const Rows<int8_t> bytes(9, columns, [&] { return static_cast<int8_t>(random.below(255) - 127); });
    constexpr int32_t kIds[] = {8, 0, -1, 3, 3};
    Rows<float> first(5, columns), second(5, columns), gathered(1, 40);
    kernels.embed_float(floats.data(), floats.stride(), kIds, 5, columns, 1.7f, first.data(), first.stride());
    kernels.embed_int8(bytes.data(), bytes.stride(), 0.013f, kIds, 5, columns, 22.6f, second.data(), second.stride());
    Guarded<int32_t> index(40);
    for (int i = 0; i < 40; ++i) index.data()[i] = random.below(columns);
    kernels.gather(floats.data(), index.data(), 40, gathered.data());
    Hash hash;
    hash.add(first);
    hash.add(second);
    hash.add(gathered);
    print(hash, "embed and gather %d", columns);
  }
}

void reductions(const Kernels& kernels) {
  Random random(8);
  for (const int count : {1, 5, 15, 16, 17, 33, 500, 512, 513, 1100, 2048, 2049, 5000}) {
    for (const bool odd : {false, true}) {
      const Rows<float> x = odd ? odd_rows(random, 1, count)
                                : Rows<float>(1, count, [&] { return static_cast<float>(random.below(99) - 50); });
      const Best best = kernels.argmax(x.data(), count);
      Hash hash;
      hash.add(best.index);
      hash.add(best.value);
      hash.add(kernels.log_sum_exp(x.data(), count));
      print(hash, "argmax, log_sum_exp %d%s", count, odd ? " odd" : "");
    }
  }
}

int run(int argc, char** argv) {
  if (argc < 2) {
    for (const Kernels* const* table = available_kernels(); *table != nullptr; ++table) std::puts((*table)->name);
    return 0;
  }
  const Kernels* kernels = kernels_by_name(argv[1]);
  if (kernels == nullptr) {
    std::fprintf(stderr, "this machine cannot run %s\n", argv[1]);
    return 2;
  }
  products(*kernels);
  packed_rows(*kernels);
  quantisers(*kernels);
  norms(*kernels);
  attentions(*kernels);
  elementwise(*kernels);
  tables(*kernels);
  reductions(*kernels);
  return 0;
}

}  // namespace
}  // namespace hashes

int main(int argc, char** argv) { return hashes::run(argc, argv); }
