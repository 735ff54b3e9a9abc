// Attention of rows over packed keys, over cached positions, and Bahdanau's additive form. Contract: kernels.h.
#pragma once

#include "kernels/elementwise-inl.h"
#include "kernels/transpose-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// In place: x[0..count) becomes exp(x - max) / sum. Sums keep 16 lanes and the fixed tree.
inline void softmax(float* x, int count) {
  const float lowest = -__builtin_inff();
  F32x16 high = splat(lowest), total = splat(0.0f);
  for_columns(count,
              [&](int i, int part) { high = max(keep_first(load_part(x + i, part), part, splat(lowest)), high); });
  const F32x16 most = splat(largest(high));
  for_columns(count, [&](int i, int part) {
    const F32x16 value = exp(load_part(x + i, part) - most);
    store_part(value, x + i, part);
    total = total + keep_first(value, part, splat(0.0f));
  });
  const float whole = sum(total);
  const F32x16 all = splat(whole), inverse = splat(1.0f / whole);
  for_columns(count, [&](int i, int part) { store_part(divide(load_part(x + i, part), all, inverse), x + i, part); });
}

// The same of R rows of 16V lanes, of which `count` are in use, in registers: the rows hide each other's latency.
template <int R, int V>
__attribute__((always_inline)) inline void softmax_rows(F32x16 (&x)[R][V], int count) {
  const float lowest = -__builtin_inff();
  const int last = count - 16 * (V - 1);
  float most[R], all[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    F32x16 high = splat(lowest);
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) high = max(v + 1 < V ? x[r][v] : keep_first(x[r][v], last, splat(lowest)), high);
    most[r] = largest(high);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    F32x16 total = splat(0.0f);
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      x[r][v] = exp(x[r][v] - splat(most[r]));
      total = total + (v + 1 < V ? x[r][v] : keep_first(x[r][v], last, splat(0.0f)));
    }
    all[r] = sum(total);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const F32x16 divisor = splat(all[r]), inverse = splat(1.0f / all[r]);
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) x[r][v] = divide(x[r][v], divisor, inverse);
  }
}

// scores[r][0..16V) = q[r] . keys, d in turn; keys [head_dim][key_stride]. Row r reads its own keys at r * next_keys: 0
// if the rows are queries of one head, else they are the heads of one query. Then the softmax, if `count` is not 0: the
// rows are then whole. Heads fetch what lies `ahead` of their keys.
template <int R, int V>
inline void score_block(const float* q, size_t q_stride, const float* keys, size_t key_stride, size_t next_keys,
                        int head_dim, int count, float* scores, ptrdiff_t ahead) {
  F32x16 block[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) block[r][v] = splat(0.0f);
  }
  if (next_keys == 0) {
    for (int d = 0; d < head_dim; ++d) {
      F32x16 key[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) key[v] = load(keys + d * key_stride + 16 * v);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const F32x16 x = splat(q[r * q_stride + d]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) block[r][v] = fma(x, key[v], block[r][v]);
      }
    }
  } else {
    for (int d = 0; d < head_dim; ++d) {
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const F32x16 x = splat(q[r * q_stride + d]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) {
          const float* from = keys + r * next_keys + d * key_stride + 16 * v;
          __builtin_prefetch(from + ahead, 0, 2);
          block[r][v] = fma(x, load(from), block[r][v]);
        }
      }
    }
  }
  if (count > 0) softmax_rows(block, count);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) store(block[r][v], scores + r * key_stride + 16 * v);
  }
}

// The softmax of R rows of 32 scores.
template <int R>
inline void softmax_pairs(float* scores, int count) {
  F32x16 pairs[R][2];
#pragma GCC unroll 8
  for (int i = 0; i < 2 * R; ++i) pairs[i / 2][i % 2] = load(scores + 16 * i);
  softmax_rows(pairs, count);
#pragma GCC unroll 8
  for (int i = 0; i < 2 * R; ++i) store(pairs[i / 2][i % 2], scores + 16 * i);
}

