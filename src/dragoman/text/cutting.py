"""Where to cut a line that has more pieces than a model should read at once: a pure function over pieces."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.text.pieces import WORD_START

__all__ = ["Span", "cut"]

Span = tuple[int, int]
"""First piece, and the one after the last."""

_STRONG = tuple(".!?\u2026\u061f\u06d4\u0964")
_WEAK = tuple(",;:)]}\u2014\u2013\u00bb\u201d\u060c\u061b")
_STRONG_WITHOUT_SPACE = tuple("\u3002\uff01\uff1f\uff0e")
_WEAK_WITHOUT_SPACE = tuple("\uff0c\u3001\uff1b\uff1a\uff09\u300d\u300f")

_SENTENCE, _CLAUSE, _WORD = 3, 2, 1


def cut(pieces: Sequence[str], most: int, *, words: bool = False) -> list[Span]:
    """Cut into segments of at most ``most`` pieces. Together they are all of the pieces, in order.

    A segment ends behind the last sentence in the second half of what fits; else behind the last clause (a
    comma, a closing bracket); else between words, wherever the last one ends; else hard.

    Args:
        pieces: of one line, without the end symbol.
        most: at least 1.
        words: each piece is a word; else words start with U+2581.

    Returns:
        Spans, none empty; none for no pieces.
    """
    spans: list[Span] = []
    start = 0
    while len(pieces) - start > most:
        end = _end(pieces, start, most, words)
        spans.append((start, end))
        start = end
    if start < len(pieces):
        spans.append((start, len(pieces)))
    return spans


def _end(pieces: Sequence[str], start: int, most: int, words: bool) -> int:
    """Where the segment from ``start`` ends: above start, at most start + most."""
    best, best_place = 0, start + most
    middle = start + (most + 1) // 2
    for place in range(start + most, start, -1):
        if place < middle and best:
            break
        worth = _worth(pieces[place - 1], pieces[place], words)
        if place < middle:
            worth = min(worth, _WORD)  # so short a segment is not worth the punctuation
        if worth > best:
            best, best_place = worth, place
        if best == _SENTENCE:
            break
    return best_place


def _worth(before: str, after: str, words: bool) -> int:
    """How good a cut between two pieces is; 0 inside a word."""
    if before.endswith(_STRONG_WITHOUT_SPACE):
        return _SENTENCE
    if before.endswith(_WEAK_WITHOUT_SPACE):
        return _CLAUSE
    if not (words or after.startswith(WORD_START)):
        return 0
    if before.endswith(_STRONG):
        return _SENTENCE
    return _CLAUSE if before.endswith(_WEAK) else _WORD
