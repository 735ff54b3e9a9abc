"""What the kernels' tests share: aligned and padded arrays, and plain NumPy forms of the promises."""

from __future__ import annotations

from collections.abc import Callable
from math import erf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman._native import kernels as native

TARGETS: list[str] = native.available()
ACTIVATIONS = ["none", "relu", "swish", "gelu", "gelu_sigmoid", "sigmoid", "tanh"]
# Around every power of two that a vector, a panel or a cache line ends at.
SIZES = [1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 129]
Floats = NDArray[np.float32]


def aligned(size: int, dtype: Any, fill: Any = 0) -> NDArray[Any]:
    """A vector on a 64-byte boundary."""
    item = np.dtype(dtype).itemsize
    raw = np.empty(size * item + 64, np.uint8)
    start = -raw.ctypes.data % 64
    vector = raw[start : start + size * item].view(dtype)
    vector[:] = fill
    return vector


def padded(rows: int, columns: int, dtype: Any = np.float32, extra: int = 0) -> NDArray[Any]:
    """A matrix inside a wider one, whose other columns hold NaN (floats) or 253 or -3 (bytes)."""
    step = 16 if dtype == np.float32 else 64
    width = -(-columns // step) * step + step + extra
    fill = np.nan if dtype == np.float32 else 253 if dtype == np.uint8 else -3
    whole = aligned(max(rows, 1) * width, dtype, fill).reshape(max(rows, 1), width)
    return whole[:rows, :columns]


def in_padding(values: NDArray[Any], **options: Any) -> NDArray[Any]:
    """A copy of `values` with garbage in the padding of its rows."""
    copy = padded(*values.shape, dtype=values.dtype.type, **options)
    copy[:] = values
    return copy


def vector_in_padding(values: NDArray[Any]) -> NDArray[Any]:
    return in_padding(values[None, :])[0]


def assert_padding_untouched(matrix: NDArray[Any]) -> None:
    """Nothing beyond the columns of a matrix made by `padded` was written."""
    whole = matrix.base
    assert whole is not None
    whole = whole.view(matrix.dtype).ravel()
    width = matrix.strides[0] // matrix.itemsize
    rest = np.lib.stride_tricks.as_strided(matrix, (matrix.shape[0], width), matrix.strides)[
        :, matrix.shape[1] :
    ]
    if matrix.dtype == np.float32:
        assert np.isnan(rest).all()
    else:
        assert (rest == (253 if matrix.dtype == np.uint8 else -3)).all()


def same_bits(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Equal bit for bit, NaN payloads aside."""
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    if a.dtype == np.float32:
        nan = np.isnan(a)
        return bool((nan == np.isnan(b)).all() and (a.view(np.int32)[~nan] == b.view(np.int32)[~nan]).all())
    return bool((a == b).all())


def assert_same_on_all_targets(run: Callable[[str], Any]) -> None:
    """run(target) gives one array or a tuple of them; every target must give the first one's bits."""
    results = [run(target) for target in TARGETS]
    for target, result in zip(TARGETS[1:], results[1:], strict=True):
        first, other = (r if isinstance(r, tuple) else (r,) for r in (results[0], result))
        for index, (a, b) in enumerate(zip(first, other, strict=True)):
            assert same_bits(a, b), f"output {index} of {target} differs from {TARGETS[0]}"


def fma(a: Any, b: Any, c: Any) -> Floats:
    """A fused multiply-add, exact but for double rounding (once in 2^29)."""
    return np.float32(np.float64(a) * np.float64(b) + np.float64(c))


def quantised(x: Floats, multiplier: float) -> NDArray[np.uint8]:
    scaled = (x * np.float32(multiplier)).astype(np.float32)
    return (np.clip(np.rint(scaled), -127, 127) + 127).astype(np.uint8)


def lanes_sum(x: Floats) -> np.float32:
    """The fixed tree: element i in lane i mod 16; then i with i+8, +4, +2, +1."""
    lanes = np.zeros(16, np.float32)
    for start in range(0, len(x), 16):
        part = x[start : start + 16]
        lanes[: len(part)] += part
    for step in (8, 4, 2, 1):
        lanes = lanes[:step] + lanes[step : 2 * step]
    return np.float32(lanes[0])


def sigmoid(x: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-x.astype(np.float64)))


def activated(x: NDArray[Any], kind: str) -> NDArray[np.float64]:
    """In double precision."""
    x = x.astype(np.float64)
    if kind == "relu":
        return np.maximum(x, 0)
    if kind == "swish":
        return x * sigmoid(x)
    if kind == "gelu":
        return x * 0.5 * (1 + np.vectorize(erf, otypes=[np.float64])(x / np.sqrt(2)))
    if kind == "gelu_sigmoid":
        return x * sigmoid(1.702 * x)
    if kind == "sigmoid":
        return sigmoid(x)
    if kind == "tanh":
        return np.tanh(x)
    return x


def softmax(x: NDArray[Any]) -> NDArray[np.float64]:
    e = np.exp(x.astype(np.float64) - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def panels_int8(
    matrix: NDArray[np.int8], *, transposed: bool = False
) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    n, k = matrix.shape if transposed else matrix.shape[::-1]
    panels = aligned(native.packed_size_int8(k, n), np.int8, 99)
    sums = np.full(n, -1, np.int32)
    native.pack_int8(matrix, transposed, panels, sums)
    return panels, sums


def panels_float(matrix: Floats, *, transposed: bool = False) -> Floats:
    n, k = matrix.shape if transposed else matrix.shape[::-1]
    panels = aligned(native.packed_size_float(k, n), np.float32, np.nan)
    native.pack_float(matrix, transposed, panels)
    return panels
