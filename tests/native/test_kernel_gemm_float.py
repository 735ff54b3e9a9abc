"""Float products: k in turn, one fused multiply-add each, whatever the tile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_oracle import (
    ACTIVATIONS,
    SIZES,
    TARGETS,
    Floats,
    activated,
    assert_padding_untouched,
    assert_same_on_all_targets,
    fma,
    in_padding,
    padded,
    panels_float,
    vector_in_padding,
)

from dragoman._native import kernels as native


def operands(m: int, k: int, n: int) -> tuple[Floats, Floats, Floats]:
    random = np.random.default_rng((m, k, n))
    return (
        in_padding(random.standard_normal((m, k), dtype=np.float32)),
        random.standard_normal((k, n), dtype=np.float32),
        vector_in_padding(random.standard_normal(n, dtype=np.float32)),
    )


def product(target: str, a: Floats, b: Floats, bias: Floats | None, kind: str = "none") -> Floats:
    out = padded(len(a), b.shape[1])
    native.gemm_float(target, a, panels_float(b), b.shape[1], bias, ACTIVATIONS.index(kind), out)
    assert_padding_untouched(out)
    return out


def in_order(a: Floats, b: Floats) -> Floats:
    total = np.zeros((len(a), b.shape[1]), np.float32)
    for k in range(a.shape[1]):
        total = fma(a[:, k : k + 1], b[k], total)
    return total


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("m", range(1, 34))
def test_every_tile_height_adds_in_order(target: str, m: int) -> None:
    a, b, bias = operands(m, 21, 150)
    assert np.array_equal(product(target, a, b, bias), in_order(a, b) + bias)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("k", SIZES)
def test_every_tail_of_columns(target: str, k: int) -> None:
    for n in SIZES:
        a, b, _ = operands(5, k, n)
        assert np.array_equal(product(target, a, b, None), in_order(a, b)), (k, n)


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations_and_agreement_of_targets(kind: str) -> None:
    a, b, bias = operands(17, 64, 50)
    expected = activated(in_order(a, b) + bias, kind)
    np.testing.assert_allclose(product(TARGETS[0], a, b, bias, kind), expected, rtol=1e-6, atol=3e-7)
    assert_same_on_all_targets(lambda target: product(target, a, b, bias, kind))


@settings(max_examples=30, deadline=None)
@given(m=st.integers(1, 40), k=st.integers(1, 200), n=st.integers(1, 300))
def test_a_row_does_not_depend_on_its_neighbours(m: int, k: int, n: int) -> None:
    a, b, bias = operands(m, k, n)
    whole = product(TARGETS[0], a, b, bias, "tanh")
    for row in (0, m // 2, m - 1):
        assert np.array_equal(product(TARGETS[0], a[row : row + 1], b, bias, "tanh")[0], whole[row])
