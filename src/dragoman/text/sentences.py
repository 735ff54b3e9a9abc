"""A text to the sentences in it, by what a line means and by the rules of its language; nothing else is touched.

Joining the spans and what lies between them gives the text. Between sentences stands only white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from dragoman.options import Split
from dragoman.result import Span
from dragoman.text.boundaries import sentence_ends

__all__ = ["Splitter", "has_letters", "split_sentences"]

_LINE = re.compile(r"[^\n]+")
_PARAGRAPH = re.compile(r"[^\n\r\v\f\x85\u2028\u2029]+")
_WRAPPED_END = re.compile(r"(?:\r?\n){2,}|\r{2,}|[\f\u2029]+")
_LETTER = re.compile(r"[^\W\d_]")


class Splitter(Protocol):
    """Finds where the sentences of one paragraph end: offsets behind each but the last, ascending."""

    def __call__(self, text: str, language: str, /) -> list[int]: ...


_BULLET = re.compile(r"\s*[-*\u2013\u2014\u2022\u00b7\u2023\u25aa\u25e6][ \t\u00a0]+(?=\S)")
"""What an item of a list or a line of a dialogue begins with."""


def has_letters(text: str) -> bool:
    """Whether there is a letter of any script: what has none is copied, a model would only babble."""
    return _LETTER.search(text) is not None


def split_sentences(text: str, split: Split, language: str = "", splitter: Splitter = sentence_ends) -> list[Span]:
    """The sentences, in order. None is empty, none begins or ends with white space.

    Args:
        text: any.
        split: what lines mean in it.
        language: of the text, such as "de" or "pt-BR"; "" if unknown: then only the abbreviations that languages share
            are spared.
        splitter: the rules.
    """
    primary = language.replace("_", "-").partition("-")[0].lower()
    spans: list[Span] = []
    for start, stop in _units(text, split):
        first = start
        if split in ("paragraph", "wrapped_text"):
            marker = _BULLET.match(text, start, stop)
            if marker is not None and _LETTER.search(text, marker.end(), stop):  # stays: models make words of it
                first = start = marker.end()
            for end in splitter(text[start:stop], primary):
                _add(spans, text, first, start + end)
                first = start + end
        _add(spans, text, first, stop)
    return spans


def _units(text: str, split: Split) -> Iterator[tuple[int, int]]:
    """What is read on its own."""
    if split == "none":
        yield 0, len(text)
    elif split == "wrapped_text":
        start = 0
        for match in _WRAPPED_END.finditer(text):
            yield start, match.start()
            start = match.end()
        yield start, len(text)
    else:
        for match in (_LINE if split == "sentence" else _PARAGRAPH).finditer(text):
            yield match.span()


def _add(spans: list[Span], text: str, start: int, stop: int) -> None:
    """Without the white space around it, if anything is left."""
    while start < stop and text[start].isspace():
        start += 1
    while start < stop and text[stop - 1].isspace():
        stop -= 1
    if start < stop:
        spans.append(Span(start, stop))
