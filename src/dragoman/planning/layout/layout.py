"""Where values lie in the workspace: which value lies above which, found once and frozen.

Sees sizes and lifetimes only. A layout gives every *conflict* (two values alive together) a direction: which
of the two lies below. Then ``offset = max(end of those below)`` at any extents: values alive together never
overlap, and no offset shrinks when an extent grows. The search is for directions that keep the need close to
the most bytes alive at once, at several sizes of batch at a time (`search.py`).

Buffers are not staggered. Measured on row-by-row loops over three buffers (4 to 96 rows of 256 to 1024
floats), starts that are equal modulo 4096 and starts 64 to 2112 bytes apart ran at the same speed within 3 %:
no loop reads or writes as many buffers at a time as a cache set has ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dragoman.planning.layout.search import Item, Stack, conflicts, lower_bounds, search

__all__ = ["Item", "Layout", "freeze", "lower_bounds", "naive", "plan_layout"]


@dataclass(frozen=True)
class Layout:
    """``below`` and ``order`` as in `plan.Plan`."""

    below: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]

    def offsets(self, sizes: Sequence[int]) -> tuple[list[int], int]:
        """Offset of each item, and the need, for one size of batch."""
        offsets, ends = [0] * len(sizes), [0] * len(sizes)
        for number in self.order:
            offsets[number] = max((ends[other] for other in self.below[number]), default=0)
            ends[number] = offsets[number] + sizes[number]
        return offsets, max(ends, default=0)


def plan_layout(items: Sequence[Item]) -> Layout:
    """The best layout found. The same items give the same layout."""
    return freeze(items, search(items))


def naive(items: Sequence[Item]) -> Layout:
    """Every value after all others: nothing is used twice. The baseline."""
    chain = tuple((number - 1,) if number else () for number in range(len(items)))
    return Layout(chain, tuple(range(len(items))))


def freeze(items: Sequence[Item], stack: Stack) -> Layout:
    """Directions of all conflicts from the bottom up, without those that follow from others."""
    neighbours = conflicts(items)
    position = {number: place for place, number in enumerate(stack)}
    reach: list[set[int]] = [set() for _ in items]  # everything that must end before
    below: list[tuple[int, ...]] = [() for _ in items]
    for number in stack:
        lower = [other for other in neighbours[number] if position[other] < position[number]]
        direct, implied = [], set[int]()
        for other in sorted(lower, key=position.__getitem__, reverse=True):
            if other not in implied:
                direct.append(other)
                implied |= reach[other]
        reach[number] = implied.union(direct)
        below[number] = tuple(sorted(direct))
    return Layout(tuple(below), tuple(stack))
