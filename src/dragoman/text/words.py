"""Words of a text, and whatever else stands between white space: the units that inline codes wrap.

A unit is a run of letters, digits and their marks, with hyphens inside (``T-Shirt``) and apostrophes before an
ending (``don't``, but ``l'`` and ``eau``: French and Italian glue two words with it); one ideograph, or one cluster
of a script without spaces; one emoji with all that is joined to it; one other character. White space is no unit.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

from dragoman.text.codes import Span

__all__ = ["cut_words", "fuse", "has_no_spaces", "has_no_start", "is_word", "split_words"]

_SPACE, _WORD, _SINGLE, _MARK, _JOINER, _HYPHEN, _APOSTROPHE, _OTHER = range(8)
_ENDINGS = frozenset(("t", "s", "d", "m", "re", "ve", "ll"))
"""After an apostrophe: endings of an English word."""

_RARE = re.compile("['\xad\u02bc]|[^\0-\u02ff\u2013\u2014\u2018\u201a\u201c-\u201e\u2026\u20ac]")
_PLAIN = re.compile(r"\w+(?:-\w+)*|[^\w\s]")
"""Units of text that is Latin, and has neither apostrophes nor soft hyphens: a fast way for most text."""

_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # radicals
    (0x3040, 0x30FF),  # kana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


@lru_cache(maxsize=4096)
def _kind(character: str) -> int:
    if character.isspace():
        return _SPACE
    code = ord(character)
    if code == 0x200D:
        return _JOINER
    if character in "-\u2010\u2011":
        return _HYPHEN
    if character in "'\u2019\u02bc":
        return _APOSTROPHE
    category = unicodedata.category(character)
    if category[0] == "M" or 0x1F3FB <= code <= 0x1F3FF or category == "Cf":
        return _MARK
    if category[0] in "LN" or character == "_":
        return _SINGLE if any(first <= code <= last for first, last in _WITHOUT_SPACES) else _WORD
    return _OTHER


def split_words(text: str) -> list[Span]:
    """The units of a text, ascending, without overlaps. Linear time."""
    if not _RARE.search(text):
        return [Span(*found.span()) for found in _PLAIN.finditer(text)]
    return _split_any(text)


def _split_any(text: str) -> list[Span]:
    spans: list[Span] = []
    start, last = 0, _SPACE  # of the unit at work; _SPACE: there is none
    apostrophe = -1  # where the last one in the unit stands
    joined = False
    for place, character in enumerate(text):
        kind = _kind(character)
        if kind == _SPACE:
            if last != _SPACE:
                _end(text, spans, start, place, apostrophe)
            last, apostrophe, joined = _SPACE, -1, False
            continue
        if last != _SPACE and (kind in (_MARK, _JOINER) or joined):
            joined = kind == _JOINER
            continue
        if last == _WORD and (kind == _WORD or (kind in (_HYPHEN, _APOSTROPHE) and _is_letter_at(text, place + 1))):
            if kind == _APOSTROPHE:
                if apostrophe >= 0:
                    _end(text, spans, start, apostrophe + 1, -1)
                    start = apostrophe + 1
                apostrophe = place
            continue
        if last != _SPACE:
            _end(text, spans, start, place, apostrophe)
        start, last, apostrophe, joined = place, kind, -1, False
    if last != _SPACE:
        _end(text, spans, start, len(text), apostrophe)
    return spans


def _is_letter_at(text: str, place: int) -> bool:
    return place < len(text) and _kind(text[place]) == _WORD


def _end(text: str, spans: list[Span], start: int, stop: int, apostrophe: int) -> None:
    if apostrophe > start and text[apostrophe + 1 : stop].lower() not in _ENDINGS:
        spans.append(Span(start, apostrophe + 1))
        start = apostrophe + 1
    spans.append(Span(start, stop))


def is_word(text: str, span: Span) -> bool:
    """Whether a unit begins with a letter or a digit: it is no punctuation and no symbol."""
    return text[span.start].isalnum()


def has_no_start(character: str) -> bool:
    """Whether a character belongs to the one before it."""
    return _kind(character) in (_MARK, _JOINER)


def has_no_spaces(text: str) -> bool:
    """Whether a text is of scripts that put no spaces between words."""
    if text.isascii():
        return False
    return all(_kind(character) in (_SINGLE, _MARK) for character in text)


def fuse(words: Sequence[Span], whole: Sequence[Span]) -> list[Span]:
    """The words with each of ``whole`` as one unit; words that reach over its edge are cut there.

    Args:
        words: ascending.
        whole: ascending, without overlaps, none empty.
    """
    if not whole:
        return list(words)
    fused: list[Span] = []
    turn = 0
    for start, stop in words:
        while turn < len(whole) and whole[turn].stop <= start:
            turn = _take(whole, turn, fused)
        while turn < len(whole) and whole[turn].start < stop:
            if start < whole[turn].start:
                fused.append(Span(start, whole[turn].start))
            start = whole[turn].stop
            if start > stop:
                break
            turn = _take(whole, turn, fused)
        if start < stop and not (turn < len(whole) and whole[turn].start < start < whole[turn].stop):
            fused.append(Span(start, stop))
    fused.extend(whole[turn:])
    return fused


def _take(whole: Sequence[Span], turn: int, fused: list[Span]) -> int:
    fused.append(whole[turn])
    return turn + 1


def cut_words(words: Sequence[Span], span: Span) -> tuple[int, int]:
    """Numbers of the first word that a stretch of text touches, and of the one after its last."""
    first = bisect_left(words, span.start + 1, key=lambda word: word.stop)
    last = bisect_left(words, span.stop, key=lambda word: word.start)
    return first, max(first, last)
