"""Terms in a translation: which are there already, and which can be written over the words that translate them.

The first two steps of the ladder of `dragoman.text.terms`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from dragoman.text.codes import Span, TokenLinks
from dragoman.text.glossary import TermMatch
from dragoman.text.inflection import all_endings
from dragoman.text.words import is_word, split_words

__all__ = ["PlacedTerms", "missing_terms", "place_terms"]

_OWN = 0.4
"""Share of a word's weight that must come from the term, for the word to be its translation."""
_PIECE = 0.2
"""Least share of each piece of it: else it is a compound with the term inside."""
_BETWEEN = 0.15
"""Share of a word between two of the term's words that makes it one of them ("base *de* données")."""


@dataclass(frozen=True, slots=True)
class PlacedTerms:
    """A translation after the first two steps.

    Attributes:
        text: with what could be written over.
        links: of the text; each place written over is one token.
        open: the matches that are not in it.
        edits: spans of the translation before and of the text now, for each place written over, ascending.
    """

    text: str
    links: TokenLinks | None
    open: tuple[TermMatch, ...]
    edits: tuple[tuple[Span, Span], ...]


def place_terms(matches: Sequence[TermMatch], translation: str, links: TokenLinks | None) -> PlacedTerms:
    """Write terms over the words that translate them, where it is clear which those are.

    Args:
        matches: the terms of one sentence, ascending.
        translation: of the sentence.
        links: its soft alignment; None: only what is right already counts as placed.
    """
    wanted = Counter(match.target for match in matches)
    right = {target for target, count in wanted.items() if len(_found(target, translation)) >= count}
    left = [match for match in matches if match.target not in right]
    if not left or links is None:
        return PlacedTerms(translation, links, tuple(left), ())
    words = _Words(translation, links)
    taken = [span for match in matches if match.target in right for span in _found(match.target, translation)]
    edits: list[tuple[Span, str]] = []
    still_open: list[TermMatch] = []
    for match in left:
        span = words.translating(match.span)
        if span is None or any(span.start < other.stop and other.start < span.stop for other in taken):
            still_open.append(match)
            continue
        taken.append(span)
        if translation[span.start : span.stop] != match.target:
            edits.append((span, _at_start(match.target, translation, span)))
    return _written(translation, links, sorted(edits), tuple(still_open))


def missing_terms(matches: Iterable[TermMatch], text: str) -> tuple[TermMatch, ...]:
    """The matches whose targets stand in a translation less often than in its source; capitals and endings aside."""
    missing: list[TermMatch] = []
    counted: Counter[str] = Counter()
    for match in matches:
        counted[match.target] += 1
        if len(_found(match.target, text)) < counted[match.target]:
            missing.append(match)
    return tuple(missing)


def _found(target: str, text: str) -> list[Span]:
    """Where a term stands as a word, perhaps with an ending; as it is written, or with a capital that it lacks."""
    found: list[Span] = []
    forms = (target, target[0].upper() + target[1:])
    bounds = (
        target[0].isalnum() and not _stands_alone(target[0]),
        target[-1].isalnum() and not _stands_alone(target[-1]),
    )
    place = text.find(target[1:], 1) - 1
    while place >= 0:
        stop = place + len(target)
        after = stop
        while bounds[1] and after < len(text) and _in_word(text[after]):
            after += 1
        inside = bounds[0] and place > 0 and _in_word(text[place - 1])
        if text[place:stop] in forms and not inside and (after == stop or text[stop:after] in all_endings()):
            found.append(Span(place, stop))
        place = text.find(target[1:], max(stop, place + 2)) - 1
    return found


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


@lru_cache(maxsize=256)
def _stands_alone(character: str) -> bool:
    """Whether words are written without spaces in its script."""
    return len(split_words(character * 2)) == 2


def _at_start(target: str, translation: str, span: Span) -> str:
    """With a capital where it begins the sentence and what it replaces had one, unless it has capitals of its own."""
    begins = not any(map(str.isalnum, translation[: span.start]))
    if begins and translation[span.start].isupper() and target == target.lower():
        return target[0].upper() + target[1:]
    return target


