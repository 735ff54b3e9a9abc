"""One block: its sentences to lines, and their translations back to the block's translation with its codes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dragoman.result import Span, Translation
from dragoman.text.codes import AlignedPart, Code, CodedText
from dragoman.text.dialogue import STAND_INS, PlannedLine
from dragoman.text.glossary import TermMatch
from dragoman.text.joints import gap_between
from dragoman.text.linking import linked_parts
from dragoman.text.projection import project
from dragoman.text.protect import Keep, Protection, find_protected
from dragoman.text.reading import Reading
from dragoman.text.sentences import has_letters, split_sentences
from dragoman.text.stand_ins import Replacement, Restored, Substituted, restore, substitute

__all__ = ["CodedBlock", "Placed", "TranslatedBlock", "read_block"]

_UNSEEN = frozenset((Protection.EMOJI, Protection.SYMBOL))
"""A model does not see these: it would say something about them."""


@dataclass(frozen=True, slots=True)
class CodedBlock:
    """A block as a model reads it. Spans are in its text with stand-ins.

    Attributes:
        substituted: with stand-ins for what is copied.
        spans: of the sentences.
        lines: what a model reads of them; None: they are copied.
    """

    substituted: Substituted
    spans: tuple[Span, ...]
    lines: tuple[PlannedLine | None, ...]

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
        for (start, stop), planned in zip(self.spans, self.lines, strict=True):
            source, gap = self.text[start:stop], self.text[end:start]
            line = None if planned is None else next(lines)
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
            yield from one.parts()
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

    def parts(self) -> Iterator[AlignedPart]:
        """What is known of the places of its words."""
        if self.line is None:
            return iter((AlignedPart(self.source, self.target),))
        return linked_parts(self.line, self.source, self.target, self.led)


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


def read_block(coded: CodedText, reading: Reading) -> CodedBlock:
    """Find what is copied, the terms, and the sentences.

    Args:
        coded: of a format.
        reading: how.
    """
    substituted = substitute(coded, _replacements(coded, reading.copied))
    text = substituted.coded.text
    spans = split_sentences(text, reading.split, reading.language)
    terms = () if reading.terms is None else reading.terms.find(text, substituted.places)
    planned = []
    first = 0
    for span in spans:
        while first < len(terms) and terms[first].span.start < span.start:
            first += 1
        last = first
        while last < len(terms) and terms[last].span.stop <= span.stop:
            last += 1
        line = _planned(text, span, substituted.coded.codes)
        if line is not None and last > first:
            own = tuple(_moved(match, -span.start) for match in terms[first:last])
            line = replace(line, linked=True, terms=own, method=reading.method)
        planned.append(line)
        first = last
    return CodedBlock(substituted, tuple(spans), tuple(planned))


def _moved(match: TermMatch, by: int) -> TermMatch:
    return match._replace(span=Span(match.span.start + by, match.span.stop + by))


def _replacements(coded: CodedText, keep: Keep) -> list[Replacement]:
    text, ats = coded.text, {code.at for code in coded.codes}
    found: list[Replacement] = []
    done = 0
    for one in find_protected(text, keep):
        start, stop = one.span
        if one.kind not in _UNSEEN:
            found.append(Replacement(one.span, text[start:stop], STAND_INS[0]))
        else:
            # Of a blank on either side the model should see one.
            spaced = start > done and text[start - 1] == " " and (stop == len(text) or text[stop].isspace())
            start -= spaced and start not in ats
            found.append(Replacement(Span(start, stop), text[start:stop], ""))
        done = stop
    return found


def _planned(text: str, span: Span, codes: Sequence[Code]) -> PlannedLine | None:
    """What a model reads of a sentence: nothing, if there are no letters outside of stand-ins.

    Args:
        codes: of the block.
    """
    start, stop = span
    own = codes[bisect_left(codes, start, key=_place) : bisect_right(codes, stop, key=_place)]
    stand_ins = [Span(code.at - start, code.at - start + code.width) for code in own if code.width and code.at < stop]
    done, seen = start, False
    for first, last in stand_ins:
        seen = seen or has_letters(text[done : start + first])
        done = start + last
    if not (seen or has_letters(text[done:stop])):
        return None
    return PlannedLine(text[start:stop], bool(own), tuple(stand_ins))


def _place(code: Code) -> int:
    return code.at
