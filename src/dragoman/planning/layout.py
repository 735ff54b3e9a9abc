"""Where values lie in the workspace: which value lies above which, found once and frozen.

Sees sizes and lifetimes only. A layout is a direction for every *conflict* (two values alive together): which of the
two is below. Then ``offset = max(end of those below)`` at any extents: values alive together never overlap, and no
offset shrinks when an extent grows. What is searched are the directions, so that the need stays near the most bytes
alive at once, at several sizes of batch at a time.

The search places values one after another, each in the best gap between those it conflicts with, for several orders
and sizes of batch; reads the directions off the offsets; then improves the best order found by moving single values.
The order of ties is size, conflicts, name: the same input gives the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

_MOVES = 400
"""Moves that the local search tries at most."""


@dataclass(frozen=True)
class Item:
    """One value as the layout sees it: bytes at each nominal size of batch, and its lifetime (both ends inclusive)."""

    name: str
    sizes: tuple[int, ...]
    first: int
    last: int


@dataclass(frozen=True)
class Layout:
    """``below`` and ``order`` as in `plan.Plan`."""

    below: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]

    def offsets(self, sizes: Sequence[int]) -> tuple[list[int], int]:
        """Offset of each item, and the need, for one size of batch."""
        offsets, ends, need = [0] * len(sizes), [0] * len(sizes), 0
        for number in self.order:
            for other in self.below[number]:
                if ends[other] > offsets[number]:
                    offsets[number] = ends[other]
            ends[number] = offsets[number] + sizes[number]
            need = max(need, ends[number])
        return offsets, need


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
    shapes = len(items[0].sizes) if items else 0
    change: dict[int, list[int]] = {}
    for item in items:
        for time, sign in ((item.first, 1), (item.last + 1, -1)):
            row = change.setdefault(time, [0] * shapes)
            for shape, size in enumerate(item.sizes):
                row[shape] += sign * size
    alive, most = [0] * shapes, [0] * shapes
    for time in sorted(change):
        alive = [bytes_ + more for bytes_, more in zip(alive, change[time], strict=True)]
        most = [max(pair) for pair in zip(most, alive, strict=True)]
    return most


def naive(items: Sequence[Item]) -> Layout:
    """Every value after all others: nothing is used twice. The baseline."""
    chain = tuple((number - 1,) if number else () for number in range(len(items)))
    return Layout(chain, tuple(range(len(items))))


def plan_layout(items: Sequence[Item]) -> Layout:
    """The best layout found."""
    search = _Search(items, conflicts(items), lower_bounds(items))
    return search.run()


@dataclass
class _Search:
    items: Sequence[Item]
    conflicts: list[list[int]]
    bounds: list[int]
    shapes: int = field(init=False)

    def __post_init__(self) -> None:
        self.shapes = len(self.bounds)

    def run(self) -> Layout:
        """Best of the greedy layouts, improved, as directions without those that follow from others."""
        if not self.items:
            return Layout((), ())
        best, best_cost = list(range(len(self.items))), None
        for order in self._orders():
            for shape in range(self.shapes):
                stacking = self._stacking(self._place(order, shape), shape)
                cost = self._cost(stacking)
                if best_cost is None or cost < best_cost:
                    best, best_cost = stacking, cost
        best = self._improve(best)
        return self._freeze(best)

    # -- greedy placement ----------------------------------------------------------------------------------------------

    def _orders(self) -> list[list[int]]:
        """Orders in which values are placed: by size at each shape, by lifetime, by size times lifetime."""
        items = self.items
        numbers = range(len(items))

        def by(key: Sequence[float]) -> list[int]:
            return sorted(numbers, key=lambda n: (-key[n], -len(self.conflicts[n]), items[n].name, n))

        spans = [item.last - item.first + 1 for item in items]
        found = [by(spans)]
        for shape in range(self.shapes):
            sizes = [item.sizes[shape] for item in items]
            found.append(by(sizes))
            found.append(by([size * span for size, span in zip(sizes, spans, strict=True)]))
            whole = max(spans)
            found.append(by([size + (span * 2 > whole) * 1e15 for size, span in zip(sizes, spans, strict=True)]))
        return found

    def _place(self, order: Sequence[int], shape: int) -> list[int]:
        """Offsets when each value, in this order, goes into the smallest gap that holds it."""
        offsets: dict[int, int] = {}
        for number in order:
            size = self.items[number].sizes[shape]
            taken = sorted(
                (offsets[other], offsets[other] + self.items[other].sizes[shape])
                for other in self.conflicts[number]
                if other in offsets
            )
            at, best, best_gap = 0, None, None
            for begin, end in taken:
                gap = begin - at
                if gap >= size and (best_gap is None or gap < best_gap):
                    best, best_gap = at, gap
                at = max(at, end)
            offsets[number] = at if best is None else best
        return [offsets[number] for number in range(len(self.items))]

    def _stacking(self, offsets: Sequence[int], shape: int) -> list[int]:
        """All values from the bottom up."""
        items = self.items
        return sorted(range(len(items)), key=lambda n: (offsets[n], -items[n].sizes[shape], items[n].name, n))

    # -- cost and local search -----------------------------------------------------------------------------------------

    def _cost(self, stacking: Sequence[int]) -> tuple[float, float]:
        """Worst and mean need relative to the lower bound, over the shapes."""
        position = {number: place for place, number in enumerate(stacking)}
        below = {n: [o for o in self.conflicts[n] if position[o] < position[n]] for n in stacking}
        ratios = []
        for shape, bound in enumerate(self.bounds):
            ends: dict[int, int] = {}
            for number in stacking:
                start = max([ends[other] for other in below[number]], default=0)
                ends[number] = start + self.items[number].sizes[shape]
            ratios.append(max(ends.values()) / bound if bound else 1.0)
        return round(max(ratios), 9), round(sum(ratios), 9)

    def _improve(self, stacking: list[int]) -> list[int]:
        """Move one value at a time up or down the stack, keeping what is not worse. The seed is fixed."""
        chance = random.Random(1)  # not for secrets: the same plan twice
        cost = self._cost(stacking)
        for _ in range(_MOVES):
            if cost[0] <= 1.0:
                break
            source, target = chance.randrange(len(stacking)), chance.randrange(len(stacking))
            moved = stacking[:source] + stacking[source + 1 :]
            moved.insert(target, stacking[source])
            moved_cost = self._cost(moved)
            if moved_cost <= cost:
                stacking, cost = moved, moved_cost
        return stacking

    def _freeze(self, stacking: Sequence[int]) -> Layout:
        """Directions of all conflicts, without those that follow from two others."""
        position = {number: place for place, number in enumerate(stacking)}
        reach: dict[int, set[int]] = {}
        below: dict[int, tuple[int, ...]] = {}
        for number in stacking:
            lower = sorted((o for o in self.conflicts[number] if position[o] < position[number]), key=position.__getitem__)
            kept: list[int] = []
            implied: set[int] = set()
            for other in reversed(lower):
                if other not in implied:
                    kept.append(other)
                    implied |= reach[other]
            reach[number] = implied | set(lower)
            below[number] = tuple(sorted(kept))
        return Layout(tuple(below[number] for number in range(len(self.items))), tuple(stacking))
