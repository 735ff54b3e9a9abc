"""Which formats of files there are: by suffix, by name, and by what is in a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dragoman.documents.encoding import TextFile, declared_by_catalogue, declared_by_html, declared_by_xml, read_text
from dragoman.documents.unit import Document, Settings, Unit
from dragoman.errors import DocumentError, OptionsError
from dragoman.options import TextFormat
from dragoman.text.declaring import declare_language

__all__ = ["FORMATS", "FileFormat", "find_format", "read_document"]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One format.

    Attributes:
        name: as ``--format`` takes it.
        suffixes: that files of it have.
        title: for people.
        module, reader: where its reader is; "" for texts that a call translates whole.
        text: the format of such a text.
        binary: the reader takes bytes; others take a `TextFile`.
        declared: reads the encoding that such a file states.
    """

    name: str
    suffixes: tuple[str, ...]
    title: str
    module: str = ""
    reader: str = ""
    text: TextFormat = "text"
    binary: bool = False
    declared: Callable[[bytes], str] | None = None


_XML = declared_by_xml
FORMATS: tuple[FileFormat, ...] = (
    FileFormat("txt", (".txt",), "plain text"),
    FileFormat("html", (".html", ".htm", ".xhtml"), "web page", text="html", declared=declared_by_html),
    FileFormat("xml", (".xml",), "XML", text="xml", declared=_XML),
    FileFormat("md", (".md", ".markdown"), "Markdown", text="markdown"),
    FileFormat("srt", (".srt",), "subtitles (SubRip)", "subtitles", "read_subtitles"),
    FileFormat("vtt", (".vtt",), "subtitles (WebVTT)", "subtitles", "read_subtitles"),
    FileFormat(
        "po", (".po", ".pot"), "gettext catalogue", "catalogue_po", "read_po", declared=declared_by_catalogue
    ),
    FileFormat("xliff", (".xlf", ".xliff"), "XLIFF", "xliff", "read_xliff", declared=_XML),
    FileFormat("tmx", (".tmx",), "translation memory", "tmx", "read_tmx", declared=_XML),
    FileFormat("json", (".json",), "JSON", "json_file", "read_json"),
    FileFormat("yaml", (".yaml", ".yml"), "YAML", "yaml_file", "read_yaml"),
    FileFormat("properties", (".properties",), "Java properties", "properties", "read_properties"),
    FileFormat("android", (), "strings of an Android application", "android", "read_android", declared=_XML),
    FileFormat("csv", (".csv",), "table (CSV)", "table", "read_csv"),
    FileFormat("tsv", (".tsv",), "table (TSV)", "table", "read_tsv"),
    FileFormat("docx", (".docx",), "Word document", "office", "read_docx", binary=True),
    FileFormat("pptx", (".pptx",), "PowerPoint presentation", "office", "read_pptx", binary=True),
    FileFormat("xlsx", (".xlsx",), "Excel workbook", "office", "read_xlsx", binary=True),
    FileFormat("odt", (".odt", ".odp", ".ods"), "OpenDocument", "opendocument", "read_odt", binary=True),
    FileFormat("epub", (".epub",), "e-book", "epub", "read_epub", binary=True),
)
_ALIASES = {"text": "txt", "markdown": "md"}
_SNIFFED = 4096


@dataclass(frozen=True, slots=True)
class _Whole:
    """A text that a call translates as one: plain, HTML, XML, Markdown."""

    file: TextFile
    unit: Unit
    xml: bool
    language: str = ""
    """What it says that it is in, once it is translated; "": as before."""

    @property
    def units(self) -> tuple[Unit, ...]:
        return (self.unit,)

    def write(self, translated: Sequence[str | None]) -> bytes:
        (text,) = translated
        text = self.file.text if text is None else text
        if self.language:
            text = declare_language(text, self.unit.format, self.language)
        return self.file.encode(text, (lambda letter: f"&#{ord(letter)};") if self.xml else None)


def find_format(path: Path | str, data: bytes = b"", name: str = "") -> FileFormat:
    """The format of a file.

    Args:
        path: of which the suffix counts.
        data: of the file; decides where there is no suffix, and between kinds of XML and of zip files.
        name: as a caller states it; goes before both.

    Raises:
        OptionsError: there is no such format.
        DocumentError: it is not known what the file is.
    """
    by_name = {one.name: one for one in FORMATS}
    if name:
        wanted = _ALIASES.get(name, name)
        suffixed = next((one for one in FORMATS if f".{wanted}" in one.suffixes), None)
        found = by_name.get(wanted) or suffixed
        if found is None:
            raise OptionsError("format", name, ", ".join(["text", "markdown", *by_name]))
        return found
    suffix = Path(path).suffix.lower()
    found = next((one for one in FORMATS if suffix in one.suffixes), None)
    if found is None:
        found = by_name.get(_sniffed(data)) if not suffix or suffix == "." else None
    if found is None:
        known = " ".join(sorted(suffix for one in FORMATS for suffix in one.suffixes))
        raise DocumentError(f"{path}: not a known kind of file ({known}): state its format (--format).")
    return by_name["android"] if found.name == "xml" and _root(data) == "resources" else found


def read_document(data: bytes, file_format: FileFormat, settings: Settings, name: Path | str = "the file") -> Document:
    """Read a file.

    Raises:
        DocumentError: it is not what its format says.
        OptionsError: a setting does not fit it.
    """
    reader = None
    if file_format.module:
        from importlib import import_module

        reader = getattr(import_module(f"dragoman.documents.{file_format.module}"), file_format.reader)
    if file_format.binary:
        assert reader is not None
        return reader(data, settings)  # type: ignore[no-any-return]
    file = read_text(data, name, settings.encoding, file_format.declared)
    if reader is not None:
        return reader(file, settings)  # type: ignore[no-any-return]
    split = settings.split if file_format.text == "text" else "paragraph"
    language = settings.target if settings.declare else ""
    return _Whole(file, Unit(file.text, file_format.text, split), file_format.declared is not None, language)


def _root(data: bytes) -> str:
    """Name of the outermost element of an XML file, or ""."""
    from dragoman.text.xml.tokens import Kind, tokenize

    start = data[: 16 * _SNIFFED].decode("utf-8", "replace")
    return next((token.name for token in tokenize(start) if token.kind in (Kind.START, Kind.EMPTY)), "")


def _sniffed(data: bytes) -> str:
    """The name of a format, by the first bytes."""
    start = data[:_SNIFFED]
    if start.startswith(b"PK"):
        for mark, name in ((b"word/", "docx"), (b"ppt/", "pptx"), (b"xl/", "xlsx"), (b"application/epub", "epub"),
                           (b"vnd.oasis.opendocument", "odt")):  # fmt: skip
            if mark in data:
                return name
        return ""
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "html"
    if head.startswith(b"<"):
        root = _root(data)
        return {"xliff": "xliff", "tmx": "tmx", "resources": "android", "html": "html"}.get(root, "xml")
    if head.startswith(b"webvtt"):
        return "vtt"
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ""
    return "txt"
