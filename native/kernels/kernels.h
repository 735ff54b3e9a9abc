// The table of kernels: the only kernel header that other native code includes.
//
// Matrices are row-major. M rows, K shared columns, N output columns; strides count elements, not bytes.
// A kernel computes a row from that row alone, in a fixed order that depends on neither M, the tile nor the
// instruction set: every target gives the same bits (docs/decisions/0002-fixed-order.md):
//   - int8 products are exact in int32;
//   - float products add k = 0..K-1 in turn, one fused multiply-add each, one accumulator an output element;
//   - float reductions over a row keep 16 lanes (element i goes to lane i mod 16) and join them by one fixed tree
//     (i with i+8, then +4, +2, +1);
//   - exp, tanh, sigmoid and the like are one polynomial with fused multiply-adds.
// No kernel allocates, throws, or keeps state. An operand may be a slice of columns of a wider value: nothing but
// 4-byte (float) or 1-byte alignment may be relied on, and a kernel writes exactly the columns it is asked for, never
// the padding. Reading up to the next multiple of 16 floats or 64 bytes is allowed and must not change the result,
// whatever lies there. Outputs may not overlap inputs unless a kernel says so.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dragoman {

inline constexpr int kPanelColumns = 32;  // columns of a packed panel, int8 and float
// Columns of a row of logits that are handled together where a whole row is not kept.
inline constexpr int kScoreColumns = 2048;

enum class Activation : int32_t { kNone, kRelu, kSwish, kGelu, kGeluSigmoid, kSigmoid, kTanh };
// kGelu: x * Phi(x), Phi through erf (Marian >= 1.12); kGeluSigmoid: x * sigmoid(1.702 x) (Bergamot's fork).

// One int8 product. a holds unsigned activations (integer + 127), panels signed weights, packed as
// [ceil(N/32)][ceil(K/4)][2][16][4] (packing.h), zero beyond K and N.
//   static:  y = fma(float(S), scale[n], bias[n]), S = sum_k a*b with the shift still inside: bias[n] undoes it
//            (Marian's own order, marian src/tensors/cpu/intgemm_interface.h; scale = 1/(alpha*beta))
//   dynamic: y = fma(float(S - 127 * column_sums[n]), row_scale[m] * scale[n], bias[n]); bias may be null (0)
// With column_sums, one row alone may pass over steps of 4 k that are all 127, zeros to the model: after a
// relu that is half of them.
// Then the activation; then y goes to `out` (if not null) and, quantised with `out_multiplier`, to `quantised` (if not
// null): min(max(round_half_even(y * out_multiplier), -127), 127) + 127.
struct GemmInt8 {
  const uint8_t* a;
  size_t a_stride;
  int m, k, n;
  const int8_t* panels;
  const float* scale;          // [N]
  const float* bias;           // [N] or null (dynamic only)
  const int32_t* column_sums;  // [N], of the weights over K; static: or null
  const float* row_scale;      // [M]; null selects the static form
  Activation activation;
  float* out;  // [M][N] or null
  size_t out_stride;
  uint8_t* quantised;  // [M][N] or null
  size_t quantised_stride;
  float out_multiplier;
  // What may overflow 16 bits in the panels, if known (overflow.h): some targets are quicker for it. `panels` starts at
  // column `first_column` of those that are listed. Or the highest bound alone.
  const uint8_t* overflows = nullptr;
  size_t overflow_bytes = 0;
  int first_column = 0;
};

// y = activation(bias[n] + sum_k a*b): the accumulator starts at 0 and the bias is added last, unfused.
// panels [ceil(N/32)][K][32] float, zero beyond N.
struct GemmFloat {
  const float* a;
  size_t a_stride;
  int m, k, n;
  const float* panels;
  const float* bias;  // [N] or null
  Activation activation;
  float* out;
  size_t out_stride;
};

inline constexpr int kMostScreenedRows = 6;

// How high the columns of an int8 product can be at most, a panel of 32 at a time, from its sketch (sketch.h).
// Operands as in GemmInt8, without an activation; scales are not negative. No result of row m in a panel, NaN aside,
// is above bounds[m * bounds_stride + panel].
struct Screen {
  const uint8_t* a;
  size_t a_stride;
  int m, k, n;  // m <= kMostScreenedRows
  const uint8_t* sketch;
  const float* scale;
  const float* bias;
  const float* row_scale;
  float* bounds;  // [M][ceil(N/32)]
  size_t bounds_stride;
};

