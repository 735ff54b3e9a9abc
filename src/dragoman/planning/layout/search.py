"""The search for a stack: values from the bottom up, such that little lies unused between them.

Values are placed one after another, each into the best gap between those it conflicts with, in several orders
and at several sizes of batch; the order of the offsets is a stack. The best stack is then improved by moving
single values. All is deterministic: ties are broken by size, conflicts, name, and chance has a fixed seed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

_MOVES = 300
_PROMOTIONS = 12
_GOOD_ENOUGH = 1.005
"""The search ends when the need is at most so many times the lower bound at all sizes of batch."""

Stack = list[int]
"""Numbers of all items, from the bottom up."""

Cost = tuple[float, float]
"""Worst and summed need relative to the lower bound, over the sizes of batch."""

_WORST: Cost = (math.inf, math.inf)


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


def lower_bounds(items: Sequence[Item]) -> list[int]:
    """Most bytes alive at once at each size of batch: no layout can need less."""
    changes: dict[int, list[tuple[int, Item]]] = {}
    for item in items:
        changes.setdefault(item.first, []).append((1, item))
        changes.setdefault(item.last + 1, []).append((-1, item))
    shapes = len(items[0].sizes) if items else 0
    alive, most = [0] * shapes, [0] * shapes
    for time in sorted(changes):
        for sign, item in changes[time]:
            alive = [total + sign * size for total, size in zip(alive, item.sizes, strict=True)]
        most = [max(pair) for pair in zip(most, alive, strict=True)]
    return most


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
    """All sizes are plain integers: for some hundred values, that is faster than arrays."""

    def __init__(self, items: Sequence[Item], always: Sequence[Item]) -> None:
        self.items = items
        self.numbers = range(len(items))
        self.sizes = list(zip(*(item.sizes for item in items), strict=True))  # of each shape, by item
        self.shapes = range(len(self.sizes))
        neighbours = conflicts(items)
        self.degrees = [len(others) for others in neighbours]
        # Takes the neighbours' entries from a list. One's own come first, twice: so there are always some.
        self.near = [itemgetter(number, number, *others) for number, others in enumerate(neighbours)]
        self.base = [sum(item.sizes[shape] for item in always) for shape in self.shapes]
        self.bound = [max(most + base, 1) for most, base in zip(lower_bounds(items), self.base, strict=True)]
        self.hardest = list(self.shapes)  # those first that stacks failed at last

    def run(self) -> Stack:
        best, best_cost = list(self.numbers), _WORST
        for stack in self._candidates():
            cost = self._cost(stack, best_cost)
            if cost < best_cost:
                best, best_cost = stack, cost
            if best_cost[0] <= _GOOD_ENOUGH:
                return best
        return self._improve(best, best_cost)

    def _candidates(self) -> Iterator[Stack]:
        """Greedy stacks, the cheapest to find first."""
        starts = []
        for order, shape in self._starts():
            offsets = self._place(order, shape)
            starts.append((order, shape, offsets))
            yield self._stack(offsets, shape)
        for order, shape, offsets in starts[: 3 * len(self.shapes)]:
            for _ in range(_PROMOTIONS - 1):
                promoted = self._promote(order, offsets, shape)
                if promoted == order:
                    break
                order = promoted
                offsets = self._place(order, shape)
                yield self._stack(offsets, shape)

    def _starts(self) -> Iterator[tuple[list[int], int]]:
        """Orders in which values are placed, and the size of batch at which they are."""
        spans = [item.last - item.first + 1 for item in self.items]
        long = [span * 3 > max(spans) for span in spans]
        for shape, sizes in enumerate(self.sizes):
            most = max(sizes)
            yield self._by([size * span for size, span in zip(sizes, spans, strict=True)]), shape
            yield self._by(sizes), shape
            yield self._by([size + most * one for size, one in zip(sizes, long, strict=True)]), shape
        for shape in self.shapes:
            yield self._by(spans), shape

    def _by(self, keys: Sequence[int]) -> list[int]:
        """Largest key first; then conflicts, then name."""
        degrees, items = self.degrees, self.items
        return sorted(self.numbers, key=lambda n: (-keys[n], -degrees[n], items[n].name, n))

    def _promote(self, order: list[int], offsets: dict[int, int], shape: int) -> list[int]:
        """Values that end above the lower bound are placed earlier: they had to take what was left."""
        limit, sizes = self.bound[shape] - self.base[shape], self.sizes[shape]
        place = {number: float(index) for index, number in enumerate(order)}
        for number, offset in offsets.items():
            if offset + sizes[number] > limit:
                place[number] = place[number] / 2 - 0.5
        return sorted(order, key=place.__getitem__)

    def _place(self, order: Sequence[int], shape: int) -> dict[int, int]:
        """Offsets when each value, in this order, goes into the smallest gap that holds it."""
        sizes, near = self.sizes[shape], self.near
        offsets: dict[int, int] = {}
        spans: list[tuple[int, int] | None] = [None] * len(order)  # of the values that are placed
        for number in order:
            size, at = sizes[number], 0
            best, best_gap = -1, -1
            for begin, end in sorted(filter(None, near[number](spans))):
                gap = begin - at
                if gap >= size and (best < 0 or gap < best_gap):
                    best, best_gap = at, gap
                if end > at:
                    at = end
            offset = at if best < 0 else best
            offsets[number], spans[number] = offset, (offset, offset + size)
        return offsets

    def _stack(self, offsets: dict[int, int], shape: int) -> Stack:
        sizes, items = self.sizes[shape], self.items
        return sorted(offsets, key=lambda n: (offsets[n], -sizes[n], items[n].name, n))

    def _cost(self, stack: Stack, most: Cost) -> Cost:
        """`_WORST` as soon as it is clear that the cost is more than ``most``: no ratio is below 1."""
        worst, total, left = 1.0, 0.0, len(self.shapes)
        for shape in self.hardest:
            sizes, near = self.sizes[shape], self.near
            ends = [0] * len(stack)
            for number in stack:
                ends[number] = sizes[number] + max(near[number](ends))
            ratio = (max(ends) + self.base[shape]) / self.bound[shape]
            worst, total, left = max(worst, ratio), total + ratio, left - 1
            if (round(worst, 9), round(total + left, 9)) > most:
                self.hardest.remove(shape)
                self.hardest.insert(0, shape)
                return _WORST
        return round(worst, 9), round(total, 9)

    def _improve(self, stack: Stack, cost: Cost) -> Stack:
        """Move one value at a time up or down the stack, keeping what is not worse."""
        chance = random.Random(1)
        for _ in range(_MOVES):
            source, target = chance.randrange(len(stack)), chance.randrange(len(stack))
            moved = stack[:source] + stack[source + 1 :]
            moved.insert(target, stack[source])
            moved_cost = self._cost(moved, cost)
            if moved_cost <= cost:
                stack, cost = moved, moved_cost
                if cost[0] <= _GOOD_ENOUGH:
                    break
        return stack

