"""The numbers of a batch."""

from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given

from dragoman.graph.extents import Symbol
from dragoman.planning.batch_extents import extents_of_batch, groups

lengths_of_batches = st.lists(st.integers(1, 300), min_size=1, max_size=60).map(
    lambda found: sorted(found, reverse=True)
)


def test_groups_by_hand() -> None:
    assert groups([]) == (0,)
    assert groups([500]) == (0, 1), "a long sentence is a group of its own"
    assert groups([64]) == (0, 1)
    assert groups([58, 6, 1]) == (0, 2, 3)
    assert groups([120, 40, 24, 20, 20, 20, 7]) == (0, 1, 3, 6, 7)
    assert groups([3, 2, 2], target_tokens=1) == (0, 1, 2, 3)


@given(lengths_of_batches, st.integers(1, 200))
def test_groups(lengths: list[int], most: int) -> None:
    found = groups(lengths, most)
    assert found[0] == 0 and found[-1] == len(lengths)
    for first, last in pairwise(found):
        assert last > first
        assert last == first + 1 or sum(lengths[first:last]) <= most
        if last < len(lengths):
            assert sum(lengths[first : last + 1]) > most, "the group was full"


def test_extents_by_hand() -> None:
    lengths = [40, 17, 16, 3]
    found = extents_of_batch(
        lengths, groups(lengths, 40), beam_size=4, target_limits=[80, 34, 32, 6], vocabulary_size=8000,
        union_size=513, alignment=True,
    )  # fmt: skip
    assert {str(symbol): number for symbol, number in found.items()} == {
        "T": 76, "S": 4, "Tg": 40, "Sg": 3, "Tp": 48 + 32 + 16 + 16, "L": 48, "A": 48, "R": 16,
        "K": 4 * (80 + 34 + 32 + 6), "Y": 80, "C": 513, "U": 544,
    }  # fmt: skip


def test_without_shortlist_and_alignment() -> None:
    found = extents_of_batch([5], groups([5]), beam_size=1, target_limits=[10], vocabulary_size=32000)
    assert (found[Symbol.CANDIDATES], found[Symbol.UNION], found[Symbol.ALIGNED]) == (32000, 0, 0)


@given(lengths_of_batches, st.integers(1, 12))
def test_a_sentence_more_never_needs_less(lengths: list[int], beam_size: int) -> None:
    def numbers(some: list[int]) -> dict[Symbol, int]:
        limits = [2 * length for length in some]
        found = extents_of_batch(
            some, groups(some), beam_size=beam_size, target_limits=limits, vocabulary_size=100, alignment=True
        )
        return dict(found)

    fewer, more = numbers(lengths[:-1]), numbers(lengths)
    assert all(fewer[symbol] <= more[symbol] for symbol in Symbol)