// sum = x + residual (or x); normalised = norm(sum) * scale + bias.
// layer: (sum - mean) / sqrt(var + epsilon), biased variance; rms: sum / sqrt(mean(sum^2) + epsilon).
// Each output may be null. `sum` may be the same buffer as x or residual.
struct Norm {
  const float* x;
  size_t x_stride;
  const float* residual;  // or null
  size_t residual_stride;
  int rows, columns;
  bool rms;
  const float* scale;  // [columns] or null (1)
  const float* bias;   // [columns] or null (0)
  float epsilon;
  float* sum;
  size_t sum_stride;
  float* out;
  size_t out_stride;
  uint8_t* quantised;
  size_t quantised_stride;
  float multiplier;
};

// Attention of query rows over one range of keys: softmax(q k^T) v, heads in contiguous slices of head_dim columns.
// keys: scaled and packed by pack_keys, [heads][head_dim][key_stride] float, key_stride = count rounded up to 16;
// values: rows of [count][value_stride]. Results joined in head order, to `out` and/or quantised.
// scores: scratch of at least 4 * key_stride floats. weights (or null): head 0's probabilities, row r at
// weights + r * weights_stride, `count` of them.
struct Attention {
  const float* q;
  size_t q_stride;
  int rows;
  const float* keys;
  const float* values;
  size_t value_stride;
  int count;
  int heads, head_dim;
  float* scores;
  float* out;
  size_t out_stride;
  uint8_t* quantised;
  size_t quantised_stride;
  float multiplier;
  float* weights;
  size_t weights_stride;
  // Keys and values of the next call, or null: a call of one row fetches them meanwhile.
  const float* next_keys = nullptr;
  const float* next_values = nullptr;
};

// Attention of one row over keys and values that lie anywhere: position p at keys + cells[p] * stride (row-major).
// scores: scratch of `count` rounded up to 16 floats.
struct CachedAttention {
  const float* q;
  const float* keys;
  const float* values;
  size_t stride;
  const int32_t* cells;
  int count;
  int heads, head_dim;
  float scale;
  float* scores;
  float* out;
  uint8_t* quantised;  // or null
  float multiplier;
};

// Bahdanau's attention of one row over one sentence (Marian src/rnn/attention.h):
// e_s = energy . tanh(projected_s + query), a = softmax(e), out = sum_s a_s context_s.
struct AdditiveAttention {
  const float* query;      // [columns]
  const float* projected;  // [count][projected_stride]
  size_t projected_stride;
  const float* context;  // [count][context_stride]
  size_t context_stride;
  int count;
  int columns;          // of query, projected and energy
  int context_columns;  // of context and out
  const float* energy;  // [columns]
  float* scores;        // scratch, count rounded up to 16
  float* out;
  float* weights;  // or null: [count]
};

enum class Binary : int32_t { kAdd, kMultiply };

// One row's best token of a logits row.
struct Best {
  int32_t index;
  float value;
};

// sum(exp(x)) of a row, block by block: total * exp(most).
struct LogSum {
  float most = -__builtin_inff();
  float total = 0;
};

struct Kernels {
  const char* name;

  void (*gemm_int8)(const GemmInt8&);
  void (*gemm_float)(const GemmFloat&);
  void (*screen)(const Screen&);

  // u8 = clamp(round_half_even(x * multiplier), -127, 127) + 127.
  void (*quantize)(const float* x, size_t x_stride, int rows, int columns, float multiplier, uint8_t* out,
                   size_t out_stride);
  // Each row by its own maximum: multiplier = 127 / max|x| (1 if the row is zero); row_scale[m] = 1 / multiplier.
  void (*quantize_rows)(const float* x, size_t x_stride, int rows, int columns, uint8_t* out, size_t out_stride,
                        float* row_scale);

  void (*norm)(const Norm&);
  // keys [heads][head_dim][key_stride] = scale * k, from row-major k [count][k_stride]; zero in the padding up to
  // key_stride. The factor of the scores belongs here, once per key (decision 0010).
  void (*pack_keys)(const float* k, size_t k_stride, int count, int heads, int head_dim, float scale, float* keys,
                    size_t key_stride);
  void (*attention)(const Attention&);
  void (*cached_attention)(const CachedAttention&);
  void (*additive_attention)(const AdditiveAttention&);