class _Words:
    """The words of a translation, and what share of each comes from where."""

    def __init__(self, translation: str, links: TokenLinks) -> None:
        self._links = links
        self._ends = [number for number, token in enumerate(links.source) if token.start == token.stop]
        self._spans = [span for span in split_words(translation) if is_word(translation, span)]
        self._rows: list[list[int]] = [[] for _ in self._spans]
        word = 0
        for row, token in sorted(enumerate(links.target), key=lambda one: one[1]):
            while word < len(self._spans) and self._spans[word].stop <= token.start:
                word += 1
            reached = word
            while token.stop > token.start and reached < len(self._spans) and self._spans[reached].start < token.stop:
                self._rows[reached].append(row)
                reached += 1

    def translating(self, source: Span) -> Span | None:
        """The stretch of whole words that translates a span of the sentence; None: it is not clear."""
        columns = [
            number
            for number, token in enumerate(self._links.source)
            if token.start < source.stop and source.start < token.stop
        ]
        shares = [self._shares(rows, columns) for rows in self._rows]
        means = [sum(own) / len(own) if own else 0.0 for own in shares]
        stretches: list[list[int]] = []
        for number in [number for number, mean in enumerate(means) if mean >= _OWN]:
            if stretches and all(means[other] >= _BETWEEN for other in range(stretches[-1][-1] + 1, number)):
                stretches[-1].append(number)
            else:
                stretches.append([number])
        clear = [own for own in stretches if all(min(shares[number]) >= _PIECE for number in own)]
        if not clear:
            return None
        # Models repeat themselves: of several places the heaviest.
        chosen = max(clear, key=lambda own: sum(means[number] for number in own))
        return Span(self._spans[chosen[0]].start, self._spans[chosen[-1]].stop)

    def _shares(self, rows: Sequence[int], columns: Sequence[int]) -> list[float]:
        """Of each token, what part of its weight on words (not on the end symbol) is on these source tokens."""
        shares: list[float] = []
        for row in rows:
            weights = self._links.weights[row]
            total = math.fsum(weights) - math.fsum(weights[column] for column in self._ends)
            shares.append(math.fsum(weights[column] for column in columns) / total if total > 0 else 0.0)
        return shares


def _written(
    translation: str, links: TokenLinks, edits: Sequence[tuple[Span, str]], still_open: tuple[TermMatch, ...]
) -> PlacedTerms:
    pieces: list[str] = []
    spans: list[tuple[Span, Span]] = []
    done = length = 0
    for span, target in edits:
        pieces += (translation[done : span.start], target)
        start = length + span.start - done
        length = start + len(target)
        spans.append((span, Span(start, length)))
        done = span.stop
    pieces.append(translation[done:])
    return PlacedTerms("".join(pieces), _moved(links, spans), still_open, tuple(spans))


def _moved(links: TokenLinks, edits: Sequence[tuple[Span, Span]]) -> TokenLinks:
    """The alignment of the text now: tokens that were written over are one, with the mean of their weights."""
    merged: dict[int, list[int]] = defaultdict(list)
    tokens: list[tuple[Span, list[int]]] = []
    shift = edit = 0
    for row, token in enumerate(links.target):
        while edit < len(edits) and edits[edit][0].stop <= token.start:
            shift += (edits[edit][1].stop - edits[edit][1].start) - (edits[edit][0].stop - edits[edit][0].start)
            edit += 1
        if edit < len(edits) and edits[edit][0].start < token.stop and token.start < edits[edit][0].stop:
            merged[edit].append(row)
            if len(merged[edit]) == 1:
                tokens.append((edits[edit][1], merged[edit]))
        else:
            tokens.append((Span(token.start + shift, token.stop + shift), [row]))
    weights = tuple(
        tuple(sum(column) / len(rows) for column in zip(*(links.weights[row] for row in rows), strict=True))
        for _, rows in tokens
    )
    return replace(links, target=tuple(span for span, _ in tokens), weights=weights)
