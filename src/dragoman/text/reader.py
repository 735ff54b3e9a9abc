"""Takes the texts of a call apart."""

from __future__ import annotations

from dragoman.text.formats import read_format
from dragoman.text.marked_passage import Unmarked, read_marked
from dragoman.text.passage import Passage, read_plain
from dragoman.text.pieces import clean
from dragoman.text.protect import find_protected
from dragoman.text.reading import Reading

__all__ = ["read_text"]


def read_text(text: str, reading: Reading) -> Passage:
    """Take a text apart, as plainly as it allows.

    Raises as `dragoman.text.formats.read_format`.
    """
    text = clean(text)
    if reading.format != "text":
        return read_marked(text, read_format(text, reading.format), reading)
    copied = reading.split != "none" and find_protected(text, reading.copied)
    if copied or reading.keep.patterns or (reading.terms is not None and reading.terms.find(text)):
        return read_marked(text, Unmarked(text), reading)
    return read_plain(text, reading)
