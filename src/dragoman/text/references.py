"""Character references of HTML and XML: found in a source with their places, and written."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.entities import name2codepoint

__all__ = ["ESCAPES", "read_references", "read_xml_references"]

_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]{1,31};?)")

_XML_REFERENCE = re.compile(r"&(?:#(?:([0-9]{1,7})|x([0-9a-fA-F]{1,6}))|([A-Za-z_:][\w:.-]*));")

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


def read_xml_references(source: str, start: int, stop: int) -> Iterator[tuple[int, int, str | None]]:
    """A stretch of XML in pieces: offsets, and what they mean if that is not the characters themselves.

    Names are those of HTML 4, which documents declare. Other entities are pieces that mean "": what they are is said
    elsewhere, and not ours to expand.
    """
    place = start
    for found in _XML_REFERENCE.finditer(source, start, stop):
        decimal, hexadecimal, name = found.groups()
        if name:
            code = name2codepoint.get(name, ord("'") if name == "apos" else 0)
        else:
            code = int(decimal) if decimal else int(hexadecimal, 16)
        if place < found.start():
            yield place, found.start(), None
        is_character = 0 < code < 0x110000 and not 0xD800 <= code < 0xE000
        yield found.start(), found.end(), chr(code) if is_character else ""
        place = found.end()
    if place < stop:
        yield place, stop, None
