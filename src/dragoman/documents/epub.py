"""E-books (EPUB 2 and 3): pages, contents and titles of navigation are translated; names, styles and pictures stay.

https://www.w3.org/TR/epub-33/
"""

from __future__ import annotations

import html
import posixpath
import re
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from dragoman.documents.container import Container, read_container
from dragoman.documents.encoding import TextFile, declared_by_xml, read_text
from dragoman.documents.spans import Place, SpanDocument
from dragoman.documents.unit import Document, Settings, Unit
from dragoman.documents.xml_elements import XmlSource
from dragoman.errors import DocumentError

__all__ = ["read_epub"]

_PAGES = frozenset({"application/xhtml+xml", "text/html"})
_NOT_XML = re.compile(r"&nbsp;")


@dataclass(frozen=True, slots=True)
class _Page:
    """A page is one unit: `dragoman.text.html` knows what in it is text."""

    file: TextFile

    @property
    def units(self) -> Sequence[Unit]:
        return [Unit(self.file.text, "html")]

    def write(self, translated: Sequence[str | None]) -> bytes:
        text = self.file.text if translated[0] is None else translated[0]
        if "&nbsp;" not in self.file.text:
            text = _NOT_XML.sub("&#160;", text)  # HTML's name for it is none of XML's
        return self.file.encode(text, lambda letter: f"&#{ord(letter)};")


@dataclass(frozen=True, slots=True)
class _Book:
    """See `dragoman.documents.unit.Document`."""

    container: Container
    parts: Sequence[tuple[str, Document]]

    @property
    def units(self) -> Sequence[Unit]:
        return [unit for _, part in self.parts for unit in part.units]

    def write(self, translated: Sequence[str | None]) -> bytes:
        changed, at = {}, 0
        for name, part in self.parts:
            units = part.units
            own = translated[at : at + len(units)]
            at += len(units)
            if any(text is not None and text != unit.text for text, unit in zip(own, units, strict=True)):
                changed[name] = part.write(own)
        return self.container.write(changed)


def read_epub(data: bytes, settings: Settings) -> _Book:
    """Raises DocumentError if the file cannot be read, or is protected against copying."""
    container = read_container(data)
    hidden = _encrypted(container)
    package = _package(container)
    folder = posixpath.dirname(package)
    xml = XmlSource(read_text(container.read(package), package, declared=declared_by_xml).text, package)
    parts: list[tuple[str, Document]] = []
    for item in xml.named("item"):
        kind, href = xml.attribute(item, "media-type"), xml.attribute(item, "href") or ""
        name = posixpath.normpath(posixpath.join(folder, urllib.parse.unquote(href)))
        if name not in container:
            continue
        if name in hidden and kind in _PAGES:
            raise DocumentError(f"the book is protected against copying: {name} is encrypted.")
        file = None
        if kind in _PAGES or kind == "application/x-dtbncx+xml":
            file = read_text(container.read(name), name, declared=declared_by_xml)
        if file is not None and kind in _PAGES:
            parts.append((name, _Page(file)))
        elif file is not None:
            parts.append((name, _contents(file, name)))
    return _Book(container, parts)


def _encrypted(container: Container) -> frozenset[str]:
    """Names of parts that cannot be read. Mostly they are fonts, which need not be."""
    name = "META-INF/encryption.xml"
    if name not in container:
        return frozenset()
    xml = XmlSource(read_text(container.read(name), name, declared=declared_by_xml).text, name)
    uris = (xml.attribute(element, "URI") or "" for element in xml.named("CipherReference"))
    return frozenset(urllib.parse.unquote(uri) for uri in uris)


def _package(container: Container) -> str:
    """Where the book's package document lies."""
    name = "META-INF/container.xml"
    xml = XmlSource(read_text(container.read(name), name, declared=declared_by_xml).text, name)
    for root in xml.named("rootfile"):
        path = xml.attribute(root, "full-path")
        if path is not None and path in container:
            return path
    raise DocumentError("META-INF/container.xml names no package of the book.")


def _contents(file: TextFile, name: str) -> SpanDocument:
    """The labels of an NCX."""
    xml = XmlSource(file.text, name)
    places = []
    for element in xml.named("text"):
        text = html.unescape(file.text[element.inner : element.inner_stop])
        if "<" not in text and any(map(str.isalpha, text)):
            places.append(Place(element.inner, element.inner_stop, Unit(text), escape))
    return SpanDocument(file, places, replace=lambda letter: f"&#{ord(letter)};")
