"""Where sentences end within one paragraph: the library `sentencex`, guarded, and what it gets wrong mended on top.

docs/decisions/0023-sentences.md says what was tried and measured. The library's traps: it panics (a BaseException)
where a capital letter, a white space other than a blank and a full stop meet; it is quadratic; it never ends a sentence
inside quotation marks or brackets, however far away they close, nor before a digit.
"""

# ruff: noqa: RUF001
from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence

from dragoman.text.abbreviations import ends_abbreviation

__all__ = ["sentence_ends"]

_log = logging.getLogger("dragoman")

_WINDOW = 4000
"""Characters given to the library at once."""
_CLOSING = "\"'”’»›)]}」』）〉》】］｝"
_CLOSING_BEFORE_SPACE = _CLOSING + "“‘"
_FULL = "。！？｡︒។៕။།༎።፧፨।॥؟۔։"
"""These end a sentence whatever follows, white space or not."""
_FULL_STOP = re.compile(f"[{_FULL}][{_FULL}!?…]*[{re.escape(_CLOSING)}]*")
_CANDIDATE = re.compile(r"[.!?…‼⁇⁈⁉;]\S{0,16}\s")
_PLAIN_STOP = re.compile(r"(?<=[.!?…])\s+(?=[^\W\d_a-z])")
_WORD = re.compile(r"\W{0,8}(\w{1,40})")
_MARKER = re.compile(r"(?:^\s*|[:;.!?)]\s+)(?:\d{1,4}|[^\W\d_]|[ivxIVX]{1,5})\.$")
"""Of a list."""
_MARKER_WIDTH = 12
_ENDS_WORD = re.compile(r"[^\W\d_]{4}[.?!]$")
"""Before a small letter a short word is rather an abbreviation that nobody listed; of a longer one a sentence ends."""
_FOLLOWING = re.compile(r"\s+(\S)")
_SPACED_CLOSING = re.compile(r"[ \u00a0\u202f](?:[»›”]|'')(?=\s)")
_QUOTE = re.compile(r"['‘’‚`](?:(?<!\w.)|(?!\w))")
_NO_LANGUAGE = "xx"
_NEUTRAL = re.compile(r"""["“”„«»‹›()\[\]{}「」『』（）〈〉《》]|[^\S ]""")
"""Marks that quote and enclose, and white space other than a blank."""
_NUMBER_AFTER = re.compile(r"[.!?…](?<=[^\d\s].) +\d")
_STAND_IN = "A"
"""For a digit that may begin a sentence: the library ends none before digits."""
_STUCK = tuple(",;:.!?%…)]}»›”")
"""What never begins a sentence."""


def sentence_ends(text: str, language: str) -> list[int]:
    """Offsets behind each sentence but the last, ascending; white space after a sentence is not looked at.

    Args:
        text: one paragraph; line feeds in it are white space.
        language: primary code; "" for none: then there are few abbreviations.
    """
    ends: list[int] = []
    start = 0
    for match in _FULL_STOP.finditer(text):
        if text.startswith(_STUCK, match.end()) or match.end() == len(text):
            continue
        ends += _spaced(text, start, match.end(), language)
        ends.append(match.end())
        start = match.end()
    ends += _spaced(text, start, len(text), language)
    return ends


def _spaced(text: str, start: int, stop: int, language: str) -> Iterator[int]:
    """Ends that white space follows, between two offsets."""
    while start < stop:
        last = min(start + _WINDOW, stop)
        kept = start
        # Most of what is translated is one sentence: it never reaches the library.
        found = _guarded(text[start:last], language) if _CANDIDATE.search(text, start, last) else ()
        for place in found:
            end = _behind_closing(text, start + place)
            if kept < end < last and _is_end(text, kept, end, language):
                kept = end
                yield end
        if last == stop:
            return
        # What the window's end cut in two is looked at again; a sentence of half a window is not.
        start = kept if kept > start + _WINDOW // 2 else last


def _guarded(text: str, language: str) -> Sequence[int]:
    """What the library says; by the simplest rule where it gives up."""
    import sentencex  # only where there is something to split

    masked = _masked(text)
    try:
        found = sentencex.get_sentence_boundaries(language or _NO_LANGUAGE, masked)
        return [_before_space(masked, int(entry["end_index"])) for entry in found]
    except BaseException as error:
        if type(error).__name__ != "PanicException" and not isinstance(error, Exception):
            raise
        _log.debug("sentencex gave up on a paragraph: %s", error)
        return [match.start() for match in _PLAIN_STOP.finditer(masked)]


def _masked(text: str) -> str:
    """A text of the same length without what the library stumbles over."""
    text = _QUOTE.sub(" ", _NEUTRAL.sub(" ", text))
    return _NUMBER_AFTER.sub(lambda match: match[0][:-1] + _STAND_IN, text)


def _before_space(text: str, end: int) -> int:
    end = min(end, len(text))
    while end and text[end - 1] == " ":
        end -= 1
    return end


def _behind_closing(text: str, end: int) -> int:
    """Marks that close a quotation or a bracket belong to the sentence, also behind a blank, as the French write."""
    while end < len(text) and text[end] in _CLOSING_BEFORE_SPACE:
        end += 1
    match = _SPACED_CLOSING.match(text, end)
    return match.end() if match else end


def _is_end(text: str, start: int, end: int, language: str) -> bool:
    """Mends: what the library takes for an end and is none. ``start``: of the sentence."""
    match = _FOLLOWING.match(text, end)
    if match is None or (match[1] in _STUCK and not text.startswith(",,", match.start(1))):
        return False
    word = _WORD.match(text, match.start(1))
    following = word[1] if word else ""
    stop = end
    while stop > start and text[stop - 1] in _CLOSING_BEFORE_SPACE:
        stop -= 1
    if following[:1].islower() and (stop < end or not match[1].isalpha() or not _ENDS_WORD.search(text, start, stop)):
        return False
    if stop - start < 2 or text[stop - 1] != "." or text[stop - 2] in ".!?…":
        return True
    marker = _MARKER.search(text[max(start, stop - _MARKER_WIDTH) : stop])
    return not (marker or ends_abbreviation(text, stop, following, language))
