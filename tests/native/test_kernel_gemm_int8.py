"""int8 products: exact sums, Marian's order of rounding, every tile height and tail, on every target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_oracle import (
    ACTIVATIONS,
    SIZES,
    TARGETS,
    activated,
    assert_padding_untouched,
    assert_same_on_all_targets,
    fma,
    in_padding,
    padded,
    panels_int8,
    quantised,
    vector_in_padding,
)
from numpy.typing import NDArray

from dragoman._native import kernels as native


@dataclass
class Product:
    """Operands of one product and the exact integer sums."""

    a: NDArray[np.uint8]
    panels: NDArray[np.int8]
    column_sums: NDArray[np.int32]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]
    row_scale: NDArray[np.float32]
    sums: NDArray[np.int64]

    @classmethod
    def random(cls, m: int, k: int, n: int, seed: int = 0, a: NDArray[np.uint8] | None = None) -> Product:
        random = np.random.default_rng((seed, m, k, n))
        if a is None:
            a = random.integers(0, 255, (m, k)).astype(np.uint8)
        b = random.integers(-127, 128, (k, n)).astype(np.int8)
        panels, column_sums = panels_int8(b)
        scale = random.uniform(0.5, 1.5, n).astype(np.float32) / np.float32(127 * 127 * np.sqrt(k))
        bias = random.standard_normal(n, dtype=np.float32)
        row_scale = random.uniform(0.5, 2, m).astype(np.float32)
        sums = a.astype(np.int64) @ b.astype(np.int64)
        return cls(
            in_padding(a),
            panels,
            column_sums,
            vector_in_padding(scale),
            vector_in_padding(bias),
            row_scale,
            sums,
        )

    def run(
        self, target: str, *, kind: str = "none", dynamic: bool = False, rows: slice = slice(None)
    ) -> Any:
        a = self.a[rows]
        out = padded(len(a), len(self.scale))
        packed = padded(len(a), len(self.scale), np.uint8)
        native.gemm_int8(
            target, a, self.panels, len(self.scale), self.scale, self.bias,
            self.column_sums if dynamic else None, self.row_scale[rows] if dynamic else None,
            ACTIVATIONS.index(kind), out, packed, 31.0,
        )  # fmt: skip
        assert_padding_untouched(out)
        assert_padding_untouched(packed)
        return out, packed

    def expected(self, dynamic: bool) -> NDArray[np.float32]:
        if dynamic:
            exact = (self.sums - 127 * self.column_sums.astype(np.int64)).astype(np.float32)
            return fma(exact, (self.row_scale[:, None] * self.scale).astype(np.float32), self.bias)
        return fma(self.sums.astype(np.float32), self.scale, self.bias)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("m", range(1, 34))
def test_every_tile_height(target: str, m: int, dynamic: bool) -> None:
    product = Product.random(m, 37, 70)
    out, packed = product.run(target, dynamic=dynamic)
    expected = product.expected(dynamic)
    assert np.array_equal(out, expected)
    assert np.array_equal(packed, quantised(expected, 31.0))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("k", SIZES)
def test_every_tail_of_columns(target: str, k: int) -> None:
    for n in SIZES:
        for m in (1, 3, 8):
            product = Product.random(m, k, n)
            assert np.array_equal(product.run(target)[0], product.expected(False)), (m, k, n)


@pytest.mark.parametrize("target", TARGETS)
def test_extreme_values_do_not_saturate(target: str) -> None:
    m, k, n = 15, 2048, 33
    a = in_padding(np.full((m, k), 254, np.uint8))
    for value in (-127, 127):
        panels, _ = panels_int8(np.full((k, n), value, np.int8))
        out = padded(m, n)
        ones, zeros = np.ones(n, np.float32), np.zeros(n, np.float32)
        native.gemm_int8(target, a, panels, n, ones, zeros, None, None, 0, out, None, 1.0)
        assert (out == np.float32(254 * value * k)).all()


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations_and_agreement_of_targets(kind: str) -> None:
    product = Product.random(17, 64, 50)
    out, packed = product.run(TARGETS[0], kind=kind)
    np.testing.assert_allclose(out, activated(product.expected(False), kind), rtol=1e-6, atol=3e-7)
    assert np.array_equal(packed, quantised(out, 31.0))
    assert_same_on_all_targets(lambda target: product.run(target, kind=kind))
    assert_same_on_all_targets(lambda target: product.run(target, kind=kind, dynamic=True))


@settings(max_examples=30, deadline=None)
@given(m=st.integers(1, 40), k=st.integers(1, 300), n=st.integers(1, 120), dynamic=st.booleans())
def test_a_row_does_not_depend_on_its_neighbours(m: int, k: int, n: int, dynamic: bool) -> None:
    product = Product.random(m, k, n)
    whole, _ = product.run(TARGETS[0], kind="swish", dynamic=dynamic)
    for row in (0, m // 2, m - 1):
        alone, _ = product.run(TARGETS[0], kind="swish", dynamic=dynamic, rows=slice(row, row + 1))
        assert np.array_equal(alone[0], whole[row])


@pytest.mark.parametrize("target", TARGETS)
def test_without_bias_and_without_one_of_the_outputs(target: str) -> None:
    product = Product.random(5, 20, 40)
    out, packed = padded(5, 40), padded(5, 40, np.uint8)
    dynamic = (product.column_sums, product.row_scale)
    native.gemm_int8(target, product.a, product.panels, 40, product.scale, None, *dynamic, 0, out, None, 1.0)
    native.gemm_int8(
        target, product.a, product.panels, 40, product.scale, None, *dynamic, 0, None, packed, 20.0
    )
    product.bias[:] = 0
    assert np.array_equal(out, product.expected(True))
    assert np.array_equal(packed, quantised(product.expected(True), 20.0))


# Depths around the tile unit's 64 and the 512 that share its L1, rows around its 16, 32 and 192.
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("k", [64, 128, 192, 512, 576, 1088])
@pytest.mark.parametrize("m", [4, 15, 16, 17, 31, 33, 86, 191, 193, 208, 401])
def test_tall_and_deep_products(target: str, m: int, k: int) -> None:
    product = Product.random(m, k, 72)
    out, packed = product.run(target)
    expected = product.expected(False)
    assert np.array_equal(out, expected)
    assert np.array_equal(packed, quantised(expected, 31.0))
    assert np.array_equal(product.run(target, dynamic=True)[0], product.expected(True))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", ["none", "relu"])
@pytest.mark.parametrize("m", [1, 4, 7, 29, 45])
def test_one_output_alone(target: str, m: int, kind: str) -> None:
    product = Product.random(m, 128, 96)
    product.bias[[0, 40, 95]] = np.nan, np.inf, -np.inf
    product.scale[[17, 64]] = 1e30, -1e30
    both, packed = product.run("generic", kind=kind)
    number = ACTIVATIONS.index(kind)
    operands = (product.a, product.panels, 96, product.scale, product.bias)
    out, bytes_out = padded(m, 96), padded(m, 96, np.uint8)
    native.gemm_int8(target, *operands, None, None, number, out, None, 31.0)
    native.gemm_int8(target, *operands, None, None, number, None, bytes_out, 31.0)
    assert np.array_equal(out, both, equal_nan=True)
    assert np.array_equal(bytes_out, packed)
    assert_padding_untouched(out)
    assert_padding_untouched(bytes_out)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("k", "n"), [(256, 32), (260, 70), (1536, 256), (4096, 33), (4100, 16)])
@pytest.mark.parametrize("zeros", [0.0, 0.5, 0.9, 1.0])
def test_a_single_row_with_zeros(target: str, k: int, n: int, zeros: float) -> None:
    """After a relu no activation is below zero (127) and many are zero: their weights may be passed over."""
    random = np.random.default_rng(k)
    steps = -(-k // 4)
    quiet = np.repeat(random.random(steps) < zeros, 4)[:k]
    for below_zero in (False, True):
        row = np.where(quiet, 127, random.integers(127, 255, k)).astype(np.uint8)
        if below_zero:
            row[k - 1] = 3
        product = Product.random(1, k, n, a=row[None])
        out, packed = padded(1, n), padded(1, n, np.uint8)
        operands = (product.a, product.panels, n, product.scale, product.bias, product.column_sums, None)
        native.gemm_int8(target, *operands, 0, out, packed, 31.0)
        assert np.array_equal(out, product.expected(False))
        assert np.array_equal(packed, quantised(product.expected(False), 31.0))
