"""Tables as text (.csv, .tsv): cells with words are translated; quoting, delimiters, line ends and all else stay.

RFC 4180, and what spreadsheets write: semicolons, line feeds in quoted cells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dragoman.documents.encoding import TextFile
from dragoman.documents.spans import Place, SpanDocument
from dragoman.documents.unit import Settings, Unit
from dragoman.documents.words import is_prose
from dragoman.errors import OptionsError

__all__ = ["read_csv", "read_tsv"]


@dataclass(frozen=True, slots=True)
class _Cell:
    row: int
    column: int
    start: int
    stop: int
    text: str
    quoted: bool


def read_csv(file: TextFile, settings: Settings) -> SpanDocument:
    """With commas, or with semicolons where the first line holds more of them. Raises OptionsError for a column that is
    not there."""
    first = re.sub(r'"[^"]*"', "", file.text[: file.text.find("\n") + 1 or None])
    return _read(file, settings, ";" if first.count(";") > first.count(",") else ",")


def read_tsv(file: TextFile, settings: Settings) -> SpanDocument:
    """With tabs. Errors: as `read_csv`."""
    return _read(file, settings, "\t")


def _read(file: TextFile, settings: Settings, delimiter: str) -> SpanDocument:
    cells = list(_cells(file.text, delimiter))
    head = [cell.text for cell in cells if cell.row == 0]
    wanted = _columns(settings, head)
    places = [
        Place(cell.start, cell.stop, Unit(cell.text), _writer(cell, delimiter))
        for cell in cells
        if (cell.row > 0 or not settings.header)
        and (wanted is None or cell.column in wanted)
        and (any(map(str.isalpha, cell.text)) if wanted is not None else is_prose(cell.text))
    ]
    return SpanDocument(file, places)


def _cells(source: str, delimiter: str) -> Iterator[_Cell]:
    mark = re.escape(delimiter)
    pattern = re.compile(rf'("(?:[^"]|"")*+"(?={mark}|\r|\n|\Z)|[^{mark}\r\n]*+)({mark}|\r\n|\r|\n|\Z)')
    row = column = at = 0
    while at < len(source):
        found = pattern.match(source, at)
        assert found is not None  # the second branch takes anything
        raw = found[1]
        quoted = raw.startswith('"') and raw.endswith('"') and len(raw) > 1
        text = raw[1:-1].replace('""', '"') if quoted else raw
        yield _Cell(row, column, *found.span(1), text, quoted)
        if found[2] == delimiter:
            column += 1
            if found.end() == len(source):
                yield _Cell(row, column, len(source), len(source), "", False)
        else:
            row, column = row + 1, 0
        at = found.end()


def _columns(settings: Settings, head: list[str]) -> frozenset[int] | None:
    """Numbers from 0 of the wanted columns; None: all."""
    if not settings.columns:
        return None
    found = set()
    names = [name.strip().casefold() for name in head]
    for name in settings.columns:
        if settings.header and name.strip().casefold() in names:
            found.add(names.index(name.strip().casefold()))
        elif name.strip().isdecimal() and 1 <= int(name) <= max(len(head), 1):
            found.add(int(name) - 1)
        else:
            raise OptionsError("columns", name, f"one of {', '.join(map(repr, head))}, or a number to {len(head)}")
    return frozenset(found)


def _writer(cell: _Cell, delimiter: str) -> Callable[[str], str]:
    def write(text: str) -> str:
        if cell.quoted or any(letter in text for letter in (delimiter, '"', "\n", "\r")):
            return '"' + text.replace('"', '""') + '"'
        return text

    return write