  // out may equal x.
  void (*activate)(const float* x, size_t x_stride, int rows, int columns, Activation, float* out, size_t out_stride);
  void (*binary)(Binary, const float* x, size_t x_stride, const float* y, size_t y_stride, int rows, int columns,
                 float* out, size_t out_stride);
  // out = g*y + (1-g)*x, g = sigmoid(gate). out may equal any input. As fma(g, y, (1-g)*x).
  void (*mix)(const float* gate, size_t gate_stride, const float* y, size_t y_stride, const float* x, size_t x_stride,
              int rows, int columns, float* out, size_t out_stride);
  // out = (step * average + x) / (step + 1). out may equal average.
  void (*running_average)(const float* average, size_t average_stride, const float* x, size_t x_stride, int rows,
                          int columns, float step, float* out, size_t out_stride);
  // GRU gates (Marian src/tensors/cpu/tensor_operators.cpp GRUFastForward). x (or null: 0) and s are [rows][3*columns]
  // laid out reset, update, candidate; bias [3*columns] or null. r = sig(x1+s1+b1), z = sig(x2+s2+b2),
  // c = tanh(x3 + r*s3 + b3), or tanh(x3 + r*(s3+b3)) if final; out = (1-z)*c + z*h. out may equal h.
  void (*gru)(const float* x, size_t x_stride, const float* s, size_t s_stride, const float* bias, const float* h,
              size_t h_stride, int rows, int columns, bool final, float* out, size_t out_stride);
  // LSTM. gates = x (or null) + s + bias, [rows][4*columns] laid out forget, input, candidate, output.
  // cell_out = f*cell + i*tanh(g); out = o*tanh(cell_out). cell_out may equal cell.
  void (*lstm)(const float* x, size_t x_stride, const float* s, size_t s_stride, const float* bias, const float* cell,
               size_t cell_stride, int rows, int columns, float* cell_out, size_t cell_out_stride, float* out,
               size_t out_stride);
  // out[r] = table[ids[r]] * scale (+ positions[position[r]]); id -1 is the zero vector. Row-major float table.
  void (*embed_float)(const float* table, size_t table_stride, const int32_t* ids, int rows, int columns, float scale,
                      float* out, size_t out_stride);
  // Row-major int8 table; value = float(q) * unquantise, then * scale.
  void (*embed_int8)(const int8_t* table, size_t table_stride, float unquantise, const int32_t* ids, int rows,
                     int columns, float scale, float* out, size_t out_stride);

  // Highest value of x[0..count), lowest index on ties; NaN never wins. Index -1 if count is 0.
  Best (*argmax)(const float* x, int count);
  // Adds exp(x[0..count)) to a sum under way; count is at most kScoreColumns, less only in the last block of a row.
  void (*add_exponentials)(const float* x, int count, LogSum* to);
  float (*log_of)(const LogSum& sum);
  // Both, by blocks of kScoreColumns.
  float (*log_sum_exp)(const float* x, int count);
  // out[i] = x[index[i]].
  void (*gather)(const float* x, const int32_t* index, int count, float* out);

  // Panels (as GemmInt8 and GemmFloat take them) whose column i is row ids[i] of a row-major table [N][K], i < n;
  // zero beyond K and n. For the output columns of a batch's shortlist.
  void (*pack_rows_int8)(const int8_t* table, size_t stride, const int32_t* ids, int n, int k, int8_t* panels);
  void (*pack_rows_float)(const float* table, size_t stride, const int32_t* ids, int n, int k, float* panels);

  // For benchmarks: runs the products' innermost operation on registers alone, returns how many operations that was.
  int64_t (*peak_int8)(int64_t rounds);
  int64_t (*peak_float)(int64_t rounds);
};

// The table of the instruction set in use: the best of this processor, or the one named by DRAGOMAN_CPU
// (throws Error with the list if that is unknown or not available here).
const Kernels& kernels();
// All tables that this processor can run, best first; null-terminated.
const Kernels* const* available_kernels();
// Table by name ("avx512vnni", "avx512bw", "avxvnni", "avx2"; "neoni8mm", "neondot", "neon"; "generic"), or null if
// unknown or not runnable here.
const Kernels* kernels_by_name(const char* name);

}  // namespace dragoman
