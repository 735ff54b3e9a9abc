"""Where codes without words stand in a translation: void elements, comments, empty pairs, ends without a begin."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from dragoman.text.code_tree import Node
from dragoman.text.codes import CodeKind, Span
from dragoman.text.placing import Map
from dragoman.text.words import cut_words, is_word

__all__ = ["place_points"]


def place_points(node: Node, known: Map) -> None:
    """Give ``low`` to the points among the children of a node, whose pairs have their places.

    A point stays with the word it touches, else with the next one; at an edge of what it is in it stays there. Points
    keep their order, and stand in no pair that they were not in.
    """
    points = [child for child in node.children if not child.has_words]
    if not points:
        return
    pairs = [child for child in node.children if child.has_words]
    firsts = [pair.first for pair in pairs]
    places = [_place(point, node, pairs, firsts, known) for point in points]
    stretches = sorted((pair.low, pair.high) for pair in pairs)
    for point, place in zip(points, _ascending([_outside(place, stretches) for place in places]), strict=True):
        point.low = point.high = min(max(place, node.low), node.high)


def _place(point: Node, node: Node, pairs: Sequence[Node], firsts: Sequence[int], known: Map) -> int:
    text, at = known.texts[0], point.span.start
    following = bisect_left(known.source, at + 1, key=lambda word: word.stop)
    inside = following < len(known.source) and known.source[following].start < at
    before, after = (following if inside else following - 1), following
    if before < node.first:
        return node.low
    if after >= node.last:
        return node.high
    if inside:
        return _in_word(at, before, node, pairs, firsts, known)
    if point.codes[0].width:
        return _lost_stand_in(point, before, node, pairs, firsts, known)
    if len(point.codes) == 1 and point.codes[0].kind is not CodeKind.EMPTY:
        return _half_pair(point.codes[0].kind, before, after, node, known)
    touches_before = not text[at - 1].isspace() and at > 0
    touches_after = not text[at].isspace() and is_word(text, known.source[after])
    if touches_before and not touches_after:
        return _image(before, node, pairs, firsts, known)[1]
    return _image(after, node, pairs, firsts, known)[0]


def _image(word: int, node: Node, pairs: Sequence[Node], firsts: Sequence[int], known: Map) -> tuple[int, int]:
    """Where a word of the source stands: the first of a sentence with its begin, the last with its end, and each
    with the pair that it is in."""
    region, turn = known.region_of(word), bisect_right(firsts, word) - 1
    if turn >= 0 and pairs[turn].first <= word < pairs[turn].last:
        low, high = pairs[turn].low, pairs[turn].high
    else:
        low, high = _found(word, word + 1, node, known)
    if word == region.source_first and region.target:
        low = region.target[0].start
    if word == region.source_last - 1 and region.target:
        high = region.target[-1].stop
    return low, high


def _found(first: int, last: int, node: Node, known: Map) -> tuple[int, int]:
    low, high = cut_words(known.target, Span(node.low, node.high))
    found = known.find(first, last, low, high)
    if found is None:
        return node.high, node.high
    return known.target[found.first].start, known.target[found.last - 1].stop


def _in_word(at: int, word: int, node: Node, pairs: Sequence[Node], firsts: Sequence[int], known: Map) -> int:
    """At the same letter of the same word; else behind the word."""
    low, high = _image(word, node, pairs, firsts, known)
    start, stop = known.source[word]
    same = known.texts[0][start:stop] == known.texts[1][low:high]
    return low + at - start if same else high


def _half_pair(kind: CodeKind, before: int, after: int, node: Node, known: Map) -> int:
    """A begin whose end stands in another segment marks what follows, an end what is before it."""
    if kind is CodeKind.OPEN:
        region = known.region_of(after)
        return _found(after, min(region.source_last, node.last), node, known)[0]
    region = known.region_of(before)
    return _found(max(region.source_first, node.first), before + 1, node, known)[1]


def _lost_stand_in(
    point: Node, before: int, node: Node, pairs: Sequence[Node], firsts: Sequence[int], known: Map
) -> int:
    """Beside what looked at it; if nothing did, behind what came before it or in front of what came after it."""
    first, last = cut_words(known.source, point.span)
    low, high = cut_words(known.target, Span(node.low, node.high))
    own = known.find(first, last, low, high)
    if own is not None and own.mass > 0:
        return known.target[own.first].start
    if last >= node.last:
        return node.high
    left, right = known.find(before, before + 1, low, high), known.find(last, last + 1, low, high)
    if right is not None and (left is None or right.mass > left.mass):
        return _image(last, node, pairs, firsts, known)[0]
    return _image(before, node, pairs, firsts, known)[1]


def _outside(place: int, stretches: Sequence[tuple[int, int]]) -> int:
    """The place, or the nearer edge of the pair that it would cut."""
    turn = bisect_left(stretches, (place, place)) - 1
    if turn >= 0 and stretches[turn][0] < place < stretches[turn][1]:
        low, high = stretches[turn]
        return low if place - low < high - place else high
    return place


def _ascending(places: Sequence[int]) -> list[int]:
    """The longest ascending subsequence stays; the others go to its member before them."""
    tails: list[int] = []  # of each length, the number of the last member with the smallest place
    previous: list[int] = []
    for number, place in enumerate(places):
        length = bisect_right(tails, place, key=lambda member: places[member])
        previous.append(tails[length - 1] if length else -1)
        tails[length : length + 1] = [number]
    kept = set()
    number = tails[-1]
    while number >= 0:
        kept.add(number)
        number = previous[number]
    result: list[int] = []
    floor = places[min(kept)]
    for number, place in enumerate(places):
        floor = place if number in kept else floor
        result.append(floor)
    return result
