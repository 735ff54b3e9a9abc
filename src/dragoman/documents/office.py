"""Word, PowerPoint and Excel (ECMA-376): paragraphs and cells are translated; formulas, numbers and layout stay."""

from __future__ import annotations

import re
from dataclasses import replace

from dragoman.documents.container import Container, read_container
from dragoman.documents.encoding import declared_by_xml, read_text
from dragoman.documents.parts import OfficeDocument, read_part
from dragoman.documents.runs import Dialect
from dragoman.documents.unit import Settings
from dragoman.documents.xml_elements import XmlSource
from dragoman.errors import DocumentError

__all__ = ["read_docx", "read_pptx", "read_xlsx"]

_WORD = Dialect(
    paragraphs=frozenset({"p"}), run="r", properties="rPr", text="t", leading=frozenset({"pPr"}),
    around=frozenset({"hyperlink", "ins", "smartTag", "sdt"}), dropped=frozenset({"proofErr", "lastRenderedPageBreak"}),
    hidden=frozenset({"del", "moveFrom", "instrText"}), ignored=frozenset({"lang", "noProof"}),
)  # fmt: skip
_SLIDE = Dialect(
    paragraphs=frozenset({"p"}), run="r", properties="rPr", text="t", leading=frozenset({"pPr"}),
)  # fmt: skip
_SHEET = Dialect(
    paragraphs=frozenset({"si", "is"}), run="r", properties="rPr", text="t", hidden=frozenset({"rPh"}),
)  # fmt: skip
_WORD_PARTS = re.compile(
    r"word/(?:document\d*|header\d*|footer\d*|footnotes|endnotes|comments|glossary/document)\.xml"
)
_SLIDE_PARTS = re.compile(r"ppt/(?:slides/slide|notesSlides/notesSlide|comments/comment)\d+\.xml")
_DRAWN = re.compile(r"(?:word|ppt|xl)/(?:charts/chart|diagrams/data|drawings/drawing)\d+\.xml")
_TABLES = re.compile(r"xl/tables/table\d+\.xml")
_SHEET_PARTS = re.compile(r"xl/(?:sharedStrings|worksheets/sheet\d+)\.xml")


def read_docx(data: bytes, settings: Settings) -> OfficeDocument:
    """Text, headers, footers, notes, comments and charts. Raises DocumentError if the file cannot be read."""
    return _read(data, _WORD_PARTS, _WORD, "word/document.xml")


def read_pptx(data: bytes, settings: Settings) -> OfficeDocument:
    """Slides, their notes and charts; layouts and masters stay. Errors: `read_docx`."""
    return _read(data, _SLIDE_PARTS, _SLIDE, "ppt/presentation.xml")


def read_xlsx(data: bytes, settings: Settings) -> OfficeDocument:
    """Cells of words, and charts; names of sheets, formulas and numbers stay, and so do names of a table's columns,
    which must equal those that the table lists. Errors: `read_docx`."""
    document = _read(data, _SHEET_PARTS, _SHEET, "xl/workbook.xml")
    fixed = set()
    for name in document.container.names:
        if _TABLES.fullmatch(name):
            xml = XmlSource(read_text(document.container.read(name), name, declared=declared_by_xml).text, name)
            fixed |= {xml.attribute(column, "name") for column in xml.named("tableColumn")}
    parts = []
    for part in document.parts:
        free = [paragraph for paragraph in part.paragraphs if paragraph.unit.text not in fixed]
        if free:
            parts.append(replace(part, paragraphs=free))
    return OfficeDocument(document.container, parts)


def _read(data: bytes, names: re.Pattern[str], dialect: Dialect, main: str) -> OfficeDocument:
    container = read_container(data)
    folder = main.partition("/")[0] + "/"
    if main not in container and not _main_part(container).startswith(folder):
        raise DocumentError(f"the file holds no {main}: it is of another kind than its name says.")
    parts = []
    for name in container.names:
        if names.fullmatch(name):
            parts.append(read_part(container, name, dialect))
        elif _DRAWN.fullmatch(name):
            parts.append(read_part(container, name, _SLIDE))
    return OfficeDocument(container, [part for part in parts if part.paragraphs])


def _main_part(container: Container) -> str:
    """Where the package says that its document lies; "" if it does not say."""
    name = "_rels/.rels"
    if name not in container:
        return ""
    xml = XmlSource(read_text(container.read(name), name, declared=declared_by_xml).text, name)
    for relation in xml.named("Relationship"):
        if (xml.attribute(relation, "Type") or "").endswith("/officeDocument"):
            target = (xml.attribute(relation, "Target") or "").removeprefix("/")
            return target if target in container else ""
    return ""
