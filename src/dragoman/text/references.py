"""Character references of HTML and XML: found in a source with their places, and written."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

__all__ = ["ESCAPES", "read_references"]

_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]{1,31};?)")

ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
"""What text cannot contain as it is."""


def read_references(source: str, start: int, stop: int) -> Iterator[tuple[int, int, str | None]]:
    """A stretch in pieces: offsets, and what they mean if that is not the characters themselves."""
    place = start
    for found in _REFERENCE.finditer(source, start, stop):
        meant = html.unescape(found.group())
        if meant == found.group():
            continue
        if place < found.start():
            yield place, found.start(), None
        yield found.start(), found.end(), meant
        place = found.end()
    if place < stop:
        yield place, stop, None
