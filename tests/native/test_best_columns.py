"""The best column of each row in blocks of columns: that of the whole row, whatever the block, on every target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_oracle import TARGETS, Floats, in_padding, padded, panels_float, panels_int8, vector_in_padding
from numpy.typing import NDArray

from dragoman._native import kernels as native

Found = list[tuple[int, float]]


def expected(logits: Floats, never: int) -> Found:
    """First the highest that is no NaN, the lowest place on ties, without `never`; then `never`; then nothing."""
    found: Found = []
    for row in logits:
        allowed = ~np.isnan(row)
        others = allowed & (np.arange(len(row)) != never)
        allowed = others if others.any() else allowed
        if not allowed.any():
            found.append((-1, 0.0))
            continue
        best = int(np.argmax(np.where(allowed, row, -np.inf)))
        best = best if allowed[best] else int(np.flatnonzero(allowed)[0])
        found.append((best, float(row[best])))
    return found


class Floating:
    """A product whose logits are the bias and little more, so that a test decides what they are."""

    def __init__(self, m: int, k: int, n: int, seed: int) -> None:
        random = np.random.default_rng((seed, m, k, n))
        self.a = in_padding(random.integers(-2, 3, (m, k)).astype(np.float32))
        self.panels = panels_float(random.integers(-2, 3, (k, n)).astype(np.float32))
        self.bias = vector_in_padding(random.integers(-9, 10, n).astype(np.float32))

    def flatten(self) -> None:
        """Logits are the bias alone."""
        self.panels[:] = 0

    def logits(self, target: str) -> Floats:
        out = padded(len(self.a), len(self.bias))
        native.gemm_float(target, self.a, self.panels, len(self.bias), self.bias, 0, out)
        return out

    def best(self, target: str, block: int, never: int) -> Found:
        return native.best_columns_float(target, self.a, self.panels, len(self.bias), self.bias, block, never)


class Integer:
    """The same in integers, each row with its own scale or with the shift inside."""

    def __init__(self, m: int, k: int, n: int, seed: int, *, dynamic: bool) -> None:
        random = np.random.default_rng((seed, m, k, n))
        self.a = in_padding(random.integers(120, 135, (m, k)).astype(np.uint8))
        self.panels, sums = panels_int8(random.integers(-2, 3, (k, n)).astype(np.int8))
        self.scale = vector_in_padding(np.full(n, 0.5, np.float32))
        self.bias = vector_in_padding(random.integers(-9, 10, n).astype(np.float32))
        self.dynamic = (sums, np.ones(m, np.float32)) if dynamic else (None, None)

    def flatten(self) -> None:
        self.panels[:] = 0
        if self.dynamic[0] is not None:
            self.dynamic[0][:] = 0

    def logits(self, target: str) -> Floats:
        out = padded(len(self.a), len(self.bias))
        columns = len(self.bias)
        native.gemm_int8(
            target, self.a, self.panels, columns, self.scale, self.bias, *self.dynamic, 0, out, None, 0.0
        )
        return out

    def best(self, target: str, block: int, never: int) -> Found:
        columns = len(self.bias)
        return native.best_columns_int8(
            target, self.a, self.panels, columns, self.scale, self.bias, *self.dynamic, block, never
        )


def product(kind: str, m: int, k: int, n: int, seed: int = 0) -> Any:
    return Floating(m, k, n, seed) if kind == "float" else Integer(m, k, n, seed, dynamic=kind == "dynamic")


KINDS = ["float", "static", "dynamic"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("m", [1, 2, 7, 8, 15, 33, 70])
def test_any_block(target: str, kind: str, m: int) -> None:
    """Small integers, so there are ties within and between blocks."""
    for n in (1, 31, 32, 33, 300):
        case = product(kind, m, 17, n)
        logits = case.logits(target)
        for block in (32, 64, 96, 4096):
            for never in (-1, 0, n // 2, n - 1, n + 5):
                assert case.best(target, block, never) == expected(logits, never)


@pytest.mark.parametrize("kind", KINDS)
def test_ties_everywhere(kind: str) -> None:
    case = product(kind, 3, 4, 200)
    case.flatten()
    case.bias[:] = -1
    for target in TARGETS:
        assert case.best(target, 64, -1) == [(0, -1.0)] * 3
        assert [index for index, _ in case.best(target, 64, 0)] == [1] * 3
        case.bias[[77, 140]] = 5
        assert [index for index, _ in case.best(target, 32, 77)] == [140] * 3
        assert [index for index, _ in case.best(target, 32, 140)] == [77] * 3
        case.bias[:] = -1


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    odd=st.lists(
        st.tuples(st.integers(0, 129), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 40.0])), max_size=12
    ),
    rest=st.sampled_from([None, np.nan, -np.inf]),
    never=st.integers(-1, 130),
    target=st.sampled_from(TARGETS),
)
def test_odd_numbers(
    kind: str, odd: list[tuple[int, float]], rest: float | None, never: int, target: str
) -> None:
    """NaN never wins, -inf does where nothing else is there, `never` only where all others are NaN."""
    case = product(kind, 2, 5, 130)
    if rest is not None:
        case.bias[:] = rest
    for column, value in odd:
        case.bias[column] = value
    check(case.best(target, 32, never), expected(case.logits(target), never))


def check(found: Found, wanted: Found) -> None:
    assert [index for index, _ in found] == [index for index, _ in wanted]
    values: tuple[NDArray[Any], NDArray[Any]] = tuple(
        np.array([value for index, value in each if index >= 0]) for each in (found, wanted)
    )  # type: ignore[assignment]
    assert np.array_equal(*values)
