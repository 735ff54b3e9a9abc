"""OpenDocument text, presentations and sheets (ISO 26300): paragraphs are translated; styles and layout stay."""

from __future__ import annotations

import html
from collections.abc import Iterator
from xml.sax.saxutils import escape

from dragoman.documents.container import read_container
from dragoman.documents.encoding import declared_by_xml, read_text
from dragoman.documents.inline import InlineText
from dragoman.documents.parts import OfficeDocument, XmlPart
from dragoman.documents.runs import Dialect, Paragraph, Raw
from dragoman.documents.unit import Settings, Unit
from dragoman.documents.xml_elements import Element, XmlSource
from dragoman.errors import DocumentError
from dragoman.text.xml.tokens import Kind

__all__ = ["read_odt"]

_PARAGRAPHS = frozenset({"p", "h"})
_PAIRS = frozenset({"span", "a", "meta", "ruby-base"})
_HIDDEN = frozenset({"tracked-changes", "binary-data"})
_DIALECT = Dialect(paragraphs=_PARAGRAPHS, run="span", properties="", text="")


class _Spans(Paragraph):
    """A paragraph of OpenDocument: words stand directly in it, spans and links are pairs as they are."""

    __slots__ = ("_marks",)

    def __init__(self, element: Element, unit: Unit, marks: dict[int, tuple[int, int, int, int]]) -> None:
        super().__init__(element.inner, element.inner_stop, unit, "", _DIALECT, "")
        self._marks = marks

    def write(self, translated: str, raw: Raw) -> str:
        written = ""
        for piece in InlineText.read(self.unit, translated):
            if isinstance(piece, str):
                written += escape(piece)
            elif piece.key in self._marks:
                a, b, c, d = self._marks[piece.key]
                written += raw(c, d) if piece.kind == "close" else raw(a, b)
        return written


def read_odt(data: bytes, settings: Settings) -> OfficeDocument:
    """Text, headers, footers and notes. Raises DocumentError if the file cannot be read."""
    container = read_container(data)
    if "content.xml" not in container.names:
        raise DocumentError("the file holds no content.xml: it is no OpenDocument.")
    parts = []
    for name in ("content.xml", "styles.xml"):
        if name in container.names:
            file = read_text(container.read(name), name, declared=declared_by_xml)
            xml = XmlSource(file.text, name)
            parts.append(XmlPart(name, file.text, list(_paragraphs(xml)), file.encode))
    return OfficeDocument(container, [part for part in parts if part.paragraphs])


def _paragraphs(xml: XmlSource) -> Iterator[Paragraph]:
    hidden_until = -1
    for element in xml.elements:
        if element.start < hidden_until:
            continue
        if element.name in _HIDDEN:
            hidden_until = element.stop
        elif element.name in _PARAGRAPHS and element.full.startswith("text:"):
            found = _read(xml, element)
            if found is not None:
                yield found


def _read(xml: XmlSource, paragraph: Element) -> Paragraph | None:
    inline, words = InlineText(), ""
    opened: list[int] = []
    marks: dict[int, tuple[int, int, int, int]] = {}
    by_tag = {element.tag: element for element in xml.within(paragraph)}
    number = paragraph.tag + 1
    while number < paragraph.end:
        token = xml.tokens[number]
        key = len(marks) + 1
        element = by_tag.get(number)
        if token.kind is Kind.TEXT:
            text = html.unescape(xml.source[token.start : token.stop])
            words += text
            inline.text(text)
        elif token.kind is Kind.END:
            if opened:
                inline.close(opened.pop())
        elif element is not None and element.name in _PAIRS and token.kind is Kind.START:
            marks[key] = (token.start, token.stop, element.inner_stop, element.stop)
            opened.append(key)
            inline.open(key)
        else:  # a tab, a note, a frame: stays as it is, with the paragraphs in it translated
            stop = token.stop if element is None else element.stop
            marks[key] = (token.start, stop, stop, stop)
            inline.alone(key)
            number = number if element is None else element.end
        number += 1
    if not any(map(str.isalpha, words)):
        return None
    return _Spans(paragraph, inline.unit("wrapped_text"), marks)
