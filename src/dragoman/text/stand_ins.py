"""Words that stand in a text for what must come through exactly, and the way back.

What is not translated (`dragoman.text.protect`) and terms whose translation is given (`dragoman.text.glossary`) become
EMPTY codes: the model reads the stand-in, the projection finds its place in the translation, and `restore` writes there
what belongs there. The codes' ``raw`` are keys, not texts: a format has to escape a text, which it is again after
`restore`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dragoman.text.codes import Code, CodedText, CodeKind, Span
from dragoman.text.words import has_no_spaces

__all__ = ["Replacement", "Restored", "Substituted", "restore", "substitute"]

_KEY = "\x00stand-in {}\x00"


@dataclass(frozen=True, slots=True)
class Replacement:
    """One span of a text.

    Attributes:
        span: in the text; not empty.
        result: what is written in the translation.
        stand_in: what the model reads; empty: nothing, only the place is kept.
    """

    span: Span
    result: str
    stand_in: str


@dataclass(frozen=True, slots=True)
class Substituted:
    """A text with stand-ins.

    Attributes:
        coded: what the model reads, with a code for each replacement that was made.
        made: those replacements, ascending.
        places: of each its span in ``coded.text``: where its stand-in is.
    """

    coded: CodedText
    made: tuple[Replacement, ...]
    places: tuple[Span, ...]
    _spaced: tuple[tuple[bool, bool], ...] = ()

    def source_of(self, span: Span) -> Span:
        """A span of the text with stand-ins as one of the text before; one that cuts a stand-in takes all of it."""
        return Span(self._before(span.start, stop=False), self._before(span.stop, stop=True))

    def readable(self, text: str) -> str:
        """A text, such as a warning, with what is copied in the place of its key."""
        for number, one in enumerate(self.made):
            text = text.replace(_KEY.format(number), one.result)
        return text

    def _before(self, offset: int, *, stop: bool) -> int:
        number = bisect_left(self.places, (offset, -1)) - 1
        if number < 0:
            return offset
        place, span = self.places[number], self.made[number].span
        if offset < place.stop:
            return span.stop if stop else span.start
        return offset - place.stop + span.stop


@dataclass(frozen=True, slots=True)
class Restored:
    """A translation with the results in it.

    Attributes:
        coded: without the codes of `substitute`.
        places: of each replacement its span in ``coded.text``; None if its code is not there.
        edges: offsets in the translation with stand-ins and in this one that belong together, ascending: where
            stand-ins begin and end. Between them the texts are equal.
    """

    coded: CodedText
    places: tuple[Span | None, ...]
    edges: tuple[tuple[int, int], ...] = ()


def substitute(coded: CodedText, replacements: Sequence[Replacement]) -> Substituted:
    """Put stand-ins into a text.

    Args:
        coded: any.
        replacements: ascending, without overlap. One with a code inside it, or inside another stand-in, is left out.
    """
    ats = [code.at for code in coded.codes]
    text, codes = _Writer(), list[Code]()
    made, places, spaced = list[Replacement](), list[Span](), list[tuple[bool, bool]]()
    done = passed = covered = 0  # characters and codes of ``coded`` so far, end of the last stand-in that was there
    for one in replacements:
        start, stop = one.span
        first = bisect_right(ats, start, lo=passed)
        covered = max([covered, *(code.at + code.width for code in coded.codes[passed:first])])
        if first < bisect_left(ats, stop, lo=first) or start < covered:
            continue
        codes += [replace(code, at=code.at - done + text.length) for code in coded.codes[passed:first]]
        text.put(coded.text[done:start])
        codes.append(Code(CodeKind.EMPTY, _KEY.format(len(made)), text.length, width=len(one.stand_in)))
        spaced.append((coded.text[max(start - 1, 0) : start].isspace(), coded.text[stop : stop + 1].isspace()))
        places.append(text.put(one.stand_in))
        made.append(one)
        done, passed = stop, first
    codes += [replace(code, at=code.at - done + text.length) for code in coded.codes[passed:]]
    text.put(coded.text[done:])
    return Substituted(CodedText(text.text(), tuple(codes)), tuple(made), tuple(places), tuple(spaced))


def restore(translated: CodedText, substituted: Substituted) -> Restored:
    """Write the results where the codes stand.

    A result gets a space on a side where it had one and would now touch a word: models do not always see it, or put
    something else there.

    Args:
        translated: a translation of ``substituted.coded`` with its codes, each stand-in still in the text.
        substituted: what it was made from.
    """
    if not substituted.made:
        return Restored(translated, ())
    numbers = {_KEY.format(number): number for number in range(len(substituted.made))}
    places: list[Span | None] = [None] * len(numbers)
    text, codes, edges = _Writer(), list[Code](), list[tuple[int, int]]()
    done = 0
    for code in translated.codes:
        at = max(code.at, done)  # what stands inside a stand-in comes behind it
        text.put(translated.text[done:at])
        done = at
        number = numbers.get(code.raw) if code.kind is CodeKind.EMPTY else None
        if number is None:
            codes.append(replace(code, at=text.length))
            continue
        before, after = substituted._spaced[number]
        if before and _touches(text.last):
            text.put(" ")
        edges.append((at, text.length))
        places[number] = text.put(substituted.made[number].result)
        done = min(max(at, code.at + code.width), len(translated.text))
        if after and _touches(translated.text[done : done + 1]):
            text.put(" ")
        edges.append((done, text.length))
    text.put(translated.text[done:])
    return Restored(CodedText(text.text(), tuple(codes)), tuple(places), tuple(edges))


def _touches(character: str) -> bool:
    """Whether it would run into a word, in a script that has spaces."""
    return character.isalnum() and not has_no_spaces(character)


class _Writer:
    """A text that grows."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.length = 0
        self.last = ""
        """The last character, or empty."""

    def put(self, part: str) -> Span:
        """Append; where it stands."""
        self._parts.append(part)
        start, self.length = self.length, self.length + len(part)
        self.last = part[-1:] or self.last
        return Span(start, self.length)

    def text(self) -> str:
        return "".join(self._parts)
