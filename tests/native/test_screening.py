"""Sketches: no column is higher than its bound says, and screening finds the very column that computing all does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_oracle import (
    TARGETS,
    Floats,
    aligned,
    assert_same_on_all_targets,
    in_padding,
    padded,
    panels_int8,
    vector_in_padding,
)
from numpy.typing import NDArray

from dragoman import _native
from dragoman._native import kernels as native

Found = list[tuple[int, float]]


class Layer:
    """An int8 output layer [n, k], its sketch, and activations."""

    def __init__(
        self, weights: NDArray[np.int8], a: NDArray[np.uint8], *, dynamic: bool, seed: int = 0
    ) -> None:
        self.columns, k = weights.shape
        random = np.random.default_rng((seed, self.columns, k))
        self.a = in_padding(a)
        self.panels, sums = panels_int8(weights, transposed=True)
        self.sketch = aligned(_native.sketch_size(k, self.columns), np.uint8, 99)
        _native.make_sketch(weights, dynamic, self.sketch)
        self.scale = vector_in_padding(random.uniform(1e-4, 2e-4, self.columns).astype(np.float32))
        shift = 0 if dynamic else -127 * sums * self.scale
        self.bias = vector_in_padding((random.standard_normal(self.columns) * 0.1 + shift).astype(np.float32))
        row_scale = random.uniform(0.5, 2, len(a)).astype(np.float32)
        self.dynamic = (sums, row_scale) if dynamic else (None, None)

    @classmethod
    def random(cls, m: int, k: int, n: int, *, dynamic: bool, seed: int = 0) -> Layer:
        """Like a trained one: each row of activations points towards one column, or two."""
        random = np.random.default_rng((seed, m, k, n))
        weights = np.clip(random.standard_normal((n, k)) * 25, -127, 127)
        q = 1.2 * weights[random.integers(0, n, m)] + random.standard_normal((m, k)) * 25
        q[::2] += 0.8 * weights[random.integers(0, n, len(q[::2]))]
        a = (np.clip(np.rint(q), -127, 127) + 127).astype(np.uint8)
        return cls(weights.astype(np.int8), a, dynamic=dynamic, seed=seed)

    def logits(self, target: str) -> Floats:
        out = padded(len(self.a), self.columns)
        operands = (self.a, self.panels, self.columns, self.scale, self.bias)
        native.gemm_int8(target, *operands, *self.dynamic, 0, out, None, 0.0)
        return out

    def bounds(self, target: str) -> Floats:
        out = padded(len(self.a), -(-self.columns // 32))
        native.screen(
            target, self.a, self.sketch, self.columns, self.scale, self.bias, self.dynamic[1], out
        )
        return out

    def whole(self, target: str, never: int = -1) -> Found:
        operands = (self.a, self.panels, self.columns, self.scale, self.bias)
        return native.best_columns_int8(target, *operands, *self.dynamic, 4096, never)

    def screened(self, target: str, never: int = -1) -> Found | None:
        operands = (self.a, self.panels, self.sketch, self.columns, self.scale, self.bias)
        return native.best_columns_screened(target, *operands, *self.dynamic, never)

    def check_bounds(self, target: str) -> None:
        logits = self.logits(target)
        high = np.full((len(logits), -(-self.columns // 32) * 32), -np.inf, np.float32)
        high[:, : self.columns] = logits
        assert (self.bounds(target) >= high.reshape(len(logits), -1, 32).max(axis=2)).all()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("m", range(1, 7))
def test_the_best_column_is_found(target: str, dynamic: bool, m: int) -> None:
    for k, n in ((64, 5000), (97, 1000), (256, 4097)):
        layer = Layer.random(m, k, n, dynamic=dynamic)
        layer.check_bounds(target)
        found = layer.screened(target)
        assert found == layer.whole(target)
        best = found[0][0]
        assert layer.screened(target, best) in (None, layer.whole(target, best))


@settings(max_examples=60, deadline=None)
@given(
    k=st.integers(1, 300),
    n=st.integers(1, 200),
    m=st.integers(1, 6),
    dynamic=st.booleans(),
    kind=st.sampled_from(["uniform", "extreme", "sparse", "zero"]),
    seed=st.integers(0, 9999),
    target=st.sampled_from(TARGETS),
)
def test_bounds_hold_for_any_weights(
    k: int, n: int, m: int, dynamic: bool, kind: str, seed: int, target: str
) -> None:
    random = np.random.default_rng(seed)
    weights = {
        "uniform": lambda: random.integers(-127, 128, (n, k)),
        "extreme": lambda: random.choice([-128, -127, 127], (n, k)),
        "sparse": lambda: random.integers(-127, 128, (n, k)) * (random.random((n, k)) < 0.02),
        "zero": lambda: np.zeros((n, k)),
    }[kind]()
    a = random.choice([0, 1, 127, 253, 254], (m, k)) if seed % 2 else random.integers(0, 255, (m, k))
    layer = Layer(weights.astype(np.int8), a.astype(np.uint8), dynamic=dynamic, seed=seed)
    layer.check_bounds(target)
    assert layer.screened(target) in (None, layer.whole(target))


@pytest.mark.parametrize("dynamic", [False, True])
def test_the_widest_layer(dynamic: bool) -> None:
    """Sums stay exact: all weights and activations at their ends."""
    for sign in (-1, 1):
        weights = np.full((40, 2048), 127 * sign, np.int8)
        weights[:, ::7] = -64
        layer = Layer(weights, np.full((2, 2048), 254, np.uint8), dynamic=dynamic)
        for target in TARGETS:
            layer.check_bounds(target)


def test_every_target_gives_the_same_bounds() -> None:
    for dynamic in (False, True):
        layer = Layer.random(6, 130, 300, dynamic=dynamic)
        assert_same_on_all_targets(lambda target, layer=layer: np.array(layer.bounds(target)))


@pytest.mark.parametrize("target", TARGETS)
def test_equal_columns_and_odd_biases(target: str) -> None:
    """Of equal columns the first wins, whichever panel was computed first; NaN never does."""
    random = np.random.default_rng(3)
    weights = np.clip(random.standard_normal((3000, 64)) * 25, -127, 127).astype(np.int8)
    weights[[40, 900, 2990]] = weights[1700]
    a = np.clip(weights[1700].astype(int) + 127, 0, 254).astype(np.uint8)[None]
    layer = Layer(weights, a, dynamic=True)
    layer.scale[:] = 1e-4
    layer.bias[:] = 0
    assert layer.screened(target) == layer.whole(target) == [(40, pytest.approx(layer.logits(target).max()))]
    assert layer.screened(target, 40) in (None, layer.whole(target, 40))
    layer.bias[40] = np.nan
    assert [index for index, _ in layer.screened(target) or []] == [900]
    layer.bias[901] = np.inf
    assert [index for index, _ in layer.screened(target) or []] == [901]
    layer.bias[901] = -np.inf
    assert [index for index, _ in layer.screened(target) or []] == [900]
    layer.bias[:] = np.nan
    assert layer.screened(target) is None


def test_a_sketch_that_tells_nothing_is_refused() -> None:
    """Activations that point nowhere: nearly every column may be the best."""
    random = np.random.default_rng(4)
    weights = random.integers(-127, 128, (4096, 64)).astype(np.int8)
    layer = Layer(weights, np.full((1, 64), 127, np.uint8), dynamic=True)
    layer.bias[:] = 0
    assert layer.screened(TARGETS[0]) is None
    assert layer.whole(TARGETS[0]) == [(0, 0.0)]
