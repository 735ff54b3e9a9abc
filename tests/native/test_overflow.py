"""Products whose pairs may overflow 16 bits: the lists that say which, and exact results whatever they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_oracle import (
    TARGETS,
    assert_padding_untouched,
    fma,
    in_padding,
    padded,
    panels_int8,
    quantised,
    vector_in_padding,
)
from numpy.typing import NDArray

from dragoman import _native
from dragoman._native import kernels as native

BLOCK = 2048  # kScoreColumns
Weights = NDArray[np.int8]
Rows = NDArray[np.uint8]


def lists_of(b: Weights) -> NDArray[np.uint8]:
    made = _native.make_overflow_lists(panels_int8(b)[0], *b.shape)
    assert len(made) <= _native.most_overflow_bytes(*b.shape)
    return np.frombuffer(made, np.uint8)


def bounds(b: Weights, reach: int) -> NDArray[np.int64]:
    """[groups, N]: the larger of the sums of a group's positive and of its negative weights."""
    k, n = b.shape
    steps = -(-k // 4)
    whole = np.zeros((-(-steps // reach) * reach * 4, n), np.int64)
    whole[:k] = b
    groups = whole.reshape(-1, reach, 2, 2, n).transpose(0, 2, 1, 3, 4).reshape(-1, 2 * reach, n)
    return np.maximum(np.maximum(groups, 0).sum(axis=1), -np.minimum(groups, 0).sum(axis=1))


def read_list(lists: NDArray[np.uint8], k: int, block: int, reach: int) -> dict[str, Any] | None:
    offset = int(lists[: len(lists) // 4 * 4].view(np.uint32)[2 * block + reach - 1])
    if offset == 0:
        return None
    steps = -(-k // 4)
    lanes, groups = -(-k // 64) * 32, 2 * -(-steps // reach)
    bound, entries = lists[offset : offset + 4].view(np.uint16).tolist()
    at = offset + 4 + lanes
    starts = lists[at : at + 2 * groups + 2].view(np.uint16)
    columns = lists[at + 2 * groups + 2 : at + 2 * groups + 2 + 2 * entries].view(np.uint16)
    return {"bound": bound, "limits": lists[offset + 4 : at], "starts": starts, "columns": columns}


def weights(k: int, n: int, deviation: float, seed: int = 0) -> Weights:
    random = np.random.default_rng((k, n, seed))
    return np.clip(np.rint(random.normal(0, deviation, (k, n))), -127, 127).astype(np.int8)


def activations(kind: str, m: int, k: int, seed: int = 0) -> Rows:
    random = np.random.default_rng((m, k, seed))
    if kind == "wide":
        return random.integers(0, 255, (m, k)).astype(np.uint8)
    if kind == "relu":
        return np.where(random.random((m, k)) < 0.5, 127, random.integers(127, 255, (m, k))).astype(np.uint8)
    if kind == "narrow":  # each row elsewhere
        return (random.integers(0, 180, (m, 1)) + random.integers(0, 75, (m, k))).astype(np.uint8)
    if kind == "mixed":
        rows = activations("relu", m, k, seed)
        rows[::5] = activations("wide", len(rows[::5]), k, seed)
        return rows
    assert kind == "highest"
    rows = np.full((m, k), 254, np.uint8)
    rows[:, 0] = 0
    return rows


def check(
    target: str,
    a: Rows,
    b: Weights,
    *,
    sums: bool,
    dynamic: bool = False,
    lists: NDArray[np.uint8] | None = None,
) -> None:
    """Product against exact integers."""
    n = b.shape[1]
    panels, column_sums = panels_int8(b)
    scale = vector_in_padding(np.linspace(0.5e-4, 1.5e-4, n, dtype=np.float32))
    bias = vector_in_padding(np.linspace(-1, 1, n, dtype=np.float32))
    row_scale = np.linspace(0.5, 2, len(a), dtype=np.float32) if dynamic else None
    out, packed = padded(len(a), n), padded(len(a), n, np.uint8)
    native.gemm_int8(
        target, in_padding(a), panels, n, scale, bias, column_sums if sums or dynamic else None, row_scale,
        0, out, packed, 31.0, lists_of(b) if lists is None else lists,
    )  # fmt: skip
    exact = a.astype(np.int64) @ b.astype(np.int64)
    if row_scale is None:
        expected = fma(exact.astype(np.float32), scale, bias)
    else:
        exact -= 127 * column_sums.astype(np.int64)
        expected = fma(exact.astype(np.float32), (row_scale[:, None] * scale).astype(np.float32), bias)
    assert np.array_equal(out, expected)
    assert np.array_equal(packed, quantised(expected, 31.0))
    assert_padding_untouched(out)
    assert_padding_untouched(packed)


@pytest.mark.parametrize(("k", "n"), [(4, 1), (7, 40), (64, 33), (100, 70), (260, 2049), (512, 96)])
@pytest.mark.parametrize("deviation", [10.0, 25.0, 45.0, 90.0])
def test_lists_name_every_group_above_their_bound(k: int, n: int, deviation: float) -> None:
    b = weights(k, n, deviation)
    lists = lists_of(b)
    for first in range(0, n, BLOCK):
        for reach in (1, 2):
            found = read_list(lists, k, first // BLOCK, reach)
            all_bounds = bounds(b[:, first : first + BLOCK], reach)
            if found is None:  # too many
                assert (all_bounds > (129 if reach == 1 else 258)).sum() * (40 if reach == 1 else 1280) >= b.size // 2
                continue
            assert found["bound"] <= (129 if reach == 1 else 258)
            for group, here in enumerate(all_bounds):
                columns = found["columns"][found["starts"][group] : found["starts"][group + 1]]
                assert sorted(columns) == np.flatnonzero(here > found["bound"]).tolist()
                assert (np.diff(here[columns]) <= 0).all()
                highest = here[columns].max() if len(columns) else 128 if reach == 1 else 128.4
                limit = highest - 128 if reach == 1 else int(32767 / highest)
                first_lane = 2 * (group // 2 * reach) + group % 2
                lanes = [first_lane + 2 * i for i in range(reach) if first_lane // 2 + i < -(-k // 4)]
                assert (found["limits"][lanes] == limit).all()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", ["wide", "relu", "narrow", "mixed", "highest"])
@pytest.mark.parametrize("deviation", [25.0, 40.0, 90.0])
def test_exact_whatever_overflows(target: str, kind: str, deviation: float) -> None:
    for m, k, n in ((1, 256, 96), (2, 100, 70), (3, 36, 64), (4, 260, 33), (5, 512, 48), (9, 132, 65), (23, 64, 160)):
        b = weights(k, n, deviation)
        for sums in (False, True):
            check(target, activations(kind, m, k), b, sums=sums)
        check(target, activations(kind, m, k), b, sums=True, dynamic=True)


@pytest.mark.parametrize("target", TARGETS)
def test_single_groups_that_overflow(target: str) -> None:
    """One pair, or one group of two steps, on either side of every bound."""
    m, k, n = 3, 72, 40
    groups = (65, 64, 0), (65, 65, 0), (-65, -64, 0), (-65, -65, 0), (127, 127, 127), (-127, 5, -127)
    for first, second, third in groups:
        b = np.zeros((k, n), np.int8)
        for column in range(n):
            at = column * 3 % (k - 8) // 8 * 8 + column % 2 * 2
            b[at, column], b[at + 1, column], b[at + 4, column] = first, second, third
        for high in (127, 128, 129, 253, 254):
            a = np.full((m, k), high, np.uint8)
            a[1, ::2] = high - 100
            check(target, a, b, sums=True)


@pytest.mark.parametrize("target", TARGETS)
def test_more_corrections_than_there_is_room_for(target: str) -> None:
    b = weights(256, 256, 41.0)
    assert read_list(lists_of(b), 256, 0, 1) is not None
    check(target, activations("highest", 130, 256), b, sums=True)


@pytest.mark.parametrize("target", TARGETS)
def test_blocks_of_columns_and_many_rows(target: str) -> None:
    b = weights(64, 2 * BLOCK + 40, 35.0)
    check(target, activations("mixed", 7, 64), b, sums=True)
    b = weights(96, 64, 35.0)
    check(target, activations("mixed", 300, 96), b, sums=False)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", ["wide", "relu", "narrow", "mixed", "highest"])
def test_the_highest_bound_alone(target: str, kind: str) -> None:
    """All that is known of columns that are selected at run time."""
    for m, k, n, largest in ((1, 256, 96, 60), (5, 100, 70, 70), (9, 66, BLOCK + 33, 90), (130, 64, 40, 65)):
        b = np.clip(weights(k, n, 30.0), -largest, largest)
        pairs = b[: k // 2 * 2].reshape(-1, 2, n).astype(np.int64)
        alike = pairs[:, 0] * pairs[:, 1] >= 0
        highest = _native.find_highest_bound(np.ascontiguousarray(b.T))
        assert highest == np.abs(pairs.sum(axis=1))[alike].max()
        lists = np.array([highest], np.uint16).view(np.uint8)
        check(target, activations(kind, m, k), b, sums=kind == "narrow", lists=lists)


@pytest.mark.parametrize("target", TARGETS)
def test_best_columns_of_blocks(target: str) -> None:
    b = weights(64, 2 * BLOCK + 40, 35.0)
    a = activations("wide", 5, 64)
    panels, _ = panels_int8(b)
    n = b.shape[1]
    scale, bias = np.full(n, 1e-4, np.float32), np.zeros(n, np.float32)
    expected = (a.astype(np.int64) @ b.astype(np.int64)).argmax(axis=1)
    for block in (BLOCK, 1024, 96):
        found = native.best_columns_int8(target, a, panels, n, scale, bias, None, None, block, -1, lists_of(b))
        assert [index for index, _ in found] == expected.tolist()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), share=st.sampled_from([0.0, 0.02, 0.5, 1.0]), length=st.integers(0, 4000))
def test_damaged_lists_do_no_harm(seed: int, share: float, length: int) -> None:
    """A file may be written to while it is mapped: results are then anything, but nothing else may happen."""
    random = np.random.default_rng(seed)
    b = weights(100, 70, 35.0)
    lists = lists_of(b)[:length].copy()
    hit = random.random(len(lists)) < share
    lists[hit] = random.integers(0, 256, hit.sum())
    panels, column_sums = panels_int8(b)
    scale, bias, out = np.ones(70, np.float32), np.zeros(70, np.float32), padded(9, 70)
    a = in_padding(activations("mixed", 9, 100))
    for target in TARGETS:
        native.gemm_int8(target, a, panels, 70, scale, bias, column_sums, None, 0, out, None, 1.0, lists)
        assert_padding_untouched(out)
