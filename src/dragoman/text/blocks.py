"""Gathers the text and the marks of one block, as a tokenizer finds them, and cuts off what is not the block's."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dragoman.text.codes import Code, CodedText, CodeKind, Span
from dragoman.text.format import Block, Places

__all__ = ["BlockBuilder"]

_SPACES = " \t\n\f\r"
_UNEVEN = re.compile(r"[\t\n\f\r]|  ")
_RUNS = re.compile(r"[ \t\n\f\r]+|[^ \t\n\f\r]+")


@dataclass(slots=True)
class _Mark:
    """A code on its way.

    Attributes:
        start, stop: of its bytes in the source.
        element: number that the two tags of an element share; -1 for others.
        after: what is written behind it: the white space that would be lost between it and its neighbour.
        raw: what is written for it, if not its bytes.
    """

    kind: CodeKind
    start: int
    stop: int
    at: int
    element: int = -1
    width: int = 0
    after: str = ""
    raw: str | None = None


class BlockBuilder:
    """One block at a time; `take` ends it.

    Args:
        source: whose bytes the marks are.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self.collapse = True
        """Whether runs of white space are one space, as in HTML outside ``pre``."""
        self._reset()

    def _reset(self) -> None:
        self._chars: list[str] = []
        self._starts: array[int] = array("I")
        self._stops: array[int] = array("I")
        self._marks: list[_Mark] = []

    def add_text(self, start: int, stop: int) -> None:
        """Characters of the source that stand for themselves."""
        text = self._source[start:stop]
        can_begin = not text.startswith(" ") or (bool(self._chars) and self._chars[-1] != " ")
        if not self.collapse or (can_begin and not _UNEVEN.search(text)):
            self._add_run(start, stop)
            return
        for run in _RUNS.finditer(self._source, start, stop):
            if run.group()[0] not in _SPACES:
                self._add_run(*run.span())
            elif self._chars and self._chars[-1] != " ":
                self._add(" ", *run.span())
            elif self._marks and self._marks[-1].kind is CodeKind.EMPTY and not self._marks[-1].width:
                self._marks[-1].after = " "

    def add_reference(self, text: str, start: int, stop: int) -> None:
        """Characters that the source spells in another way."""
        self._add(text, start, stop)

    def _add_run(self, start: int, stop: int) -> None:
        self._chars.extend(self._source[start:stop])
        self._starts.extend(range(start, stop))
        self._stops.extend(range(start + 1, stop + 1))

    def _add(self, text: str, start: int, stop: int) -> None:
        self._chars.extend(text)
        self._starts.extend([start] * len(text))
        self._stops.extend([stop] * len(text))

    def add_mark(self, kind: CodeKind, start: int, stop: int, element: int = -1, raw: str | None = None) -> None:
        """A tag or whatever else has no text. Two marks of one ``element`` are a pair.

        Args:
            raw: what is written for it in a translation; None: its bytes.
        """
        self._marks.append(_Mark(kind, start, stop, len(self._chars), element, raw=raw))

    def add_stand_in(self, shown: str, start: int, stop: int) -> None:
        """Something that is kept as it is, and that the model sees as ``shown``, which is not empty."""
        self._marks.append(_Mark(CodeKind.EMPTY, start, stop, len(self._chars), width=len(shown)))
        self._add(shown, start, stop)

    def take(self) -> Block | None:
        """The block, and begin the next one. None if there is nothing in it that could be translated.

        White space and marks at its edges are not in it, unless a pair reaches into it.
        """
        text, marks = "".join(self._chars), self._marks
        starts, stops = self._starts, self._stops
        self._reset()
        if not _has_own_text(text, marks):
            return None
        first, last = len(text) - len(text.lstrip()), len(text.rstrip())
        kept = _kept(marks, first, last)
        leading = bool(kept) and _is_leading(kept[0], first)
        trailing = bool(kept) and _is_trailing(kept[-1], last)
        first = min(first, kept[0].at) if leading else first
        last = max(last, kept[-1].at) if trailing else last
        span = Span(kept[0].start if leading else starts[first], kept[-1].stop if trailing else stops[last - 1])
        return Block(
            CodedText(text[first:last], self._codes(kept, first, last)),
            Places(starts[first:last], stops[first:last]),
            span,
        )

    def _codes(self, marks: Sequence[_Mark], first: int, last: int) -> tuple[Code, ...]:
        count = Counter(mark.element for mark in marks)
        return tuple(
            Code(
                kind=mark.kind,
                raw=(self._source[mark.start : mark.stop] if mark.raw is None else mark.raw) + mark.after,
                at=min(max(mark.at, first), last) - first,
                pair=mark.element if mark.element >= 0 and count[mark.element] == 2 else -1,
                width=mark.width,
            )
            for mark in marks
        )


def _has_own_text(text: str, marks: Sequence[_Mark]) -> bool:
    """Whether there is a letter outside the stand-ins."""
    place = 0
    for mark in marks:
        if mark.width:
            if any(map(str.isalpha, text[place : mark.at])):
                return True
            place = mark.at + mark.width
    return any(map(str.isalpha, text[place:]))


def _is_leading(mark: _Mark, first: int) -> bool:
    return mark.at <= first and not mark.width


def _is_trailing(mark: _Mark, last: int) -> bool:
    return mark.at >= last and not mark.width


def _kept(marks: Sequence[_Mark], first: int, last: int) -> Sequence[_Mark]:
    """The marks between the first and the last character of the text, and those at its edges whose pair needs them."""
    start = next((number for number, mark in enumerate(marks) if not _is_leading(mark, first)), len(marks))
    stop = len(marks)
    while stop > start and _is_trailing(marks[stop - 1], last):
        stop -= 1
    partners: dict[int, list[int]] = {}
    for number, mark in enumerate(marks):
        if mark.element >= 0:
            partners.setdefault(mark.element, []).append(number)
    new: Sequence[int] = range(start, stop)
    while new:  # each mark is looked at once
        reach = [partner for number in new for partner in partners.get(marks[number].element, ())]
        low, high = min([start, *reach]), max([stop - 1, *reach]) + 1
        new = [*range(low, start), *range(stop, high)]
        start, stop = low, high
    return marks[start:stop]