// The probabilities of R rows, as score_block takes them.
template <int R>
inline void weigh(const float* q, size_t q_stride, const float* keys, size_t key_stride, size_t next_keys, int head_dim,
                  int count, float* scores, ptrdiff_t ahead = 0) {
  constexpr int kVectors = 2 * R <= kFloatSums ? 2 : 1;  // as many sums as registers hold
  if (key_stride == 16) return score_block<R, 1>(q, q_stride, keys, 16, next_keys, head_dim, count, scores, ahead);
  if constexpr (kVectors == 2) {
    if (key_stride == 32) return score_block<R, 2>(q, q_stride, keys, 32, next_keys, head_dim, count, scores, ahead);
  }
  size_t at = 0;
  for (; at + 16 * kVectors <= key_stride; at += 16 * kVectors) {
    score_block<R, kVectors>(q, q_stride, keys + at, key_stride, next_keys, head_dim, 0, scores + at, ahead);
  }
  if (at < key_stride) {
    score_block<R, 1>(q, q_stride, keys + at, key_stride, next_keys, head_dim, 0, scores + at, ahead);
  }
  if (kVectors == 1 && key_stride == 32) return softmax_pairs<R>(scores, count);
  for (int r = 0; r < R; ++r) softmax(scores + r * key_stride, count);
}

// Where the mixed values of a head go.
struct MixedTo {
  float* out;
  size_t out_stride;
  uint8_t* quantised;
  size_t quantised_stride;
  float multiplier;
};

