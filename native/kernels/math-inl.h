// exp, tanh, sigmoid, erf, log and the activations over sixteen lanes: one polynomial each, the same on every target.
//
// Relative error about 2 units in the last place over the whole range; exp overflows to inf and underflows through
// the denormal numbers to 0; NaN stays NaN. Coefficients: weighted minimax fits of our own, rounded to float.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd-inl.h"

namespace dragoman::DRAGOMAN_TARGET {
namespace {

// Highest power first.
template <int N>
inline F32x16 polynomial(F32x16 x, const float (&coefficients)[N]) {
  F32x16 result = splat(coefficients[0]);
#pragma GCC unroll 16
  for (int i = 1; i < N; ++i) result = fma(result, x, splat(coefficients[i]));
  return result;
}

// exp(x) = 2^n * (1 + rest) with |rest| < 0.42; `rounded` is n + 1.5 * 2^23.
struct ExpParts {
  F32x16 rounded, rest;
};

__attribute__((always_inline)) inline ExpParts split_exp(F32x16 x) {
  constexpr float kRest[] = {0x1.6db6c2p-10f, 0x1.123d38p-7f, 0x1.55545ap-5f, 0x1.55548cp-3f, 0x1p-1f};
  const F32x16 rounded = fma(x, splat(0x1.715476p+0f), splat(kRoundingMagic));  // log2(e)
  const F32x16 n = rounded - splat(kRoundingMagic);
  const F32x16 r = fnma(n, splat(-0x1.05c610p-29f), fnma(n, splat(0x1.62e430p-1f), x));  // ln 2 in two parts
  return {rounded, fma(polynomial(r, kRest), r * r, r)};
}

__attribute__((always_inline)) inline F32x16 exp(F32x16 x) {
  const ExpParts parts = split_exp(max(splat(-104.0f), min(splat(89.0f), x)));
  return scale_by_power(parts.rest + splat(1.0f), parts.rounded);
}

inline F32x16 sigmoid(F32x16 x) { return splat(1.0f) / (splat(1.0f) + exp(splat(0.0f) - x)); }

// Through exp(-2|x|) - 1, which keeps small arguments accurate; 1 from |x| = 10 on.
inline F32x16 tanh(F32x16 x) {
  const ExpParts parts = split_exp(max(splat(-20.0f), abs(x) * splat(-2.0f)));
  const F32x16 power = scale_by_power(splat(1.0f), parts.rounded);
  const F32x16 minus_one = fma(power, parts.rest, power - splat(1.0f));
  return copy_sign(minus_one / (minus_one + splat(2.0f)), x);
}

// z * P(z^2) below 1, 1 - exp(-Q(|z|)) above.
inline F32x16 erf(F32x16 z) {
  constexpr float kSmall[] = {-0x1.44cfbcp-17f, 0x1.d8b88cp-14f, -0x1.bcd7dep-11f, 0x1.562b1ap-8f,
                              -0x1.b829d8p-6f,  0x1.ce2f0ap-4f,  -0x1.812746p-2f,  0x1.20dd76p+0f};
  constexpr float kLarge[] = {0x1.6bd850p-16f, -0x1.cec654p-12f, 0x1.138cd8p-8f, -0x1.9d0318p-6f,
                              0x1.bc151ep-4f,  0x1.443566p-1f,   0x1.212c0ep+0f, -0x1.8a5954p-13f};
  const F32x16 magnitude = min(splat(4.0f), abs(z));
  const F32x16 small = magnitude * polynomial(magnitude * magnitude, kSmall);
  const F32x16 large = splat(1.0f) - exp(splat(0.0f) - polynomial(magnitude, kLarge));
  return copy_sign(select_less(magnitude, splat(1.0f), small, large), z);
}

// One finite positive normal number. Lanes are not worth it: it is called once a row.
inline float log(float x) {
  constexpr float kRest[] = {0x1.1b40e4p-4f,  -0x1.e2e918p-4f, 0x1.e6512ep-4f,  -0x1.fb434ep-4f, 0x1.2332b8p-3f,
                             -0x1.5562e2p-3f, 0x1.99a546p-3f,  -0x1.ffffeep-3f, 0x1.555546p-2f};
  int32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  const int32_t exponent = (bits - 0x3f3504f3) >> 23;  // so that the mantissa is in [sqrt(1/2), sqrt(2))
  bits -= exponent * (1 << 23);
  float f;
  __builtin_memcpy(&f, &bits, 4);
  f -= 1.0f;
  float rest = kRest[0];
  for (int i = 1; i < 9; ++i) rest = __builtin_fmaf(rest, f, kRest[i]);
  const float n = static_cast<float>(exponent);
  const float small = __builtin_fmaf(f * f, __builtin_fmaf(rest, f, -0.5f), n * -0x1.05c610p-29f);
  return __builtin_fmaf(n, 0x1.62e430p-1f, f + small);
}

template <Activation kind>
inline F32x16 activated(F32x16 x) {
  switch (kind) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return max(splat(0.0f), x);
    case Activation::kSwish:
      return x / (splat(1.0f) + exp(splat(0.0f) - x));
    case Activation::kGelu: {
      const F32x16 half = x * splat(0.5f);
      return fma(half, erf(x * splat(0x1.6a09e6p-1f)), half);
    }
    case Activation::kGeluSigmoid:
      return x * sigmoid(x * splat(1.702f));
    case Activation::kSigmoid:
      return sigmoid(x);
    case Activation::kTanh:
      return tanh(x);
  }
  return x;
}

// Calls function.operator()<kind>() for the kind known only at run time.
template <class Function>
inline void with_activation(Activation kind, Function function) {
  switch (kind) {
    case Activation::kNone:
      return function.template operator()<Activation::kNone>();
    case Activation::kRelu:
      return function.template operator()<Activation::kRelu>();
    case Activation::kSwish:
      return function.template operator()<Activation::kSwish>();
    case Activation::kGelu:
      return function.template operator()<Activation::kGelu>();
    case Activation::kGeluSigmoid:
      return function.template operator()<Activation::kGeluSigmoid>();
    case Activation::kSigmoid:
      return function.template operator()<Activation::kSigmoid>();
    case Activation::kTanh:
      return function.template operator()<Activation::kTanh>();
  }
}

}  // namespace
}  // namespace dragoman::DRAGOMAN_TARGET
