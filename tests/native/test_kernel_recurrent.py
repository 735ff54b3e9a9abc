"""GRU and LSTM gates."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_oracle import (
    SIZES,
    TARGETS,
    Floats,
    assert_padding_untouched,
    assert_same_on_all_targets,
    in_padding,
    padded,
    sigmoid,
    vector_in_padding,
)

from dragoman._native import kernels as native


def matrix(rows: int, columns: int, seed: int) -> Floats:
    return in_padding(
        np.random.default_rng((seed, rows, columns)).standard_normal((rows, columns), dtype=np.float32)
    )


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("columns", SIZES)
@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_gru(target: str, columns: int, final: bool, whole: bool) -> None:
    s, h = matrix(3, 3 * columns, 1), matrix(3, columns, 2)
    x = matrix(3, 3 * columns, 3) if whole else None
    bias = vector_in_padding(matrix(1, 3 * columns, 4)[0]) if whole else None
    out = padded(3, columns)
    native.gru(target, x, s, bias, h, final, out)
    assert_padding_untouched(out)

    zero = np.zeros((3, 3 * columns))
    x1, x2, x3 = np.split(zero if x is None else x.astype(np.float64), 3, axis=1)
    s1, s2, s3 = np.split(s.astype(np.float64), 3, axis=1)
    b1, b2, b3 = np.split(zero[0] if bias is None else bias.astype(np.float64), 3)
    r, z = sigmoid(x1 + s1 + b1), sigmoid(x2 + s2 + b2)
    c = np.tanh(x3 + r * (s3 + b3)) if final else np.tanh(x3 + r * s3 + b3)
    np.testing.assert_allclose(out, (1 - z) * c + z * h, rtol=1e-5, atol=1e-6)

    place = in_padding(h)
    native.gru(target, x, s, bias, place, final, place)
    assert np.array_equal(place, out)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("columns", SIZES)
@pytest.mark.parametrize("whole", [False, True])
def test_lstm(target: str, columns: int, whole: bool) -> None:
    s, cell = matrix(3, 4 * columns, 1), matrix(3, columns, 2)
    x = matrix(3, 4 * columns, 3) if whole else None
    bias = vector_in_padding(matrix(1, 4 * columns, 4)[0]) if whole else None
    cell_out, out = padded(3, columns), padded(3, columns)
    native.lstm(target, x, s, bias, cell, cell_out, out)
    assert_padding_untouched(out)
    assert_padding_untouched(cell_out)

    gates = s.astype(np.float64) + (0 if x is None else x) + (0 if bias is None else bias)
    f, i, g, o = np.split(gates, 4, axis=1)
    after = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
    np.testing.assert_allclose(cell_out, after, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(out, sigmoid(o) * np.tanh(after), rtol=1e-5, atol=1e-6)

    place = in_padding(cell)
    native.lstm(target, x, s, bias, place, place, out)
    assert np.array_equal(place, cell_out)


def test_all_targets_agree() -> None:
    x, s, h = matrix(3, 4 * 45, 1), matrix(3, 4 * 45, 2), matrix(3, 45, 3)
    bias = vector_in_padding(matrix(1, 4 * 45, 4)[0])

    def run(target: str) -> tuple[Floats, Floats, Floats]:
        gru, cell, out = padded(3, 45), padded(3, 45), padded(3, 45)
        native.gru(target, x[:, : 3 * 45], s[:, : 3 * 45], bias[: 3 * 45], h, False, gru)
        native.lstm(target, x, s, bias, h, cell, out)
        return gru, cell, out

    assert_same_on_all_targets(run)
