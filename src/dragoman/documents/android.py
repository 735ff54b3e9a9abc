"""Strings of an Android application (an XML file whose root is ``resources``).

https://developer.android.com/guide/topics/resources/string-resource
"""

from __future__ import annotations

import html
import re
from xml.sax.saxutils import escape

from dragoman.documents.encoding import TextFile
from dragoman.documents.inline import InlineText
from dragoman.documents.spans import Place, SpanDocument
from dragoman.documents.unit import Settings, Unit
from dragoman.documents.xml_elements import Element, XmlSource
from dragoman.text.xml.tokens import Kind

__all__ = ["read_android"]

_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "'": "'", '"': '"', "@": "@", "?": "?", "\\": "\\"}


def read_android(file: TextFile, settings: Settings) -> SpanDocument:
    """``string``, and the items of ``plurals`` and ``string-array``; what says ``translatable="false"``, and
    references, stay. Raises DocumentError if the file is not well-formed."""
    xml = XmlSource(file.text)
    places = []
    for element in xml.named("string", "item"):
        around = list(xml.ancestors(element))
        is_text = element.name == "string" or (around and around[0].name in ("plurals", "string-array"))
        fixed = any(xml.attribute(one, "translatable") == "false" for one in (element, *around))
        if is_text and not fixed and (place := _place(xml, element)) is not None:
            places.append(place)
    return SpanDocument(file, places, replace=lambda letter: f"&#{ord(letter)};")


def _place(xml: XmlSource, element: Element) -> Place | None:
    source = xml.source
    raw = source[element.inner : element.inner_stop]
    text = xml.text(element)
    if not any(map(str.isalpha, text)) or text.strip().startswith(("@string/", "@android:", "?")):
        return None
    inline = InlineText()
    marks: dict[int, str] = {}
    opened: list[int] = []
    inside = 0  # of an element that stays whole
    for token in xml.tokens[element.tag + 1 : element.end]:
        piece = source[token.start : token.stop]
        number = len(marks) + 1
        if inside or (token.kind is Kind.START and token.name == "xliff:g"):
            if not inside:
                whole, first = number, token.start
                inline.alone(number)
            inside += {Kind.START: 1, Kind.END: -1}.get(token.kind, 0)
            marks[whole] = source[first : token.stop]
        elif token.kind is Kind.TEXT:
            inline.text(_read(html.unescape(piece)))
        elif token.kind is Kind.START:
            marks[number] = piece
            opened.append(number)
            inline.open(number)
        elif token.kind is Kind.END:
            if opened:
                marks[-opened[-1]] = piece
                inline.close(opened.pop())
        else:
            marks[number] = piece
            inline.alone(number)
    unit = inline.unit()
    quoted = raw.strip().startswith('"') and raw.strip().endswith('"') and len(raw.strip()) > 1

    def write(translated: str) -> str:
        written = ""
        for piece in InlineText.read(unit, translated):
            if isinstance(piece, str):
                written += _written(piece, quoted=quoted)
            else:
                written += marks.get(-piece.key if piece.kind == "close" else piece.key, "")
        if quoted:
            return '"' + written + '"'
        return "\\" + written if written[:1] in ("@", "?") else written

    if quoted:
        unit = Unit(unit.text.strip().removeprefix('"').removesuffix('"'), unit.format)
    return Place(element.inner, element.inner_stop, unit, write)


def _read(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        name = found[1]
        return chr(int(name[1:], 16)) if len(name) == 5 else _LETTERS.get(name, found[0])

    return _ESCAPE.sub(one, text)


def _written(text: str, *, quoted: bool) -> str:
    shown = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", '"': '\\"', "'": "'" if quoted else "\\'"}
    return escape("".join(shown.get(letter, letter) for letter in text))
