"""Packed layouts, element by element, and the packing of selected rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_oracle import TARGETS, aligned, in_padding, panels_float, panels_int8

from dragoman._native import kernels as native

SHAPES = [(1, 1), (3, 31), (4, 32), (5, 33), (16, 64), (63, 15), (64, 65), (130, 100)]


@pytest.mark.parametrize(("k", "n"), SHAPES)
@pytest.mark.parametrize("transposed", [False, True])
def test_int8_panels_hold_every_element_and_zeros(k: int, n: int, transposed: bool) -> None:
    matrix = np.random.default_rng(k * n).integers(-127, 128, (k, n), dtype=np.int8)
    panels, sums = panels_int8(in_padding(matrix.T if transposed else matrix), transposed=transposed)
    whole = np.zeros((-(-k // 4) * 4, -(-n // 32) * 32), np.int8)
    whole[:k, :n] = matrix
    expected = whole.reshape(-1, 4, whole.shape[1] // 32, 2, 16).transpose(2, 0, 3, 4, 1)
    assert np.array_equal(panels, expected.ravel())
    assert np.array_equal(sums, matrix.sum(axis=0, dtype=np.int32))


@pytest.mark.parametrize(("k", "n"), SHAPES)
@pytest.mark.parametrize("transposed", [False, True])
def test_float_panels_hold_every_element_and_zeros(k: int, n: int, transposed: bool) -> None:
    matrix = np.random.default_rng(k * n).standard_normal((k, n), dtype=np.float32)
    panels = panels_float(in_padding(matrix.T if transposed else matrix), transposed=transposed)
    whole = np.zeros((k, -(-n // 32) * 32), np.float32)
    whole[:, :n] = matrix
    assert np.array_equal(panels, whole.reshape(k, -1, 32).transpose(1, 0, 2).ravel())


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=40, deadline=None)
@given(k=st.integers(1, 140), n=st.integers(1, 100), seed=st.integers(0, 1000))
def test_selected_rows_equal_packing_the_selection(target: str, k: int, n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    ids = random.integers(0, 50, n).astype(np.int32)
    table = in_padding(random.integers(-127, 128, (50, k), dtype=np.int8))
    panels = aligned(native.packed_size_int8(k, n), np.int8, 99)
    native.pack_rows_int8(target, table, ids, panels)
    assert np.array_equal(panels, panels_int8(table[ids], transposed=True)[0])

    floats = in_padding(random.standard_normal((50, k), dtype=np.float32))
    float_panels = aligned(native.packed_size_float(k, n), np.float32, np.nan)
    native.pack_rows_float(target, floats, ids, float_panels)
    assert np.array_equal(float_panels, panels_float(floats[ids], transposed=True))
