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
  const F32x16 all = splat(sum(total)), inverse = splat(1.0f) / all;
  for_columns(count, [&](int i, int part) { store_part(divide(load_part(x + i, part), all, inverse), x + i, part); });
}

// scores[r][0..16V) = q[r] . keys, d in turn; keys [head_dim][key_stride].
template <int R, int V>
inline void score_block(const float* q, size_t q_stride, const float* keys, size_t key_stride, int head_dim,
                        float* scores) {
  F32x16 block[R][V];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) block[r][v] = splat(0.0f);
  }
  for (int d = 0; d < head_dim; ++d) {
    F32x16 key[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) key[v] = load(keys + d * key_stride + 16 * v);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const F32x16 x = splat(q[r * q_stride + d]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) block[r][v] = fma(x, key[v], block[r][v]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store(block[r][v], scores + r * key_stride + 16 * v);
  }
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
#pragma GCC unroll 8
  for (int i = 0; i < R * G; ++i) mixed[i / G][i % G] = splat(0.0f);
  for (int p = 0; p < count; ++p) {
    const float* from = value(p) + column;
    F32x16 v[G];
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) v[g] = g + 1 < G ? load(from + 16 * g) : load_part(from + 16 * g, part);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const F32x16 weight = splat(weights[r * weights_stride + p]);
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) mixed[r][g] = fma(weight, v[g], mixed[r][g]);
    }
  }
#pragma GCC unroll 8
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
  for (; column + 16 < columns; column += 32) {
    const int part = columns - column < 32 ? columns - column - 16 : 16;
    mix_groups<R, 2>(weights, weights_stride, count, column, part, value, to);
  }
  if (column < columns) mix_groups<R, 1>(weights, weights_stride, count, column, columns - column, value, to);
}

template <int R>
void attend_rows(const Attention& p, int row) {
  const size_t key_stride = (static_cast<size_t>(p.count) + 15) / 16 * 16;
  for (int head = 0; head < p.heads; ++head) {
    const size_t offset = static_cast<size_t>(head) * p.head_dim;
    const float* q = p.q + row * p.q_stride + offset;
    const float* keys = p.keys + offset * key_stride;
    size_t at = 0;
    for (; at + 32 <= key_stride; at += 32) {
      score_block<R, 2>(q, p.q_stride, keys + at, key_stride, p.head_dim, p.scores + at);
    }
    if (at < key_stride) {
      score_block<R, 1>(q, p.q_stride, keys + at, key_stride, p.head_dim, p.scores + at);
    }
    for (int r = 0; r < R; ++r) {
      softmax(p.scores + r * key_stride, p.count);
      if (head == 0 && p.weights) {
        float* weights = p.weights + (row + r) * p.weights_stride;
        for_columns(p.count, [&](int i, int part) {
          store_part(load_part(p.scores + r * key_stride + i, part), weights + i, part);
        });
      }
    }
    mix_values<R>(
        p.scores, key_stride, p.count, p.head_dim, [&](int at) { return p.values + at * p.value_stride + offset; },
        {p.out ? p.out + row * p.out_stride + offset : nullptr, p.out_stride,
         p.quantised ? p.quantised + row * p.quantised_stride + offset : nullptr, p.quantised_stride, p.multiplier});
  }
}

void attention(const Attention& p) {
  int row = 0;
  for (; row + 4 <= p.rows; row += 4) attend_rows<4>(p, row);
  if (row + 2 <= p.rows) {
    attend_rows<2>(p, row);
    row += 2;
  }
  if (row < p.rows) attend_rows<1>(p, row);
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

// Dot products here run along a row, so they keep 16 lanes and the fixed tree.
void cached_attention(const CachedAttention& p) {
  for (int head = 0; head < p.heads; ++head) {
    const size_t offset = static_cast<size_t>(head) * p.head_dim;
    for (int at = 0; at < p.count; ++at) {
      const float* key = p.keys + p.cells[at] * p.stride + offset;
      F32x16 products = splat(0.0f);
      for_columns(p.head_dim, [&](int d, int part) {
        products = fma(load_part(p.q + offset + d, part), load_part(key + d, part), products);
      });
      p.scores[at] = sum(products) * p.scale;
    }
    softmax(p.scores, p.count);
    mix_values<1>(p.scores, 0, p.count, p.head_dim, [&](int at) { return p.values + p.cells[at] * p.stride + offset; },
                  {p.out ? p.out + offset : nullptr, 0, p.quantised ? p.quantised + offset : nullptr, 0, p.multiplier});
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
