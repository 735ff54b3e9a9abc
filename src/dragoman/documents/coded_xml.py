"""Segments of translation formats: text with native codes, as XLIFF and TMX write them."""

from __future__ import annotations

import html
from xml.sax.saxutils import escape

from dragoman.documents.inline import InlineText
from dragoman.documents.unit import Unit
from dragoman.documents.xml_elements import Element, XmlSource
from dragoman.text.xml.tokens import Kind

__all__ = ["CodedSegment"]

_PAIRS = frozenset({"g", "pc", "mrk", "hi"})
"""Elements around words. All others stand for codes of the original file, and what is in them is no text."""


class CodedSegment:
    """The content of a ``source`` or ``seg`` element.

    Attributes:
        unit: to be translated.
    """

    def __init__(self, xml: XmlSource, element: Element) -> None:
        self._marks: dict[int, tuple[str, str]] = {}
        inline, opened = InlineText(), []
        skip_to = -1
        stops = {one.tag: one.stop for one in xml.within(element)}
        for number in range(element.tag + 1, element.end):
            token = xml.tokens[number]
            if token.start < skip_to:
                continue
            piece = xml.source[token.start : token.stop]
            key = len(self._marks) + 1
            if token.kind is Kind.TEXT:
                inline.text(html.unescape(piece))
            elif token.kind is Kind.CDATA:
                inline.text(piece[9:-3])
            elif token.kind is Kind.START and token.name.rpartition(":")[2] in _PAIRS:
                self._marks[key] = (piece, f"</{token.name}>")
                opened.append(key)
                inline.open(key)
            elif token.kind is Kind.END:
                if opened:
                    inline.close(opened.pop())
            else:
                whole = stops.get(number, token.stop)
                self._marks[key] = (xml.source[token.start : whole], "")
                inline.alone(key)
                skip_to = whole
        self.unit: Unit = inline.unit()

    def write(self, translated: str) -> str:
        """The translation as XML, with the codes of the source."""
        written = ""
        for piece in InlineText.read(self.unit, translated):
            if isinstance(piece, str):
                written += escape(piece)
            else:
                written += self._marks.get(piece.key, ("", ""))[piece.kind == "close"]
        return written