// out[r] = sum over positions of weights[r][p] * value(p), positions in turn, for R rows and G groups of 16 columns,
// the last of them `part` wide.
template <int R, int G, class Value>
inline void mix_groups(const float* weights, size_t weights_stride, int count, int column, int part, Value value,
                       const MixedTo& to) {
  F32x16 mixed[R][G];
#pragma GCC unroll 16
  for (int i = 0; i < R * G; ++i) mixed[i / G][i % G] = splat(0.0f);
  for (int p = 0; p < count; ++p) {
    const float* from = value(p) + column;
    F32x16 v[G];
#pragma GCC unroll 8
    for (int g = 0; g < G; ++g) v[g] = g + 1 < G ? load(from + 16 * g) : load_part(from + 16 * g, part);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F32x16 weight = splat(weights[r * weights_stride + p]);
#pragma GCC unroll 8
      for (int g = 0; g < G; ++g) mixed[r][g] = fma(weight, v[g], mixed[r][g]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < R * G; ++i) {
    const int r = i / G, at = column + 16 * (i % G), lanes = i % G + 1 < G ? 16 : part;
    const F32x16 y = mixed[r][i % G];
    if (to.out) store_part(y, to.out + r * to.out_stride + at, lanes);
    if (to.quantised) quantise_part(y, splat(to.multiplier), to.quantised + r * to.quantised_stride + at, lanes);
  }
}

// All columns of a head: as many groups at once as hide the latency of the sums.
template <int R, class Value>
inline void mix_values(const float* weights, size_t weights_stride, int count, int columns, Value value,
                       const MixedTo& to) {
  int column = 0;
  if constexpr (R == 1) {
    for (; column + 48 < columns; column += 64) {
      const int part = columns - column < 64 ? columns - column - 48 : 16;
      mix_groups<R, 4>(weights, weights_stride, count, column, part, value, to);
    }
  }
  if constexpr (2 * R <= kFloatSums) {
    for (; column + 16 < columns; column += 32) {
      const int part = columns - column < 32 ? columns - column - 16 : 16;
      mix_groups<R, 2>(weights, weights_stride, count, column, part, value, to);
    }
  } else {
    for (; column + 16 < columns; column += 16) {
      mix_groups<R, 1>(weights, weights_stride, count, column, 16, value, to);
    }
  }
  if (column < columns) mix_groups<R, 1>(weights, weights_stride, count, column, columns - column, value, to);
}

// One row's H heads of 16G columns each: value(p), the values of a position, are read once, in turn.
template <int H, int G, class Value>
inline void mix_heads(const float* weights, size_t weights_stride, int count, Value value, ptrdiff_t ahead,
                      const MixedTo& to) {
  F32x16 mixed[H][G];
#pragma GCC unroll 16
  for (int i = 0; i < H * G; ++i) mixed[i / G][i % G] = splat(0.0f);
  for (int p = 0; p < count; ++p) {
    const float* values = value(p);
#pragma GCC unroll 8
    for (int h = 0; h < H; ++h) {
      const F32x16 weight = splat(weights[h * weights_stride + p]);
#pragma GCC unroll 8
      for (int g = 0; g < G; ++g) {
        const float* from = values + 16 * (h * G + g);
        __builtin_prefetch(from + ahead, 0, 2);
        mixed[h][g] = fma(weight, load(from), mixed[h][g]);
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < H * G; ++i) {
    const F32x16 y = mixed[i / G][i % G];
    if (to.out) store(y, to.out + 16 * i);
    if (to.quantised) quantise_part(y, splat(to.multiplier), to.quantised + 16 * i, 16);
  }
}

// Widths of heads of which several are mixed together.
constexpr bool mixes_heads(int head_dim) { return head_dim == 32 || head_dim == 48 || head_dim == 64; }

template <int H, class Value>
inline void mix_whole_heads(const float* weights, size_t weights_stride, int count, int head_dim, Value value,
                            ptrdiff_t ahead, const MixedTo& to) {
  if (head_dim == 32) return mix_heads<H, 2>(weights, weights_stride, count, value, ahead, to);
  if (head_dim == 48) return mix_heads<H, 3>(weights, weights_stride, count, value, ahead, to);
  mix_heads<H, 4>(weights, weights_stride, count, value, ahead, to);
}

inline void keep_weights(const Attention& p, int row, const float* scores) {
  float* weights = p.weights + row * p.weights_stride;
  for_columns(p.count, [&](int i, int part) { store_part(load_part(scores + i, part), weights + i, part); });
}

// H heads of one row, from `head` on.
template <int H>
void attend_heads(const Attention& p, int row, int head) {
  const size_t key_stride = (static_cast<size_t>(p.count) + 15) / 16 * 16;
  const size_t head_dim = static_cast<size_t>(p.head_dim), offset = head * head_dim;
  const float* values = p.values + offset;
  const ptrdiff_t keys_ahead = p.next_keys ? p.next_keys - p.keys : 0;
  const ptrdiff_t values_ahead = p.next_values ? p.next_values - p.values : 0;
  weigh<H>(p.q + row * p.q_stride + offset, head_dim, p.keys + offset * key_stride, key_stride, head_dim * key_stride,
           p.head_dim, p.count, p.scores, keys_ahead);
  if (head == 0 && p.weights) keep_weights(p, row, p.scores);
  const MixedTo to = {p.out ? p.out + row * p.out_stride + offset : nullptr, 0,
                      p.quantised ? p.quantised + row * p.quantised_stride + offset : nullptr, 0, p.multiplier};
  mix_whole_heads<H>(
      p.scores, key_stride, p.count, p.head_dim, [&](int at) { return values + at * p.value_stride; }, values_ahead,
      to);
}

// R rows, heads from `first` on. scores: scratch of R * key_stride floats.
template <int R>
void attend_rows(const Attention& p, int row, int first, float* scores) {
  const size_t key_stride = (static_cast<size_t>(p.count) + 15) / 16 * 16;
  for (int head = first; head < p.heads; ++head) {
    const size_t offset = static_cast<size_t>(head) * p.head_dim;
    weigh<R>(p.q + row * p.q_stride + offset, p.q_stride, p.keys + offset * key_stride, key_stride, 0, p.head_dim,
             p.count, scores);
    if (head == 0 && p.weights) {
      for (int r = 0; r < R; ++r) keep_weights(p, row + r, scores + r * key_stride);
    }
    mix_values<R>(
        scores, key_stride, p.count, p.head_dim, [&](int at) { return p.values + at * p.value_stride + offset; },
        {p.out ? p.out + row * p.out_stride + offset : nullptr, p.out_stride,
         p.quantised ? p.quantised + row * p.quantised_stride + offset : nullptr, p.quantised_stride, p.multiplier});
  }
}

void attention(const Attention& p) {
  int row = 0;
  if constexpr (kAttendedRows > 4) {
    // Short sentences: the scores of more rows fit a place of their own.
    alignas(64) float scores[kAttendedRows * 32];
    for (; p.count <= 32 && row + kAttendedRows <= p.rows; row += kAttendedRows) {
      attend_rows<kAttendedRows>(p, row, 0, scores);
    }
  }
  for (; row + 4 <= p.rows; row += 4) attend_rows<4>(p, row, 0, p.scores);
  if (row + 3 == p.rows) return attend_rows<3>(p, row, 0, p.scores);
  if (row + 2 == p.rows) return attend_rows<2>(p, row, 0, p.scores);
  if (row == p.rows) return;
  int head = 0;
  if constexpr (kHeadsTogether > 1) {
    if (p.count > 0 && mixes_heads(p.head_dim)) {
      for (; head + kHeadsTogether <= p.heads; head += kHeadsTogether) attend_heads<kHeadsTogether>(p, row, head);
    }
  }
  attend_rows<1>(p, row, head, p.scores);
}

void pack_keys(const float* k, size_t k_stride, int count, int heads, int head_dim, float scale, float* keys,
               size_t key_stride) {
  const size_t rows = static_cast<size_t>(heads) * head_dim;
  for (int at = 0; at < count; at += 16) {
    const int lanes = lanes_left(count, at);
    const float* from[16];
    for (int i = 0; i < 16; ++i) from[i] = k + (i < lanes ? at + i : at) * k_stride;
    transpose_rows(from, lanes, nullptr, rows, keys + at, key_stride, [&](F32x16 x) { return x * splat(scale); });
  }
  const size_t written = (static_cast<size_t>(count) + 15) / 16 * 16;
  for (size_t d = 0; written < key_stride && d < rows; ++d) {
    for (size_t p = written; p < key_stride; ++p) keys[d * key_stride + p] = 0.0f;
  }
}

// q . key over one head. Dot products of cached keys run along a row, so they keep 16 lanes and the fixed tree.
inline F32x16 key_products(const CachedAttention& p, size_t offset, int at) {
  const float* key = p.keys + p.cells[at] * p.stride + offset;
  F32x16 products = splat(0.0f);
  for_columns(p.head_dim, [&](int d, int part) {
    products = fma(load_part(p.q + offset + d, part), load_part(key + d, part), products);
  });
  return products;
}

// scores[0..count) = q . key * scale, four positions at a time; writes up to the next multiple of four.
inline void score_cells(const CachedAttention& p, size_t offset, float* scores) {
  for (int at = 0; at < p.count; at += 4) {
    F32x16 products[4];
#pragma GCC unroll 8
    for (int i = 0; i < 4; ++i) products[i] = key_products(p, offset, at + i < p.count ? at + i : p.count - 1);
    sum_four(products, scores + at);
  }
  for_columns(p.count,
              [&](int at, int part) { store_part(load_part(scores + at, part) * splat(p.scale), scores + at, part); });
}

inline MixedTo mixed_head(const CachedAttention& p, size_t offset) {
  return {p.out ? p.out + offset : nullptr, 0, p.quantised ? p.quantised + offset : nullptr, 0, p.multiplier};
}

// H heads over at most 16V positions: their softmax stays in registers.
template <int H, int V>
void attend_cells(const CachedAttention& p, int head) {
  alignas(64) float scores[H][16 * V];
  F32x16 weights[H][V];
  const size_t offset = static_cast<size_t>(head) * p.head_dim;
#pragma GCC unroll 8
  for (int h = 0; h < H; ++h) score_cells(p, offset + h * p.head_dim, scores[h]);
#pragma GCC unroll 8
  for (int i = 0; i < H * V; ++i) weights[i / V][i % V] = load(scores[i / V] + 16 * (i % V));
  softmax_rows(weights, p.count);
#pragma GCC unroll 8
  for (int i = 0; i < H * V; ++i) store(weights[i / V][i % V], scores[i / V] + 16 * (i % V));
  mix_whole_heads<H>(
      scores[0], 16 * V, p.count, p.head_dim, [&](int at) { return p.values + p.cells[at] * p.stride + offset; }, 0,
      mixed_head(p, offset));
}

void cached_attention(const CachedAttention& p) {
  int head = 0;
  if constexpr (kHeadsTogether > 1) {
    if (mixes_heads(p.head_dim) && p.count > 0 && p.count <= 32) {
      for (; head + kHeadsTogether <= p.heads; head += kHeadsTogether) {
        if (p.count <= 16) {
          attend_cells<kHeadsTogether, 1>(p, head);
        } else {
          attend_cells<kHeadsTogether, 2>(p, head);
        }
      }
    }
  }
  for (; head < p.heads; ++head) {
    const size_t offset = static_cast<size_t>(head) * p.head_dim;
    score_cells(p, offset, p.scores);
    softmax(p.scores, p.count);
    mix_values<1>(
        p.scores, 0, p.count, p.head_dim, [&](int at) { return p.values + p.cells[at] * p.stride + offset; },
        mixed_head(p, offset));
  }
}

void additive_attention(const AdditiveAttention& p) {
  for (int at = 0; at < p.count; ++at) {
    const float* projected = p.projected + at * p.projected_stride;
    F32x16 products = splat(0.0f);
    for_columns(p.columns, [&](int column, int part) {
      const F32x16 active = tanh(load_part(projected + column, part) + load_part(p.query + column, part));
      products = fma(load_part(p.energy + column, part), active, products);
    });
    p.scores[at] = sum(products);
  }
  softmax(p.scores, p.count);
  if (p.weights) {
    for (int at = 0; at < p.count; ++at) p.weights[at] = p.scores[at];
  }
  mix_values<1>(p.scores, 0, p.count, p.context_columns, [&](int at) { return p.context + at * p.context_stride; },
                {p.out, 0, nullptr, 0, 1.0f});
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
