"""XLIFF 1.2 and 2.x: targets are written beside their sources; finished ones stay.

https://docs.oasis-open.org/xliff/v1.2/os/xliff-core.html, https://docs.oasis-open.org/xliff/xliff-core/v2.1/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.sax.saxutils import quoteattr

from dragoman.documents.coded_xml import CodedSegment
from dragoman.documents.encoding import TextFile
from dragoman.documents.spans import Place, SpanDocument
from dragoman.documents.unit import Settings
from dragoman.documents.xml_elements import Element, XmlSource
from dragoman.errors import DocumentError

__all__ = ["read_xliff"]

_FINISHED = frozenset({"final", "translated", "signed-off", "reviewed"})
_MACHINE_1 = 'state="needs-review-translation" state-qualifier="mt-suggestion"'


def read_xliff(file: TextFile, settings: Settings) -> SpanDocument:
    """Every unit that is not finished. Raises DocumentError if the file is not well-formed, or no XLIFF."""
    xml = XmlSource(file.text)
    if not xml.is_root("xliff"):
        raise DocumentError("no XLIFF: its outermost element is not xliff.")
    second = (xml.attribute(xml.elements[0], "version") or "1.2").startswith("2")
    places = list(_second(xml) if second else _first(xml))
    places.sort(key=lambda place: place.start)
    return SpanDocument(file, places, _languages(xml, settings, second), replace=lambda letter: f"&#{ord(letter)};")


def _first(xml: XmlSource) -> Iterator[Place]:
    for unit in xml.named("trans-unit"):
        source, target = xml.child(unit, "source"), xml.child(unit, "target")
        if source is None or _is_fixed(xml, unit) or xml.attribute(unit, "approved") == "yes":
            continue
        if target is not None and (xml.attribute(target, "state") in _FINISHED or xml.text(target).strip()):
            continue
        segments = CodedSegment(xml, source)
        if not any(map(str.isalpha, xml.text(source))):
            continue
        after = xml.child(unit, "seg-source") or source
        yield _place(xml, segments, after, target, f" {_MACHINE_1}")


def _second(xml: XmlSource) -> Iterator[Place]:
    for segment in xml.named("segment"):
        source, target = xml.child(segment, "source"), xml.child(segment, "target")
        if source is None or _is_fixed(xml, segment) or xml.attribute(segment, "state") in _FINISHED:
            continue
        if (target is not None and xml.text(target).strip()) or not any(map(str.isalpha, xml.text(source))):
            continue
        yield _place(xml, CodedSegment(xml, source), source, target, "")


def _place(xml: XmlSource, coded: CodedSegment, after: Element, target: Element | None, state: str) -> Place:
    """In the place of an empty target, or behind the source, on a line of its own if the source has one."""
    if target is not None:
        return Place(target.start, target.stop, coded.unit, _writer(coded, target.full, state))
    prefix = after.full.rpartition(":")[0]
    name = f"{prefix}:target" if prefix else "target"
    before = xml.source[xml.source.rfind("\n", 0, after.start) + 1 : after.start]
    gap = ""
    if not before.strip():
        line = xml.source.rfind("\n", 0, after.start)
        gap = ("\r\n" if line > 0 and xml.source[line - 1] == "\r" else "\n" if line >= 0 else "") + before
    return Place(after.stop, after.stop, coded.unit, _writer(coded, name, state, gap))


def _writer(coded: CodedSegment, name: str, state: str, gap: str = "") -> Callable[[str], str]:
    def write(text: str) -> str:
        return f"{gap}<{name}{state}>{coded.write(text)}</{name}>"

    return write


def _is_fixed(xml: XmlSource, element: Element) -> bool:
    """By the nearest word on it."""
    for one in (element, *xml.ancestors(element)):
        said = xml.attribute(one, "translate")
        if said is not None:
            return said == "no"
    return False


def _languages(xml: XmlSource, settings: Settings, second: bool) -> list[tuple[int, int, str]]:
    """The target language, where the file does not say it."""
    if not settings.target:
        return []
    name = "trgLang" if second else "target-language"
    edits = []
    for element in xml.named("xliff" if second else "file"):
        place = xml.attribute_place(element, name)
        if place is None:
            at = element.start + 1 + len(element.full)
            edits.append((at, at, f" {name}={quoteattr(settings.target)}"))
        elif place[0] == place[1]:
            edits.append((*place, settings.target))
    return edits
