"""Translation memories (.tmx): units that lack the target language get it. https://www.gala-global.org/tmx-14b"""

from __future__ import annotations

from collections.abc import Callable
from xml.sax.saxutils import quoteattr

from dragoman.documents.coded_xml import CodedSegment
from dragoman.documents.encoding import TextFile
from dragoman.documents.spans import Place, SpanDocument
from dragoman.documents.unit import Settings
from dragoman.documents.xml_elements import Element, XmlSource
from dragoman.errors import DocumentError, OptionsError
from dragoman.languages import canonical_code

__all__ = ["read_tmx"]


def read_tmx(file: TextFile, settings: Settings) -> SpanDocument:
    """Raises DocumentError if the file is not well-formed or no TMX, OptionsError without a target language."""
    xml = XmlSource(file.text)
    if not xml.is_root("tmx"):
        raise DocumentError("no TMX: its outermost element is not tmx.")
    if not settings.target:
        raise OptionsError("target", settings.target, "the language that the memory is to get (--to)")
    header = next(xml.named("header"), None)
    source_language = settings.source or (xml.attribute(header, "srclang") if header is not None else None) or ""
    places = []
    for unit in xml.named("tu"):
        variants = {_base(_language(xml, one)): one for one in xml.children(unit, "tuv")}
        if not variants or _base(settings.target) in variants:
            continue
        variant = variants.get(_base(source_language)) or next(iter(variants.values()))
        segment = xml.child(variant, "seg")
        if segment is not None and any(map(str.isalpha, xml.text(segment))):
            last = list(xml.children(unit, "tuv"))[-1]
            coded = CodedSegment(xml, segment)
            places.append(Place(last.stop, last.stop, coded.unit, _writer(coded, settings.target, _gap(xml, last))))
    return SpanDocument(file, places, replace=lambda letter: f"&#{ord(letter)};")


def _language(xml: XmlSource, variant: Element) -> str:
    return xml.attribute(variant, "lang") or ""


def _base(language: str) -> str:
    return canonical_code(language).partition("-")[0] if language and language != "*all*" else ""


def _gap(xml: XmlSource, element: Element) -> str:
    """The line feed and indentation before an element; none if it follows another on one line."""
    line = xml.source.rfind("\n", 0, element.start)
    gap = xml.source[line + 1 : element.start]
    if line < 0 or gap.strip():
        return ""
    return ("\r\n" if line > 0 and xml.source[line - 1] == "\r" else "\n") + gap


def _writer(coded: CodedSegment, target: str, gap: str) -> Callable[[str], str]:
    def write(text: str) -> str:
        return f"{gap}<tuv xml:lang={quoteattr(target)}><seg>{coded.write(text)}</seg></tuv>"

    return write
