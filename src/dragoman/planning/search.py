"""The search for a stack: values from the bottom up, such that little lies unused between them.

Values are placed one after another, each into the best gap between those it conflicts with, in several orders
and at several sizes of batch; the order of the offsets is a stack. The best stack is then improved by moving
single values. All is deterministic: ties are broken by size, conflicts, name, and chance has a fixed seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOVES = 300
_PROMOTIONS = 12
_GOOD_ENOUGH = 1.005
"""The search ends when the need is at most so many times the lower bound at all sizes of batch."""

Stack = list[int]
"""Numbers of all items, from the bottom up."""


@dataclass(frozen=True)
class Item:
    """One value as the layout sees it: bytes at each nominal size of batch, and its lifetime (both ends
    inclusive)."""

    name: str
    sizes: tuple[int, ...]
    first: int
    last: int


def conflicts(items: Sequence[Item]) -> list[list[int]]:
    """For each item those alive together with it, ascending."""
    found: list[list[int]] = [[] for _ in items]
    for a, one in enumerate(items):
        for b in range(a):
            if one.first <= items[b].last and items[b].first <= one.last:
                found[a].append(b)
                found[b].append(a)
    return [sorted(others) for others in found]


def search(items: Sequence[Item]) -> Stack:
    """The best stack found."""
    if not items:
        return []
    neighbours = conflicts(items)
    always = [number for number, others in enumerate(neighbours) if len(others) == len(items) - 1]
    # What conflicts with everything costs its size wherever it lies: at the bottom, out of the search.
    if len(always) == len(items):
        return always
    others = [number for number in range(len(items)) if number not in set(always)]
    inner = _Search([items[number] for number in others], [items[number] for number in always])
    return always + [others[number] for number in inner.run()]


class _Search:
    def __init__(self, items: Sequence[Item], always: Sequence[Item]) -> None:
        self.items = items
        self.sizes: NDArray[np.int64] = np.array([item.sizes for item in items], np.int64)  # [items, shapes]
        self.conflicts = [np.array(others, np.int64) for others in conflicts(items)]
        self.base = np.zeros(self.sizes.shape[1], np.int64)
        for item in always:
            self.base += item.sizes
        alive = np.zeros((max(item.last for item in items) + 1, self.sizes.shape[1]), np.int64)
        for item, sizes in zip(items, self.sizes, strict=True):
            alive[item.first : item.last + 1] += sizes
        self.bound = np.maximum(alive.max(axis=0) + self.base, 1)

    def run(self) -> Stack:
        best, best_cost = list(range(len(self.items))), (np.inf, np.inf)
        for stack in self._candidates():
            cost = self._cost(stack)
            if cost < best_cost:
                best, best_cost = stack, cost
            if best_cost[0] <= _GOOD_ENOUGH:
                return best
        return self._improve(best, best_cost)

    def _candidates(self) -> Iterator[Stack]:
        """Greedy stacks, the cheapest to find first."""
        starts = list(self._starts())
        for order, shape in starts:
            yield self._stack(self._place(order, shape), shape)
        for order, shape in starts[: 3 * self.sizes.shape[1]]:
            for _ in range(_PROMOTIONS):
                offsets = self._place(order, shape)
                yield self._stack(offsets, shape)
                promoted = self._promote(order, offsets, shape)
                if promoted == order:
                    break
                order = promoted

    def _starts(self) -> Iterator[tuple[list[int], int]]:
        """Orders in which values are placed, and the size of batch at which they are."""
        spans = np.array([item.last - item.first + 1 for item in self.items], np.int64)
        long = spans * 3 > spans.max()
        for shape in range(self.sizes.shape[1]):
            sizes = self.sizes[:, shape]
            yield self._by(sizes * spans), shape
            yield self._by(sizes), shape
            yield self._by(sizes + long * sizes.max()), shape
        for shape in range(self.sizes.shape[1]):
            yield self._by(spans), shape

    def _by(self, keys: NDArray[np.int64]) -> list[int]:
        """Largest key first; then conflicts, then name."""
        return sorted(
            range(len(self.items)),
            key=lambda number: (-keys[number], -len(self.conflicts[number]), self.items[number].name, number),
        )

    def _promote(self, order: list[int], offsets: dict[int, int], shape: int) -> list[int]:
        """Values that end above the lower bound are placed earlier: they had to take what was left."""
        limit = int(self.bound[shape] - self.base[shape])
        place = {number: float(index) for index, number in enumerate(order)}
        for number, offset in offsets.items():
            if offset + int(self.sizes[number, shape]) > limit:
                place[number] = place[number] / 2 - 0.5
        return sorted(order, key=place.__getitem__)

    def _place(self, order: Sequence[int], shape: int) -> dict[int, int]:
        """Offsets when each value, in this order, goes into the smallest gap that holds it."""
        sizes = self.sizes[:, shape].tolist()
        offsets: dict[int, int] = {}
        for number in order:
            size, at = sizes[number], 0
            best, best_gap = -1, -1
            taken = sorted(
                (offsets[other], offsets[other] + sizes[other])
                for other in self.conflicts[number].tolist()
                if other in offsets
            )
            for begin, end in taken:
                gap = begin - at
                if gap >= size and (best < 0 or gap < best_gap):
                    best, best_gap = at, gap
                at = max(at, end)
            offsets[number] = at if best < 0 else best
        return offsets

    def _stack(self, offsets: dict[int, int], shape: int) -> Stack:
        return sorted(offsets, key=lambda n: (offsets[n], -self.sizes[n, shape], self.items[n].name, n))

    def _cost(self, stack: Stack) -> tuple[float, float]:
        """Worst and summed need relative to the lower bound, over the sizes of batch."""
        position = np.empty(len(stack), np.int64)
        position[stack] = np.arange(len(stack))
        ends = np.zeros_like(self.sizes)
        for number in stack:
            others = self.conflicts[number]
            lower = others[position[others] < position[number]]
            ends[number] = self.sizes[number] + (ends[lower].max(axis=0) if len(lower) else 0)
        ratios = (ends.max(axis=0) + self.base) / self.bound
        return round(float(ratios.max()), 9), round(float(ratios.sum()), 9)

    def _improve(self, stack: Stack, cost: tuple[float, float]) -> Stack:
        """Move one value at a time up or down the stack, keeping what is not worse."""
        chance = random.Random(1)
        for _ in range(_MOVES):
            source, target = chance.randrange(len(stack)), chance.randrange(len(stack))
            moved = stack[:source] + stack[source + 1 :]
            moved.insert(target, stack[source])
            moved_cost = self._cost(moved)
            if moved_cost <= cost:
                stack, cost = moved, moved_cost
                if cost[0] <= _GOOD_ENOUGH:
                    break
        return stack
