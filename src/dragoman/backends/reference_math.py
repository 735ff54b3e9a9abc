"""The arithmetic of the reference back end: pure functions of arrays, float32 in and out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.backends.slots import fused_multiply_add
from dragoman.graph.ops import Function

__all__ = [
    "activate",
    "attend",
    "exact_product",
    "gru",
    "log_sum_exp",
    "lstm",
    "normalise",
    "quantise",
    "quantise_rows",
    "sigmoid",
    "sinusoidal_positions",
    "softmax",
    "unquantise",
]

Floats = NDArray[np.float32]

_ONE = np.float32(1)
_TOP = np.float32(127)
_EXACT_TERMS = 512
"""So many products of 254 * 127 sum up to less than 2^24: exact in float32, in any order."""

_erf = np.vectorize(math.erf, otypes=[np.float64])


def quantise(x: Floats, multiplier: float) -> NDArray[np.uint8]:
    """round(x * multiplier), half to even, clamped to -127 .. 127, plus 127."""
    scaled = np.rint(x * np.float32(multiplier))
    shifted: Floats = np.clip(scaled, -_TOP, _TOP) + _TOP
    return shifted.astype(np.uint8)


def quantise_rows(x: Floats) -> tuple[NDArray[np.uint8], Floats]:
    """Each row by its own maximum: the integers, and [rows, 1] what turns them back to floats."""
    largest = np.abs(x).max(axis=1, keepdims=True)
    multiplier: Floats = np.divide(_TOP, np.where(largest > 0, largest, _TOP), dtype=np.float32)
    shifted: Floats = np.clip(np.rint(x * multiplier), -_TOP, _TOP) + _TOP
    return shifted.astype(np.uint8), _ONE / multiplier


def exact_product(a: NDArray[np.uint8], b: NDArray[np.int8]) -> NDArray[np.int32]:
    """a [M, K] times b [K, N] in int32, without rounding; by way of float32, for which NumPy has fast
    products."""
    total = np.zeros((a.shape[0], b.shape[1]), np.int32)
    for start in range(0, a.shape[1], _EXACT_TERMS):
        part = slice(start, start + _EXACT_TERMS)
        total += (a[:, part].astype(np.float32) @ b[part].astype(np.float32)).astype(np.int32)
    return total


def unquantise(
    sums: NDArray[np.int32],
    row_scale: Floats | None,
    scale: Floats,
    bias: Floats | None,
    column_sums: NDArray[np.int32],
) -> Floats:
    """Integer sums to floats: fma(float(S), scale, bias), the shift being undone by the bias; with
    ``row_scale`` [M, 1] fma(float(S - 127 * column sum), row_scale * scale, bias).
    """
    if row_scale is not None:
        sums = sums - np.int32(127) * column_sums
        scale = row_scale * scale
    return fused_multiply_add(sums.astype(np.float32), scale, np.float32(0) if bias is None else bias)


def sigmoid(x: Floats) -> Floats:
    with np.errstate(over="ignore"):
        result: Floats = _ONE / (_ONE + np.exp(-x))
    return result


def activate(function: Function, x: Floats) -> Floats:
    """One of the element-wise functions."""
    match function:
        case Function.NONE:
            return x
        case Function.RELU:
            return np.maximum(x, np.float32(0))
        case Function.SWISH:
            return x * sigmoid(x)
        case Function.GELU:
            result: Floats = (x * (0.5 + 0.5 * _erf(x * math.sqrt(0.5)))).astype(np.float32)
            return result
        case Function.GELU_SIGMOID:
            return x * sigmoid(np.float32(1.702) * x)
        case Function.SIGMOID:
            return sigmoid(x)
        case Function.TANH:
            return np.tanh(x)


def normalise(x: Floats, epsilon: float, *, rms: bool) -> Floats:
    """Rows divided by sqrt(mean square + epsilon), unless ``rms`` after their mean is subtracted."""
    centred = x if rms else x - x.mean(axis=1, keepdims=True)
    squares = np.square(centred).mean(axis=1, keepdims=True)
    result: Floats = centred / np.sqrt(squares + np.float32(epsilon))
    return result


def softmax(x: Floats) -> Floats:
    """Along the last axis."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    result: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return result


def log_sum_exp(x: Floats) -> Any:
    """log(sum(exp(x))) of a vector, a float32."""
    highest = x.max()
    return np.log(np.exp(x - highest).sum()) + highest


def attend(q: Floats, k: Floats, v: Floats, heads: int) -> tuple[Floats, Floats]:
    """softmax(q k^T / sqrt(d)) v, heads in contiguous slices of d columns.

    q [n, D], k and v [m, D]. Returns [n, D] and the probabilities of head 0, [n, m].
    """
    size = q.shape[1] // heads
    queries, keys, values = (x.reshape(len(x), heads, size).transpose(1, 0, 2) for x in (q, k, v))
    scores = queries @ keys.transpose(0, 2, 1) * (_ONE / np.sqrt(np.float32(size)))
    probabilities = softmax(scores)
    return (probabilities @ values).transpose(1, 0, 2).reshape(q.shape), probabilities[0]


def gru(x: Floats | None, s: Floats, h: Floats, bias: Floats | None, *, final: bool) -> Floats:
    """Marian's GRUFastForward; columns of x, s and bias: reset, update, candidate."""
    x = np.zeros_like(s) if x is None else x
    bias = np.zeros(s.shape[1], np.float32) if bias is None else bias
    x1, x2, x3 = np.split(x, 3, axis=1)
    s1, s2, s3 = np.split(s, 3, axis=1)
    b1, b2, b3 = np.split(bias, 3)
    reset, update = sigmoid(x1 + s1 + b1), sigmoid(x2 + s2 + b2)
    candidate = np.tanh(x3 + reset * (s3 + b3)) if final else np.tanh(x3 + reset * s3 + b3)
    return (_ONE - update) * candidate + update * h


def lstm(x: Floats | None, s: Floats, cell: Floats, bias: Floats | None) -> tuple[Floats, Floats]:
    """The new cell and the output; columns of x, s and bias: forget, input, candidate, output."""
    gates = s if x is None else x + s
    gates = gates if bias is None else gates + bias
    forget, entry, candidate, exit_ = np.split(gates, 4, axis=1)
    new = sigmoid(forget) * cell + sigmoid(entry) * np.tanh(candidate)
    return new, sigmoid(exit_) * np.tanh(new)


def sinusoidal_positions(positions: NDArray[Any], columns: int) -> Floats:
    """Marian's position vectors [n, columns]: sines in the first half, cosines in the second
    (node_initializers.cpp)."""
    half = columns // 2
    increment = np.log(np.float32(10000)) / (np.float32(half) - _ONE)
    rates = np.exp(np.arange(half, dtype=np.float32) * -increment)
    angles = positions.astype(np.float32)[:, None] * rates
    result = np.zeros((len(positions), columns), np.float32)
    result[:, :half], result[:, half : 2 * half] = np.sin(angles), np.cos(angles)
    return result
