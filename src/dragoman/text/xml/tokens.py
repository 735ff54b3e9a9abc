"""XML in tokens that are stretches of the source. No entity is expanded and nothing is fetched; linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

__all__ = ["Kind", "Token", "attributes_of", "tokenize"]


class Kind(Enum):
    TEXT = auto()
    START = auto()
    EMPTY = auto()
    END = auto()
    CDATA = auto()
    OTHER = auto()
    """Comments and processing instructions."""
    BREAK = auto()
    """The document type, and what is no XML: up to the next ``>``."""


class Token(NamedTuple):
    """``source[start:stop]``, and the name of a tag."""

    kind: Kind
    start: int
    stop: int
    name: str = ""


_TAG = re.compile(r"""<(/?)([^\s/>!?<"'=]++)(?:[^>"'/<]++|"[^"<]*+"|'[^'<]*+'|/(?!>))*+(/?)>""")
_DOCTYPE = re.compile(
    r"""<!DOCTYPE(?:[^\[>"']++|"[^"]*+"|'[^']*+')*+"""
    r"""(?:\[(?:[^\]"'<]++|"[^"]*+"|'[^']*+'|<!--(?:[^-]|-(?!->))*+-->|<\?(?:[^?]|\?(?!>))*+\?>|<)*+\]\s*+)?+>"""
)
_ATTRIBUTE = re.compile(r"""([^\s=/>"']++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""")
_ENDS = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}


def tokenize(source: str) -> Iterator[Token]:
    """All of the source, in order."""
    place = text = 0
    absent: set[str] = set()
    while (place := source.find("<", place)) >= 0:
        token = _token_at(source, place, absent)
        if token is None:
            place += 1
            continue
        if text < place:
            yield Token(Kind.TEXT, text, place)
        yield token
        place = text = token.stop
    if text < len(source):
        yield Token(Kind.TEXT, text, len(source))


def _token_at(source: str, place: int, absent: set[str]) -> Token | None:
    for begin, end in _ENDS.items():
        if source.startswith(begin, place):
            stop = -1 if end in absent else source.find(end, place + len(begin))
            if stop < 0:
                absent.add(end)  # not searched for again
                return _broken(source, place, absent)
            return Token(Kind.CDATA if begin == "<![CDATA[" else Kind.OTHER, place, stop + len(end))
    if source.startswith("<!", place):
        doctype = None if "DOCTYPE" in absent else _DOCTYPE.match(source, place)
        if doctype is None:
            absent.add("DOCTYPE")
            return _broken(source, place, absent)
        return Token(Kind.BREAK, place, doctype.end())
    found = _TAG.match(source, place)
    if found is not None:
        kind = Kind.END if found[1] else Kind.EMPTY if found[3] else Kind.START
        return Token(kind, place, found.end(), found[2])
    return _broken(source, place, absent) if source[place + 1 : place + 2].strip(" \t\r\n<>=") else None


def _broken(source: str, place: int, absent: set[str]) -> Token:
    """What would be a tag or a declaration if it were whole: up to the next ``>``, or the next ``<``."""
    close = source.find(">", place) + 1 if ">" not in absent else 0
    if not close:
        absent.add(">")
    following = source.find("<", place + 1)
    stop = min(one for one in (close or len(source), following if following > 0 else len(source)))
    return Token(Kind.BREAK, place, stop)


def attributes_of(source: str, token: Token) -> Iterator[tuple[str, int, int]]:
    """Of a start tag each attribute's name and where its value is."""
    for found in _ATTRIBUTE.finditer(source, token.start + 1 + len(token.name), token.stop):
        yield found[1], *found.span(2 if found[2] is not None else 3)
