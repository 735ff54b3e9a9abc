"""Emphasis of CommonMark (0.31, 6.2 and the appendix): which runs of asterisks, underscores and tildes are pairs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Run", "find_pairs", "run_at"]


@dataclass(slots=True, eq=False)
class Run:
    """A run of one delimiter; ``start`` and ``stop`` are what is left of it.

    Attributes:
        opens, closes: whether it may.
        count: its length at first.
    """

    character: str
    start: int
    stop: int
    opens: bool
    closes: bool
    count: int

    @property
    def left(self) -> int:
        return self.stop - self.start


def _kind(character: str) -> int:
    """0: white space or nothing, 1: punctuation, 2: others."""
    if not character or character.isspace():
        return 0
    return 1 if unicodedata.category(character)[0] in "PS" else 2


def run_at(text: str, start: int) -> Run:
    """The run that begins at ``start``."""
    character = text[start]
    stop = start
    while stop < len(text) and text[stop] == character:
        stop += 1
    before, after = _kind(text[start - 1 : start] if start else ""), _kind(text[stop : stop + 1])
    left = after == 2 or (after == 1 and before < 2)
    right = before == 2 or (before == 1 and after < 2)
    if character == "_":
        opens, closes = left and (not right or before == 1), right and (not left or after == 1)
    elif character == "~":
        opens, closes = left and stop - start <= 2, right and stop - start <= 2
    else:
        opens, closes = left, right
    return Run(character, start, stop, opens, closes, stop - start)


def find_pairs(runs: Sequence[Run]) -> Iterator[tuple[int, int, int, int]]:
    """Start and stop of the begin and of the end of each pair. Linear time; uses the runs up."""
    before = list(range(-1, len(runs) - 1))  # links to the last run that still counts
    bottoms: dict[tuple[str, bool, int], int] = {}
    for number, closer in enumerate(runs):
        while closer.closes and closer.left:
            key = (closer.character, closer.opens, closer.count % 3)
            bottom = bottoms.get(key, -1)
            place = before[number]
            while place > bottom and not _match(runs[place], closer):
                place = before[place]
            if place <= bottom:
                bottoms[key] = before[number]
                break
            opener = runs[place]
            size = opener.left if closer.character == "~" else min(2, opener.left, closer.left)
            yield opener.stop - size, opener.stop, closer.start, closer.start + size
            opener.stop -= size
            closer.start += size
            before[number] = place if opener.left else before[place]
        if not (closer.opens and closer.left) and number + 1 < len(runs):
            before[number + 1] = before[number]


def _match(opener: Run, closer: Run) -> bool:
    if opener.character != closer.character or not opener.opens or not opener.left:
        return False
    if closer.character == "~":
        return opener.left == closer.left
    if opener.closes or closer.opens:
        return (opener.count + closer.count) % 3 != 0 or (opener.count % 3 == 0 and closer.count % 3 == 0)
    return True
