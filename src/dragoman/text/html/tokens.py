"""HTML in tokens that are stretches of the source: nothing is decoded, repaired or dropped.

Follows the tokenizer of the HTML Standard (13.2.5) where that decides what a browser shows; a tag that the end of the
text cuts off is one token to the end. Linear time on any input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

__all__ = ["Kind", "Token", "attributes_of", "tokenize"]


class Kind(Enum):
    TEXT = auto()
    START = auto()
    END = auto()
    RAW = auto()
    """The text of an element whose content is no markup."""
    TORN = auto()
    """A tag, comment or declaration that never ends, up to the end of the text; a tag in which a quote begins that
    never ends, up to its ``>`` (a browser shows nothing of what follows)."""
    OTHER = auto()
    """Comments, declarations, processing instructions, CDATA, and what is no token at all."""


class Token(NamedTuple):
    """``source[start:stop]``. The name of a tag is in lower case; others have none. ``closed``: it ends in ``/>``."""

    kind: Kind
    start: int
    stop: int
    name: str = ""
    closed: bool = False


_ATTRIBUTE = r"""[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|(?!["'])[^\s>]*+))?+"""
_TAG = re.compile(rf"""</?([A-Za-z][^\s/>]*+)(?:[\s/]++|(?!=\s*["']){_ATTRIBUTE})*+>""")
_TORN_TAG = re.compile(rf"</?[A-Za-z][^\s/>]*+(?:[\s/]++|{_ATTRIBUTE})*+>")
_ATTRIBUTE_PARTS = re.compile(
    r"""([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|(?!["'])([^\s>]*+)))?+""",
)
_COMMENT_END = re.compile(r"--!?>")
_RAW = frozenset(("script", "style", "textarea", "title", "iframe", "noembed", "noframes", "noscript", "xmp"))
_FOREIGN = frozenset(("svg", "math"))
_SCRIPT_MARKS = re.compile(r"<!--|-->|<(/?)script[\s/>]", re.IGNORECASE)


def tokenize(source: str, *, self_closing: bool = False) -> Iterator[Token]:
    """All of the source, in order.

    Args:
        self_closing: ``<script/>`` has no content, as in XHTML.
    """
    place = text = 0
    foreign = 0  # depth of svg and math
    searches = _Searches(source)
    while (place := source.find("<", place)) >= 0:
        token = _token_at(source, place, searches)
        if token is None:
            place += 1
            continue
        if text < place:
            yield Token(Kind.TEXT, text, place)
        yield token
        place = text = token.stop
        if token.kind is Kind.END:
            foreign -= foreign > 0 and token.name in _FOREIGN
        elif token.kind is Kind.START:
            if token.name in _FOREIGN:
                foreign += not token.closed
            elif token.name in _RAW and not foreign and not (token.closed and self_closing):
                place = text = _raw_end(source, place, token.name)
                if token.stop < place:
                    yield Token(Kind.RAW, token.stop, place)
            elif token.name == "plaintext":
                break
    if text < len(source):
        yield Token(Kind.TEXT, text, len(source))


class _Searches:
    """Finds what ends a token; what was not found once is not searched for again."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._absent: set[str] = set()

    def after(self, wanted: str, start: int) -> int | None:
        """The offset behind the next ``wanted``."""
        found = -1 if wanted in self._absent else self._source.find(wanted, start)
        if found < 0:
            self._absent.add(wanted)
            return None
        return found + len(wanted)


def _token_at(source: str, place: int, searches: _Searches) -> Token | None:
    """What begins at a ``<``; None if that is text."""
    following = source[place + 1 : place + 2]
    tail = source[place + 2 : place + 3]
    if following.isascii() and following.isalpha():
        return _tag(source, place, Kind.START)
    if following == "/" and tail.isascii() and tail.isalpha():
        return _tag(source, place, Kind.END)
    if following == "!":
        return _other(source, place, _declaration_end(source, place, searches))
    if following == "?" or (following == "/" and tail):
        return _other(source, place, searches.after(">", place))
    return None


def _other(source: str, place: int, end: int | None) -> Token:
    return Token(Kind.TORN, place, len(source)) if end is None else Token(Kind.OTHER, place, end)


def _tag(source: str, place: int, kind: Kind) -> Token:
    found = _TAG.match(source, place)
    if found is None:
        torn = _TORN_TAG.match(source, place)
        return Token(Kind.TORN, place, torn.end() if torn else len(source))
    return Token(kind, place, found.end(), found[1].lower(), source[found.end() - 2] == "/")


def _declaration_end(source: str, place: int, searches: _Searches) -> int | None:
    if source.startswith("<!--", place):
        for short in ("<!-->", "<!--->"):
            if source.startswith(short, place):
                return place + len(short)
        found = _COMMENT_END.search(source, place + 4)
        return found.end() if found else None
    if source.startswith("<![CDATA[", place):
        end = searches.after("]]>", place)
        if end is not None:
            return end
    return searches.after(">", place)


def _raw_end(source: str, place: int, name: str) -> int:
    """Where the end tag of an element without markup begins."""
    if name != "script":
        found = re.compile(rf"</{name}[\s/>]", re.IGNORECASE).search(source, place)
        return found.start() if found else len(source)
    comment = script = False
    for mark in _SCRIPT_MARKS.finditer(source, place):
        if mark.group() == "<!--":
            comment = True
        elif mark.group() == "-->":
            comment = script = False
        elif not mark[1]:
            script = comment
        elif not script:
            return mark.start()
        else:
            script = False
    # A comment that never ends hides nothing but the end of the element: browsers lose the page, we need not.
    found = re.compile(r"</script[\s/>]", re.IGNORECASE).search(source, place)
    return found.start() if found else len(source)


def attributes_of(source: str, token: Token) -> Iterator[tuple[str, int, int, str]]:
    """Of a start tag each attribute: name in lower case, where its value is, and the quote around it.

    A value that is not quoted has the quote ``""``; one that is missing is an empty stretch behind the name.
    """
    begin = token.start + 1 + len(token.name)
    for found in _ATTRIBUTE_PARTS.finditer(source, begin, token.stop - 1):
        group = next((group for group in (2, 3, 4) if found[group] is not None), 1)
        start, stop = found.span(group) if group > 1 else (found.end(), found.end())
        yield found[1].lower(), start, stop, ("", "", '"', "'", "")[group]
