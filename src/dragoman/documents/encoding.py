"""The bytes of a text file and its characters, in the encoding that the file says or its owner does."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dragoman.errors import DocumentError, OptionsError

__all__ = ["TextFile", "declared_by_catalogue", "declared_by_html", "declared_by_xml", "read_text"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_XML = re.compile(rb"""\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")
_HTML = re.compile(rb"""<meta\b[^>]{0,400}?\bcharset\s*=\s*["']?\s*([A-Za-z][A-Za-z0-9._:-]*)""", re.IGNORECASE)
_CATALOGUE = re.compile(rb'"Content-Type:[^"\n]{0,200}?charset=([A-Za-z][A-Za-z0-9._:-]*)', re.IGNORECASE)
_WIDER = {"shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "iso8859-9": "cp1254"}
"""What writers put in files of that name: as browsers read them (https://encoding.spec.whatwg.org)."""
_DECLARED_WITHIN = 4096


@dataclass(frozen=True, slots=True)
class TextFile:
    """Characters, and how they become bytes again.

    Attributes:
        text: without a byte order mark.
        encoding: as Python calls it.
        mark: the byte order mark, or none.
    """

    text: str
    encoding: str
    mark: bytes = b""

    def encode(self, text: str, replace: Callable[[str], str] | None = None) -> bytes:
        """Another text in the same encoding.

        Args:
            replace: how the format writes a character that the encoding lacks.

        Raises:
            DocumentError: the encoding lacks a character, and the format has no way around it.
        """
        if replace is not None and not _fits(text, self.encoding):
            text = "".join(letter if _fits(letter, self.encoding) else replace(letter) for letter in text)
        try:
            return self.mark + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise DocumentError(
                f"the translation holds {text[error.start]!r}, which {self.encoding} cannot write: "
                "convert the file to UTF-8 first."
            ) from None


def read_text(
    data: bytes, name: Path | str, encoding: str = "", declared: Callable[[bytes], str] | None = None
) -> TextFile:
    """Decode a file.

    Args:
        data: the file.
        name: for errors.
        encoding: as its owner says; "": by its byte order mark, by what it declares, else UTF-8.
        declared: reads a declaration from the first bytes; "" if there is none.

    Raises:
        OptionsError: there is no such encoding.
        DocumentError: the bytes are not of the encoding, with the line and offset of the first that is not.
    """
    mark, found = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", ""))
    if encoding:
        found = _known(encoding)
        mark = mark if mark and found in (next(name for one, name in _MARKS if one == mark), "utf-8") else b""
    elif not found:
        said = declared(data[:_DECLARED_WITHIN]) if declared is not None else ""
        found = _codec(said) or "utf-8"
        found = _WIDER.get(found, found)
    try:
        return TextFile(data[len(mark) :].decode(found), found, mark)
    except UnicodeDecodeError as error:
        place = len(mark) + error.start
        line = data.count(b"\n", 0, place) + 1
        raise DocumentError(
            f"{name}: not {found}: byte {place} (line {line}) is 0x{data[place]:02x}. "
            "State the file's encoding (--encoding)."
        ) from None


def declared_by_xml(start: bytes) -> str:
    """The encoding of an XML declaration, or ""."""
    found = _XML.match(start)
    return found[1].decode("ascii") if found else ""


def declared_by_html(start: bytes) -> str:
    """The encoding that a page declares, or ""."""
    found = _HTML.search(start)
    return declared_by_xml(start) or (found[1].decode("ascii") if found else "")


def declared_by_catalogue(start: bytes) -> str:
    """The encoding that the header of a gettext catalogue states, or "". Templates say CHARSET, which is none."""
    found = _CATALOGUE.search(start)
    return found[1].decode("ascii") if found else ""


def _known(encoding: str) -> str:
    found = _codec(encoding)
    if not found:
        raise OptionsError("encoding", encoding, "an encoding that Python knows, such as utf-8 or latin-1")
    return found


def _codec(encoding: str) -> str:
    """Python's name of a character encoding; browsers read Latin-1 as Windows' variety of it. "" for none."""
    if encoding.lower() in ("iso-8859-1", "latin1", "us-ascii", "ascii"):
        return "cp1252" if encoding.lower() != "latin1" else "latin-1"
    try:
        known = codecs.lookup(encoding)
    except (LookupError, ValueError):
        return ""
    return known.name if getattr(known, "_is_text_encoding", True) else ""


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
