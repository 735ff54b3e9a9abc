"""Where the children of one node stand in the translation: each pair on a stretch of its own, points between."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dragoman.text.code_tree import Node
from dragoman.text.codes import Span
from dragoman.text.regions import Found, Region
from dragoman.text.words import cut_words, has_no_start, is_word

__all__ = ["Map", "place_pairs"]

_WORTH_OWN = 0.3
"""A stretch that nobody has is taken if it has this share of the mass of the best one, which somebody has."""

_NEAR = 100
"""Words: how far from the best stretch another one is looked for."""


@dataclass(frozen=True)
class Map:
    """Both texts in words, and where one's are in the other.

    Attributes:
        texts: of the segment and of its translation.
        source, target: the words.
        regions: of the parts, in order.
    """

    texts: tuple[str, str]
    source: Sequence[Span]
    target: Sequence[Span]
    regions: Sequence[Region]
    _firsts: Sequence[int]

    @classmethod
    def of(cls, texts: tuple[str, str], regions: Sequence[Region]) -> Map:
        source = [word for region in regions for word in region.source]
        target = [word for region in regions for word in region.target]
        return cls(texts, source, target, regions, [region.source_first for region in regions])

    def region_of(self, word: int) -> Region:
        """The part of a source word, by its number."""
        return self.regions[bisect_right(self._firsts, word) - 1]

    def find(self, first: int, last: int, low: int, high: int) -> Found | None:
        """The best stretch for source words ``first`` to ``last`` among target words ``low`` to ``high``."""
        begin, end = self.region_of(first), self.region_of(last - 1)
        if begin is end:
            return begin.find(first, last, low, high)
        # Sentences keep their order: only the two at the edges are asked.
        starts = begin.find(first, begin.source_last, low, high)
        stops = end.find(end.source_first, last, low, high)
        start = starts.first if starts else max(low, begin.target_last)
        stop = stops.last if stops else min(high, end.target_first)
        return Found(start, stop, 1.0, 1.0) if start < stop else None

    def trim(self, found: Found, first: int, last: int) -> Found:
        """Without punctuation at an edge where the source has none."""
        if self.region_of(first).is_stand_in(first) and last - first == 1:
            return found
        start, stop = found.first, found.last
        if is_word(self.texts[0], self.source[first]):
            while start < stop - 1 and not is_word(self.texts[1], self.target[start]):
                start += 1
        if is_word(self.texts[0], self.source[last - 1]):
            while stop - 1 > start and not is_word(self.texts[1], self.target[stop - 1]):
                stop -= 1
        return Found(start, stop, found.mass, found.purity)


@dataclass(slots=True, eq=False)
class _Bundle:
    """Pairs that share a stretch, which is divided among them in their order."""

    first: int
    last: int
    members: list[Node]
    stretch: tuple[int, int] = (0, 0)
    wish: Found | None = None

    @property
    def is_stand_in(self) -> bool:
        return self.members[0].stand_in is not None


def _surest_first(bundle: _Bundle) -> tuple[bool, float]:
    return not bundle.is_stand_in, -bundle.wish.purity if bundle.wish else 0.0


@dataclass(slots=True)
class _Taken:
    """Stretches that somebody has, ascending; they do not overlap."""

    stretches: list[tuple[int, int]] = field(default_factory=list)
    owners: dict[int, _Bundle] = field(default_factory=dict)
    """By the first word of the stretch."""

    def add(self, bundle: _Bundle, found: Found) -> None:
        bundle.stretch = (found.first, found.last)
        insort(self.stretches, bundle.stretch)
        self.owners[found.first] = bundle

    def overlapping(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        turn = bisect_left(self.stretches, low, key=lambda stretch: stretch[1] - 1)
        while turn < len(self.stretches) and self.stretches[turn][0] < high:
            yield self.stretches[turn]
            turn += 1

    def free(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        for start, stop in self.overlapping(low, high):
            if low < start:
                yield low, start
            low = stop
        if low < high:
            yield low, high

    def is_free(self, word: int) -> bool:
        return next(self.overlapping(word, word + 1), None) is None


def place_pairs(node: Node, known: Map) -> None:
    """Give ``low`` and ``high`` to the children of a placed node that have words."""
    pairs = [child for child in node.children if child.has_words]
    if not pairs:
        return
    if (
        node.codes
        and len(pairs) == 1
        and not pairs[0].stand_in
        and (pairs[0].first, pairs[0].last) == (node.first, node.last)
    ):
        pairs[0].low, pairs[0].high = node.low, node.high
        return
    low, high = cut_words(known.target, Span(node.low, node.high))
    if low == high:
        for child in pairs:
            child.low = child.high = node.low
        return
    bundles = list(_bundles(pairs))
    for bundle in bundles:
        bundle.wish = known.find(bundle.first, bundle.last, low, high)
    taken = _Taken()
    for bundle in sorted(bundles, key=_surest_first):
        found = _free_stretch(bundle, known, taken, low, high)
        if bundle.is_stand_in and not (found and _may_replace(bundle, found, known)):
            bundle.members[0].last = bundle.members[0].first  # a point from now on
        elif found is None:
            _join(bundle, taken, known, node)
        else:
            taken.add(bundle, found)
    for bundle in taken.owners.values():
        _divide(bundle, known, node)


def _bundles(pairs: Sequence[Node]) -> Iterator[_Bundle]:
    """Pairs within one word of the source, which will have to share one; each other pair and stand-in for itself."""
    bundle: _Bundle | None = None
    for pair in pairs:
        if (
            bundle
            and not pair.stand_in
            and pair.last - pair.first == 1
            and bundle.last == pair.last == bundle.first + 1
        ):
            bundle.members.append(pair)
            continue
        if bundle:
            yield bundle
        bundle = _Bundle(pair.first, pair.last, [pair])
    if bundle:
        yield bundle


def _may_replace(bundle: _Bundle, found: Found, known: Map) -> bool:
    """Whether a stretch is what a stand-in became, and nothing else: its copy, or words that tell of nothing else."""
    first, last = bundle.first, bundle.last
    wanted = known.texts[0][known.source[first].start : known.source[last - 1].stop]
    shown = known.texts[1][known.target[found.first].start : known.target[found.last - 1].stop]
    region = known.region_of(first)
    return shown == wanted or (region is known.region_of(last - 1) and region.is_own(found, first, last))


def _free_stretch(bundle: _Bundle, known: Map, taken: _Taken, low: int, high: int) -> Found | None:
    """The best stretch of words that nobody has; None if there is none worth having."""
    first, last, wish = bundle.first, bundle.last, bundle.wish
    if wish is None:
        return None
    wish = known.trim(wish, first, last)
    begin, end = known.region_of(first), known.region_of(last - 1)
    low, high = max(low, begin.target_first, wish.first - _NEAR), min(high, end.target_last, wish.last + _NEAR)
    if next(taken.overlapping(wish.first, wish.last), None) is None:
        return wish
    best: Found | None = None
    for start, stop in taken.free(low, high):
        if begin is end:
            found = begin.find(first, last, start, stop)
        else:
            start, stop = max(start, wish.first), min(stop, wish.last)
            share = (stop - start) / (wish.last - wish.first)
            found = Found(start, stop, share, share) if start < stop else None
        if found and (best is None or found.mass > best.mass):
            best = found
    if best is None or best.mass < _WORTH_OWN * wish.mass:
        return None
    return known.trim(best, first, last)


def _join(bundle: _Bundle, taken: _Taken, known: Map, node: Node) -> None:
    """Share the stretch of those who have the words that this one wants. A stand-in shares with nobody."""
    wish = bundle.wish
    place = known.region_of(bundle.first).part.target.start
    if wish is not None:
        owners = [taken.owners[start] for start, _ in taken.overlapping(wish.first, wish.last)]
        for owner in owners:
            if not owner.is_stand_in:
                owner.members = sorted(owner.members + bundle.members, key=lambda pair: pair.span)
                return
        before = [owner.stretch[1] for owner in owners if owner.first < bundle.first]
        place = known.target[before[-1] - 1].stop if before else known.target[owners[0].stretch[0]].start
    for pair in bundle.members:
        pair.low = pair.high = min(max(place, node.low), node.high)


def _divide(bundle: _Bundle, known: Map, node: Node) -> None:
    """Cut the stretch of a bundle at words if there are enough of them, else between characters."""
    members = bundle.members
    words = known.target[slice(*bundle.stretch)]
    units = [Span(max(start, node.low), min(stop, node.high)) for start, stop in words]
    if len(units) < len(members):
        units = _characters(known.texts[1], units[0].start, units[-1].stop)
    lengths = [max(1, pair.span.stop - pair.span.start) for pair in members]
    total, done, used = sum(lengths), 0, 0
    for number, pair in enumerate(members):
        done += lengths[number]
        after = len(members) - number - 1
        end = min(max(used + 1, round(len(units) * done / total)), max(used, len(units) - after))
        pair.low = units[used].start if used < len(units) else units[-1].stop
        pair.high = units[end - 1].stop if end > used else pair.low
        used = end


def _characters(text: str, start: int, stop: int) -> list[Span]:
    """A stretch in characters, each with its marks."""
    starts = [place for place in range(start, stop) if place == start or not has_no_start(text[place])]
    return [Span(*edges) for edges in zip(starts, [*starts[1:], stop], strict=True)]
