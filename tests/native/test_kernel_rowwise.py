"""Quantisation, norms, argmax, embeddings and elementwise kernels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_oracle import (
    SIZES,
    TARGETS,
    Floats,
    assert_padding_untouched,
    assert_same_on_all_targets,
    fma,
    in_padding,
    lanes_sum,
    padded,
    quantised,
    sigmoid,
    vector_in_padding,
)

from dragoman._native import kernels as native


def matrix(rows: int, columns: int, seed: int = 0) -> Floats:
    return in_padding(
        np.random.default_rng((seed, rows, columns)).standard_normal((rows, columns), dtype=np.float32)
    )


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("columns", SIZES)
def test_quantize(target: str, columns: int) -> None:
    x = matrix(3, columns)
    out = padded(3, columns, np.uint8)
    native.quantize(target, x, 60.0, out)
    assert np.array_equal(out, quantised(x, 60.0))
    assert_padding_untouched(out)

    scale = np.empty(3, np.float32)
    x[1] = 0
    native.quantize_rows(target, x, out, scale)
    assert_padding_untouched(out)
    for row in range(3):
        most = np.abs(x[row]).max()
        multiplier = np.float32(127) / most if most > 0 else np.float32(1)
        assert scale[row] == np.float32(1) / multiplier
        assert np.array_equal(out[row], quantised(x[row], multiplier))


@pytest.mark.parametrize("target", TARGETS)
def test_quantize_rounds_ties_to_even_and_clamps(target: str) -> None:
    x = np.float32([[0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 127.5, 1e9, -1e9, np.inf, -np.inf]])
    out = padded(1, x.shape[1], np.uint8)
    native.quantize(target, x, 1.0, out)
    assert (out[0].astype(int) - 127).tolist() == [0, 2, 2, 0, -2, 126, 127, 127, -127, 127, -127]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("columns", SIZES)
@pytest.mark.parametrize("rms", [False, True])
def test_norm(target: str, columns: int, rms: bool) -> None:
    x, residual = matrix(3, columns), matrix(3, columns, 1)
    scale, bias = (vector_in_padding(matrix(1, columns, seed)[0]) for seed in (2, 3))
    added, out = padded(3, columns), padded(3, columns)
    packed = padded(3, columns, np.uint8)
    native.norm(target, x, residual, rms, scale, bias, 1e-6, added, out, packed, 30.0)
    for written in (added, out, packed):
        assert_padding_untouched(written)
    assert np.array_equal(added, x + residual)
    exact = added.astype(np.float64)
    centred = exact if rms else exact - exact.mean(axis=1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(out, centred / deviation * scale + bias, rtol=2e-5, atol=2e-5)
    assert np.array_equal(packed, quantised(out, 30.0))

    # The order: one tree for each of the two sums, then scale by the inverse deviation, then one multiply-add.
    for row in range(3):
        mean = np.float32(0) if rms else lanes_sum(added[row]) / np.float32(columns)
        difference = added[row] - mean
        squares = np.zeros(16, np.float32)
        for start in range(0, columns, 16):
            part = difference[start : start + 16]
            squares[: len(part)] = fma(part, part, squares[: len(part)])
        sigma = np.sqrt(lanes_sum(squares) / np.float32(columns) + np.float32(1e-6))
        assert np.array_equal(out[row], fma(difference, scale * (np.float32(1) / sigma), bias))


@pytest.mark.parametrize("target", TARGETS)
def test_norm_in_place_and_with_parts_absent(target: str) -> None:
    x, residual = matrix(4, 50), matrix(4, 50, 1)
    expected, alone = padded(4, 50), padded(4, 50)
    native.norm(target, x, residual, False, None, None, 1e-6, None, expected, None, 0.0)
    native.norm(target, x, None, False, None, None, 1e-6, None, alone, None, 0.0)
    for place in (in_padding(x), in_padding(residual)):
        first = place if np.array_equal(place, x) else x
        second = residual if first is place else place
        out = padded(4, 50)
        native.norm(target, first, second, False, None, None, 1e-6, place, out, None, 0.0)
        assert np.array_equal(place, x + residual)
        assert np.array_equal(out, expected)
    assert not np.array_equal(alone, expected)
    only_sum = padded(4, 50)
    native.norm(target, x, residual, False, None, None, 1e-6, only_sum, None, None, 0.0)
    assert np.array_equal(only_sum, x + residual)


@settings(max_examples=40, deadline=None)
@given(columns=st.integers(1, 600), rms=st.booleans(), seed=st.integers(0, 99))
def test_all_targets_agree_on_norms(columns: int, rms: bool, seed: int) -> None:
    x = matrix(2, columns, seed)
    scale = matrix(1, columns, seed + 1)[0]

    def run(target: str) -> tuple[Floats, Floats]:
        out, sums = padded(2, columns), padded(2, columns)
        native.norm(target, x, None, rms, scale, None, 1e-9, sums, out, None, 0.0)
        return out, sums

    assert_same_on_all_targets(run)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("count", [1, 15, 16, 17, 511, 512, 513, 2000])
def test_argmax_takes_the_first_of_the_highest(target: str, count: int) -> None:
    x = np.random.default_rng(count).integers(-50, 50, count).astype(np.float32)
    assert native.argmax(target, x) == (int(np.argmax(x)), float(x.max()))
    x[::3] = np.nan
    if np.isnan(x).all():
        assert native.argmax(target, x)[0] == -1
    else:
        assert native.argmax(target, x) == (int(np.nanargmax(x)), float(np.nanmax(x)))


@pytest.mark.parametrize("target", TARGETS)
def test_argmax_of_odd_rows(target: str) -> None:
    x = np.full(700, -np.inf, np.float32)
    assert native.argmax(target, x[:0])[0] == -1
    assert native.argmax(target, x) == (0, -np.inf)
    x[:600] = np.nan
    assert native.argmax(target, x) == (600, -np.inf)
    x[650] = np.inf
    assert native.argmax(target, x) == (650, np.inf)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("columns", SIZES)
def test_embeddings(target: str, columns: int) -> None:
    table = matrix(9, columns)
    ids = np.int32([8, 0, -1, 3, 3])
    out = padded(5, columns)
    native.embed_float(target, table, ids, 1.5, out)
    assert np.array_equal(out, np.where(ids[:, None] < 0, np.float32(0), table[ids] * np.float32(1.5)))
    assert_padding_untouched(out)

    integers = in_padding(np.random.default_rng(columns).integers(-127, 128, (9, columns), dtype=np.int8))
    native.embed_int8(target, integers, 0.013, ids, 22.6, out)
    expected = integers[ids].astype(np.float32) * np.float32(0.013) * np.float32(22.6)
    assert np.array_equal(out, np.where(ids[:, None] < 0, np.float32(0), expected))
    assert_padding_untouched(out)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("columns", SIZES)
def test_elementwise(target: str, columns: int) -> None:
    x, y, gate = (matrix(3, columns, seed) for seed in range(3))
    out = padded(3, columns)
    native.binary(target, 0, x, y, out)
    assert np.array_equal(out, x + y)
    native.binary(target, 1, x, y, out)
    assert np.array_equal(out, x * y)
    native.running_average(target, x, y, 3.0, out)
    assert np.array_equal(out, fma(3, x, y) / np.float32(4))
    native.mix(target, gate, y, x, out)
    g = sigmoid(gate)
    np.testing.assert_allclose(out, g * y + (1 - g) * x, rtol=1e-5, atol=1e-6)
    assert_padding_untouched(out)

    expected, place = np.array(out), in_padding(x)
    native.mix(target, gate, y, place, place)
    assert np.array_equal(place, expected)
    index = np.random.default_rng(1).integers(0, columns, 40).astype(np.int32)
    gathered = np.empty(40, np.float32)
    native.gather(target, np.ascontiguousarray(x[0]), index, gathered)
    assert np.array_equal(gathered, x[0][index])


def test_all_targets_agree_on_the_elementwise_kernels() -> None:
    x, y, gate = (matrix(3, 77, seed) for seed in range(3))

    def run(target: str) -> tuple[Floats, Floats]:
        mixed, average = padded(3, 77), padded(3, 77)
        native.mix(target, gate, y, x, mixed)
        native.running_average(target, x, y, 2.0, average)
        return mixed, average

    assert_same_on_all_targets(run)
