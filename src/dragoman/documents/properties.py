"""Java's .properties: values are translated in place; keys, comments, order and line ends stay.

https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)
"""

from __future__ import annotations

import re

from dragoman.documents.encoding import TextFile
from dragoman.documents.spans import Place, SpanDocument
from dragoman.documents.unit import Settings, Unit
from dragoman.documents.words import is_prose

__all__ = ["read_properties"]

_ENTRY = re.compile(
    r"^[ \t\f]*(?![#!\s])(?:[^=:\s\\]|\\(?:\r\n|.|\n))+[ \t\f]*[=:]?[ \t\f]*"
    r"((?:[^\r\n\\]|\\(?:\r\n|[^\r\n]|[\r\n]))*)",
    re.MULTILINE,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(\r\n|[\r\n])[ \t\f]*|(.))")
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def read_properties(file: TextFile, settings: Settings) -> SpanDocument:
    """All values. A file of ASCII alone gets escapes for all else, as Java before 9 reads it."""
    places = []
    escapes = file.text.isascii()
    for found in _ENTRY.finditer(file.text):
        text = _read(found[1])
        if is_prose(text):
            places.append(Place(*found.span(1), Unit(text), _write_escaped if escapes else _write))
    return SpanDocument(file, places, replace=_escape)


def _read(value: str) -> str:
    def one(found: re.Match[str]) -> str:
        if found[1] is not None:
            return chr(int(found[1], 16))
        return "" if found[2] is not None else _LETTERS.get(found[3], found[3])

    text = _ESCAPE.sub(one, value)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _write(text: str) -> str:
    shown = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
    written = "".join(shown.get(letter, letter) for letter in text)
    return "\\" + written if written[:1] == " " else written


def _write_escaped(text: str) -> str:
    return "".join(letter if letter.isascii() else _escape(letter) for letter in _write(text))


def _escape(letter: str) -> str:
    data = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[at]:02X}{data[at + 1]:02X}" for at in range(0, len(data), 2))
