"""exp, tanh, sigmoid, erf and log in the kernels that use them: accuracy, extremes, agreement of targets."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_oracle import ACTIVATIONS, TARGETS, Floats, activated, assert_same_on_all_targets

from dragoman._native import kernels as native

INFINITY = np.float32(np.inf)


def apply(kind: str, x: Floats, target: str = TARGETS[0]) -> Floats:
    out = np.empty((1, len(x)), np.float32)
    native.activate(target, np.ascontiguousarray(x[None, :]), ACTIVATIONS.index(kind), out)
    return out[0]


def points() -> Floats:
    random = np.random.default_rng(7)
    return np.concatenate(
        [
            np.linspace(-110, 110, 40_001, dtype=np.float32),
            np.linspace(-5, 5, 40_001, dtype=np.float32),
            (np.float32(2) ** random.uniform(-40, 7, 4000) * random.choice([-1, 1], 4000)).astype(np.float32),
        ]
    )


def error_in_ulp(found: Floats, exact: np.ndarray) -> float:
    return float(np.max(np.abs(found - exact) / np.spacing(np.abs(exact.astype(np.float32)))))


@pytest.mark.parametrize(
    ("kind", "lowest", "ulp"),
    [("sigmoid", -85, 3), ("tanh", -110, 3), ("swish", -80, 4), ("gelu_sigmoid", -20, 40)],
)
def test_accuracy(kind: str, lowest: float, ulp: float) -> None:
    x = points()
    x = x[x >= lowest]
    assert error_in_ulp(apply(kind, x), activated(x, kind)) <= ulp


def test_gelu_is_accurate_relative_to_its_argument() -> None:
    x = points()
    assert np.max(np.abs(apply("gelu", x) - activated(x, "gelu")) / np.maximum(np.abs(x), 1e-30)) < 1.5e-7


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_all_targets_give_the_same_bits(kind: str) -> None:
    x = points()[::3]
    specials = np.float32(
        [0, -0.0, INFINITY, -INFINITY, np.nan, 1e-45, -1e-45, 3e38, -3e38, 88.8, -88.8, -103.9]
    )
    x = np.concatenate([x, specials])
    assert_same_on_all_targets(lambda target: apply(kind, x, target))


@pytest.mark.parametrize("target", TARGETS)
def test_extremes(target: str) -> None:
    x = np.float32([-INFINITY, -1000, 0, 1000, INFINITY, np.nan])
    np.testing.assert_array_equal(apply("sigmoid", x, target), np.float32([0, 0, 0.5, 1, 1, np.nan]))
    np.testing.assert_array_equal(apply("tanh", x, target), np.float32([-1, -1, 0, 1, 1, np.nan]))
    np.testing.assert_array_equal(apply("relu", x, target), np.float32([0, 0, 0, 1000, INFINITY, np.nan]))
    np.testing.assert_array_equal(apply("swish", x[1:4], target), np.float32([0, 0, 1000]))
    np.testing.assert_array_equal(apply("gelu", x[1:4], target), np.float32([0, 0, 1000]))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 100, 32_000])
def test_log_sum_exp(target: str, count: int) -> None:
    x = (np.random.default_rng(count).standard_normal(count) * 8).astype(np.float32)
    exact = np.logaddexp.reduce(x.astype(np.float64))
    assert abs(native.log_sum_exp(target, x) - exact) <= 4 * np.spacing(np.float32(max(abs(exact), 1)))
    assert native.log_sum_exp(target, x) == native.log_sum_exp(TARGETS[-1], x)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", ["rising", "falling", "empty first block", "infinite last block"])
def test_log_sum_exp_over_blocks(target: str, shape: str) -> None:
    x = np.linspace(-300, 300, 7000).astype(np.float32)
    if shape == "falling":
        x = x[::-1].copy()
    elif shape == "empty first block":
        x[:2048] = -INFINITY
    elif shape == "infinite last block":
        x[-1] = INFINITY
    exact = np.logaddexp.reduce(x.astype(np.float64))
    found = native.log_sum_exp(target, x)
    assert found == np.float32(exact) or abs(found - exact) <= 4 * np.spacing(np.float32(abs(exact)))
    assert found == native.log_sum_exp(TARGETS[-1], x)


@pytest.mark.parametrize("target", TARGETS)
def test_log_sum_exp_of_odd_rows(target: str) -> None:
    low = np.full(20, -INFINITY, np.float32)
    assert native.log_sum_exp(target, low) == -INFINITY
    assert native.log_sum_exp(target, low[:0]) == -INFINITY
    low[17] = 3
    assert native.log_sum_exp(target, low) == 3
    low[2] = INFINITY
    assert native.log_sum_exp(target, low) == INFINITY
    low[5] = np.nan
    low[2] = 0
    assert np.isnan(native.log_sum_exp(target, low))
