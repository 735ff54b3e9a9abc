"""The three kinds of attention, packed keys, and the independence of a row from its neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_oracle import (
    TARGETS,
    Floats,
    aligned,
    assert_padding_untouched,
    assert_same_on_all_targets,
    in_padding,
    padded,
    quantised,
    softmax,
    vector_in_padding,
)
from numpy.typing import NDArray

from dragoman._native import kernels as native

HEADS_AND_SIZES = [(1, 16), (8, 32), (4, 64), (3, 20), (2, 5)]


def matrix(rows: int, columns: int, seed: int) -> Floats:
    return in_padding(
        np.random.default_rng((seed, rows, columns)).standard_normal((rows, columns), dtype=np.float32)
    )


def pack_keys(target: str, k: Floats, heads: int, scale: float) -> Floats:
    keys = aligned(k.shape[1] * (-(-len(k) // 16) * 16), np.float32, np.nan)
    native.pack_keys(target, k, heads, scale, keys)
    return keys


def attend(
    target: str, q: Floats, k: Floats, v: Floats, heads: int
) -> tuple[Floats, NDArray[np.uint8], Floats]:
    scale = float(1 / np.sqrt(q.shape[1] // heads))
    scores = aligned(4 * (-(-len(k) // 16) * 16), np.float32, np.nan)
    out, packed, weights = padded(*q.shape), padded(*q.shape, np.uint8), padded(len(q), len(k))
    keys = pack_keys(target, k, heads, scale)
    native.attention(target, q, keys, v, heads, scores, out, packed, 40.0, weights)
    for written in (out, packed, weights):
        assert_padding_untouched(written)
    return out, packed, weights


def expected(q: Floats, k: Floats, v: Floats, heads: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    split = [m.reshape(len(m), heads, -1).astype(np.float64) for m in (q, k, v)]
    weights = softmax(np.einsum("rhd,khd->hrk", split[0], split[1]) / np.sqrt(q.shape[1] // heads))
    return np.einsum("hrk,khd->rhd", weights, split[2]).reshape(q.shape), weights[0]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("heads", "head_dim"), HEADS_AND_SIZES)
@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 33, 70])
def test_attention(target: str, heads: int, head_dim: int, count: int) -> None:
    k, v = matrix(count, heads * head_dim, 1), matrix(count, heads * head_dim, 2)
    for rows in (1, 2, 3, 7):
        q = matrix(rows, heads * head_dim, 3)
        out, packed, weights = attend(target, q, k, v, heads)
        exact, first = expected(q, k, v, heads)
        np.testing.assert_allclose(out, exact, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(weights, first, rtol=1e-5, atol=1e-7)
        assert np.array_equal(packed, quantised(out, 40.0))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("count", [1, 16, 37])
def test_packed_keys_are_scaled_and_zero_beyond_the_last(target: str, count: int) -> None:
    k = matrix(count, 24, 5)
    keys = pack_keys(target, k, 2, 0.3).reshape(24, -1)
    assert np.array_equal(keys[:, :count], k.T * np.float32(0.3))
    assert (keys[:, count:] == 0).all()


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 9), count=st.integers(1, 80), shape=st.sampled_from(HEADS_AND_SIZES))
def test_targets_agree_and_a_row_stands_alone(rows: int, count: int, shape: tuple[int, int]) -> None:
    heads, head_dim = shape
    q, k, v = (matrix(n, heads * head_dim, seed) for seed, n in enumerate((rows, count, count)))
    assert_same_on_all_targets(lambda target: attend(target, q, k, v, heads))
    whole = attend(TARGETS[0], q, k, v, heads)
    for row in range(rows):
        alone = attend(TARGETS[0], q[row : row + 1], k, v, heads)
        assert all(np.array_equal(a[0], b[row]) for a, b in zip(alone, whole, strict=True))


def attend_cached(
    target: str, q: Floats, k: Floats, v: Floats, cells: NDArray[np.int32], heads: int
) -> tuple[Floats, NDArray[np.uint8]]:
    scale = float(1 / np.sqrt(len(q) // heads))
    out, packed = padded(1, len(q))[0], padded(1, len(q), np.uint8)[0]
    scores = aligned(-(-len(cells) // 16) * 16, np.float32, np.nan)
    native.cached_attention(target, q, k, v, cells, heads, scale, scores, out, packed, 40.0)
    return out, packed


@pytest.mark.parametrize(("heads", "head_dim"), HEADS_AND_SIZES)
@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 31, 32, 33, 70])
def test_cached_attention(heads: int, head_dim: int, count: int) -> None:
    q = vector_in_padding(matrix(1, heads * head_dim, 1)[0])
    k, v = matrix(90, heads * head_dim, 2), matrix(90, heads * head_dim, 3)
    cells = np.random.default_rng(count).permutation(90)[:count].astype(np.int32)
    exact, _ = expected(q[None, :], k[cells], v[cells], heads)
    for target in TARGETS:
        out, packed = attend_cached(target, q, k, v, cells, heads)
        np.testing.assert_allclose(out, exact[0], rtol=1e-5, atol=1e-5)
        assert np.array_equal(packed, quantised(out, 40.0))
    assert_same_on_all_targets(lambda target: attend_cached(target, q, k, v, cells, heads))


@pytest.mark.parametrize("columns", [1, 16, 50])
@pytest.mark.parametrize("count", [1, 7, 16, 33])
def test_additive_attention(columns: int, count: int) -> None:
    projected, context = matrix(count, columns, 1), matrix(count, 2 * columns, 2)
    query, energy = (vector_in_padding(matrix(1, columns, seed)[0]) for seed in (3, 4))

    def run(target: str) -> tuple[Floats, Floats]:
        out, weights = padded(1, 2 * columns)[0], padded(1, count)[0]
        scores = aligned(-(-count // 16) * 16, np.float32, np.nan)
        native.additive_attention(target, query, projected, context, energy, scores, out, weights)
        return out, weights

    exact = softmax(np.tanh(projected.astype(np.float64) + query) @ energy.astype(np.float64))
    for target in TARGETS:
        out, weights = run(target)
        np.testing.assert_allclose(weights, exact, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(out, exact @ context, rtol=1e-5, atol=1e-5)
    assert_same_on_all_targets(run)
