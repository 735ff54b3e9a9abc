"""One block: its sentences to lines, and their translations back to the block's translation with its codes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dragoman.options import Split
from dragoman.result import Span, Translation
from dragoman.text.codes import AlignedPart, CodedText, TokenLinks
from dragoman.text.joints import gap_between
from dragoman.text.linking import token_links
from dragoman.text.projection import project
from dragoman.text.protect import Keep, Protection, find_protected
from dragoman.text.sentences import has_letters, split_sentences
from dragoman.text.stand_ins import Replacement, Restored, Substituted, restore, substitute

__all__ = ["CodedBlock", "Placed", "TranslatedBlock", "read_block"]

_UNSEEN = frozenset((Protection.EMOJI, Protection.SYMBOL))
"""A model does not see these: it would say something about them."""
_STAND_IN = "John"
"""Models need not copy it, only look at it: what it becomes is overwritten. Few words are as well known to all of them,
or keep a sentence as fluent."""


@dataclass(frozen=True, slots=True)
class CodedBlock:
    """A block as a model reads it. Spans are in its text with stand-ins.

    Attributes:
        substituted: with stand-ins for what is copied.
        spans: of the sentences.
        read: whether a model reads them; else they are copied.
        linked: whether there are codes in them, whose places need an alignment.
    """

    substituted: Substituted
    spans: tuple[Span, ...]
    read: tuple[bool, ...]
    linked: tuple[bool, ...]

    @property
    def text(self) -> str:
        return self.substituted.coded.text

    def translate(self, lines: Iterator[Translation]) -> TranslatedBlock:
        """Put the translations together, and the codes into them. Takes as many lines as are read."""
        text, placed = self._joined(lines)
        projected = project(self.substituted.coded, text, list(self._parts(placed, text)))
        warnings = tuple(map(self.substituted.readable, projected.warnings))
        return TranslatedBlock(restore(projected.coded, self.substituted), tuple(placed), warnings)

    def _joined(self, lines: Iterator[Translation]) -> tuple[str, list[Placed]]:
        pieces: list[str] = []
        placed: list[Placed] = []
        at, end, left, same = 0, 0, "", True
        for (start, stop), read in zip(self.spans, self.read, strict=True):
            source, gap = self.text[start:stop], self.text[end:start]
            line = next(lines) if read else None
            found = source if line is None else line.text
            target = found.strip()
            copied = target == source
            if placed:
                gap = gap_between(gap, left, target, copied=copied and same)
            pieces += (gap, target)
            at += len(gap)
            placed.append(Placed(Span(start, stop), Span(at, at + len(target)), line, len(found) - len(found.lstrip())))
            at, end, left, same = at + len(target), stop, target, copied
        pieces.append(self.text[end:])
        return "".join(pieces), placed

    def _parts(self, placed: Sequence[Placed], text: str) -> Iterator[AlignedPart]:
        """Sentences and gaps, without anything between them."""
        source = target = 0
        for one in placed:
            if (source, target) != (one.source.start, one.target.start):
                yield AlignedPart(Span(source, one.source.start), Span(target, one.target.start))
            yield AlignedPart(one.source, one.target, one.links())
            source, target = one.source.stop, one.target.stop
        if (source, target) != (len(self.text), len(text)):
            yield AlignedPart(Span(source, len(self.text)), Span(target, len(text)))


@dataclass(frozen=True, slots=True)
class Placed:
    """A sentence in a block and in its translation, both with stand-ins.

    Attributes:
        line: what a model said; None: it was copied.
        led: white space before the line's translation, which was left out.
    """

    source: Span
    target: Span
    line: Translation | None
    led: int

    def links(self) -> TokenLinks | None:
        links = None if self.line is None else token_links(self.line)
        if links is None or not self.led:
            return links
        most = self.target.stop - self.target.start
        moved = [Span(*(min(max(0, edge - self.led), most) for edge in span)) for span in links.target]
        return replace(links, target=tuple(moved))


@dataclass(frozen=True, slots=True)
class TranslatedBlock:
    """A block's translation.

    Attributes:
        restored: with its codes, and without stand-ins.
        placed: the sentences.
        warnings: what could not be kept.
    """

    restored: Restored
    placed: tuple[Placed, ...]
    warnings: tuple[str, ...]


def read_block(coded: CodedText, split: Split, language: str, keep: Keep) -> CodedBlock:
    """Find what is copied, and the sentences.

    Args:
        coded: of a format.
        split, language, keep: as of `dragoman.text.reading.Reading`.
    """
    replacements = [
        Replacement(one.span, coded.text[one.span.start : one.span.stop], "" if one.kind in _UNSEEN else _STAND_IN)
        for one in find_protected(coded.text, keep)
    ]
    substituted = substitute(coded, replacements)
    text = substituted.coded.text
    spans = split_sentences(text, split, language)
    ats = [code.at for code in substituted.coded.codes]
    return CodedBlock(
        substituted,
        tuple(spans),
        tuple(_needs_model(text, span, substituted) for span in spans),
        tuple(bisect_right(ats, stop) > bisect_left(ats, start) for start, stop in spans),
    )


def _needs_model(text: str, span: Span, substituted: Substituted) -> bool:
    """Whether there are letters outside of stand-ins."""
    first = bisect_right(substituted.places, span.start, key=lambda place: place.stop)
    done = span.start
    for place in substituted.places[first:]:
        if place.start >= span.stop:
            break
        if has_letters(text[done : place.start]):
            return True
        done = place.stop
    return has_letters(text[done : span.stop])
