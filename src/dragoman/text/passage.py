"""A text to the sentences that models read, and their translations back to a text: pure functions around a model.

Whatever translates (a translator, a service, a route of several models) reads a passage, has its lines translated in
any order, equal ones once, and lets the passage write the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dragoman.options import DecodingOptions
from dragoman.result import Span, Translation
from dragoman.text.composing import Part, Shift, compose
from dragoman.text.dialogue import PlannedLine
from dragoman.text.joints import gap_between
from dragoman.text.lines import realigned
from dragoman.text.reading import Reading
from dragoman.text.sentences import has_letters, split_sentences

__all__ = ["Passage", "PlainPassage", "WholePassage", "read_plain"]


class Passage(Protocol):
    """A text, taken apart."""

    @property
    def source(self) -> str:
        """The text, clean."""
        ...

    @property
    def lines(self) -> Sequence[PlannedLine]:
        """What a model has to read, in order."""
        ...

    def write(self, translated: Sequence[Translation], options: DecodingOptions) -> Translation:
        """The translation of the text.

        Args:
            translated: of each of the `lines`.
            options: of the call: what they ask for beside the alignments of lines that need them.
        """
        ...


@dataclass(frozen=True, slots=True)
class WholePassage:
    """A text that is one line. ``exact``: what the model answers is its translation, whatever it is."""

    source: str
    exact: bool = False

    @property
    def lines(self) -> tuple[PlannedLine, ...]:
        return (PlannedLine(self.source, exact=self.exact),)

    def write(self, translated: Sequence[Translation], options: DecodingOptions) -> Translation:
        return realigned(translated[0], options)


@dataclass(frozen=True, slots=True)
class PlainPassage:
    """A text without marks.

    Attributes:
        spans: of its sentences.
        read: whether a model reads it; else it is copied.
    """

    source: str
    spans: tuple[Span, ...]
    read: tuple[bool, ...]

    @property
    def lines(self) -> tuple[PlannedLine, ...]:
        chosen = zip(self.spans, self.read, strict=True)
        return tuple([PlannedLine(self.source[start:stop]) for (start, stop), read in chosen if read])

    def write(self, translated: Sequence[Translation], options: DecodingOptions) -> Translation:
        translated = [realigned(line, options) for line in translated]
        ranks = max((len(line.n_best) for line in translated), default=1)
        written = [self._written(translated, rank) for rank in range(ranks)]
        lines = iter(translated)
        parts = [
            Part(source, target, next(lines) if read else None, Shift(source.start), place)
            for source, read, (target, place) in zip(self.spans, self.read, written[0][1], strict=True)
        ]
        ranked = [
            (text, [place for (_, place), read in zip(places, self.read, strict=True) if read])
            for text, places in written
        ]
        return compose(self.source, parts, ranked, options)

    def _written(self, translated: Sequence[Translation], rank: int) -> tuple[str, list[tuple[Span, Shift]]]:
        """The text by hypotheses of one rank; of each sentence where it stands in it, and where its characters do."""
        lines = iter(translated)
        pieces: list[str] = []
        places: list[tuple[Span, Shift]] = []
        at, end, left, same = 0, 0, "", True
        for (start, stop), read in zip(self.spans, self.read, strict=True):
            source, gap = self.source[start:stop], self.source[end:start]
            found = _of_rank(next(lines), rank) if read else source
            target = found.strip()
            copied = target == source
            if places:
                gap = gap_between(gap, left, target, copied=copied and same)
            pieces += (gap, target)
            at += len(gap)
            places.append((Span(at, at + len(target)), Shift(at - (len(found) - len(found.lstrip())))))
            at, end, left, same = at + len(target), stop, target, copied
        pieces.append(self.source[end:])
        return "".join(pieces), places


def _of_rank(line: Translation, rank: int) -> str:
    return line.n_best[min(rank, len(line.n_best) - 1)].text


def read_plain(text: str, reading: Reading) -> Passage:
    """Take a text without marks apart.

    Args:
        text: clean.
        reading: how.
    """
    if reading.split == "none":
        return WholePassage(text, exact=True)
    spans = split_sentences(text, reading.split, reading.language)
    read = tuple([has_letters(text[start:stop]) for start, stop in spans])
    if read == (True,) and spans[0] == (0, len(text)):
        return WholePassage(text)
    return PlainPassage(text, tuple(spans), read)
