"""Containers whose parts are XML with paragraphs: read, translated and written part by part."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dragoman.documents.container import Container
from dragoman.documents.encoding import declared_by_xml, read_text
from dragoman.documents.runs import Dialect, Paragraph, read_paragraph
from dragoman.documents.unit import Unit
from dragoman.documents.xml_elements import XmlSource

__all__ = ["OfficeDocument", "XmlPart", "read_part"]

_DEEPEST = 20
"""Paragraphs within paragraphs (text boxes, notes); deeper ones are left as they are."""


@dataclass(frozen=True, slots=True)
class XmlPart:
    """One part.

    Attributes:
        name: in the container.
        source: its characters.
        paragraphs: ascending; one may lie within another.
        encode: the part's bytes.
        edits: other changes: start, stop, text.
    """

    name: str
    source: str
    paragraphs: Sequence[Paragraph]
    encode: Callable[[str], bytes]
    edits: Sequence[tuple[int, int, str]] = ()

    def write(self, translated: Sequence[str | None]) -> bytes | None:
        """None if nothing changes."""
        chosen = [
            (paragraph, text)
            for paragraph, text in zip(self.paragraphs, translated, strict=True)
            if text is not None and text != paragraph.unit.text
        ]
        if not chosen:
            return None
        starts = [paragraph.start for paragraph, _ in chosen]
        edits = sorted(self.edits)

        def raw(start: int, stop: int, depth: int = 0) -> str:
            parts, at = [], start
            number = bisect_left(starts, start)
            while number < len(chosen) and starts[number] < stop:
                paragraph, text = chosen[number]
                if paragraph.stop <= stop and paragraph.start >= at and depth < _DEEPEST:
                    parts.append(self._edited(at, paragraph.start, edits))
                    inside = paragraph.write(text, lambda a, b: raw(a, b, depth + 1))
                    parts.append(inside)
                    at = paragraph.stop
                number += 1
            parts.append(self._edited(at, stop, edits))
            return "".join(parts)

        return self.encode(raw(0, len(self.source)))

    def _edited(self, start: int, stop: int, edits: Sequence[tuple[int, int, str]]) -> str:
        parts, at = [], start
        for first, last, text in edits:
            if at <= first and last <= stop:
                parts += [self.source[at:first], text]
                at = last
        return "".join([*parts, self.source[at:stop]])


def read_part(container: Container, name: str, dialect: Dialect) -> XmlPart:
    """All paragraphs of a part. Raises DocumentError if it is not well-formed."""
    file = read_text(container.read(name), name, declared=declared_by_xml)
    xml = XmlSource(file.text, name)
    paragraphs = []
    hidden_until = -1
    for element in xml.elements:
        if element.start < hidden_until:
            continue
        if element.name in dialect.hidden:
            hidden_until = element.stop
        elif element.name in dialect.paragraphs:
            found = read_paragraph(xml, dialect, element)
            if found is not None:
                paragraphs.append(found)
    return XmlPart(name, file.text, paragraphs, lambda text: file.encode(text, lambda letter: f"&#{ord(letter)};"))


@dataclass(frozen=True, slots=True)
class OfficeDocument:
    """See `dragoman.documents.unit.Document`."""

    container: Container
    parts: Sequence[XmlPart]

    @property
    def units(self) -> Sequence[Unit]:
        return [paragraph.unit for part in self.parts for paragraph in part.paragraphs]

    def write(self, translated: Sequence[str | None]) -> bytes:
        changed, at = {}, 0
        for part in self.parts:
            count = len(part.paragraphs)
            fresh = part.write(translated[at : at + count])
            at += count
            if fresh is not None:
                changed[part.name] = fresh
        return self.container.write(changed)
