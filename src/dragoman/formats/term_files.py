"""Files of terms: TSV, CSV and TBX (v2 and v3) to pairs, with the line of each for whoever must mend it.

TSV: ``source<TAB>target``. CSV as RFC 4180 with two columns, or with four, DeepL's: the languages of source and target
behind the terms. TBX is ISO 30042: ``martif`` files, and ``tbx`` files in DCA or DCT style.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dragoman.errors import TextFormatError
from dragoman.formats.xml_elements import read_elements

__all__ = ["TermRow", "read_terms"]

_MOST_BYTES = 64 << 20
_HEADERS = ({"source", "target"}, {"src", "tgt"})


@dataclass(frozen=True, slots=True)
class TermRow:
    """What a file says about one term.

    Attributes:
        source, target: without white space around; as they stand.
        languages: of both; "" where the file does not say: any.
        forbidden: the target must not be used.
        line: in the file.
    """

    source: str
    target: str
    languages: tuple[str, str]
    forbidden: bool
    line: int


def read_terms(path: Path) -> Iterator[TermRow]:
    """All terms of a file: of TBX every pair of languages, and of several terms of one concept the preferred one.

    Raises TextFormatError if it cannot be read, is larger than 64 MiB, is not UTF-8, or a line has a wrong number of
    columns.
    """
    try:
        if not path.is_file():
            raise TextFormatError(path, "there is no such file.")
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise TextFormatError(path, f"cannot be read: {error.strerror or error}.") from error
    if len(data) > _MOST_BYTES:
        raise TextFormatError(path, f"more than {_MOST_BYTES >> 20} MiB.")
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return _tbx(path)
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise TextFormatError(path, f"not UTF-8: byte {error.start} is wrong.") from None
    return _csv(path, text) if path.suffix.lower() == ".csv" else _tsv(path, text)


def _tsv(path: Path, text: str) -> Iterator[TermRow]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield from _row(path, line.rstrip("\r").split("\t"), number, exactly=True)


def _csv(path: Path, text: str) -> Iterator[TermRow]:
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield from _row(path, row, reader.line_num, exactly=False)
    except csv.Error as error:
        raise TextFormatError(path, f"not CSV: {error}.", line=reader.line_num) from None


def _row(path: Path, cells: list[str], line: int, *, exactly: bool) -> Iterator[TermRow]:
    cells = [cell.strip() for cell in cells]
    if line == 1 and {cell.lower() for cell in cells[:2]} in _HEADERS:
        return
    if len(cells) != 2 and (exactly or len(cells) != 4):
        wanted = "two, with one tab between them" if exactly else "two, or four with the languages"
        raise TextFormatError(path, f"{len(cells)} columns, but must be {wanted}.", line=line)
    languages = (cells[2], cells[3]) if len(cells) == 4 else ("", "")
    yield TermRow(cells[0], cells[1], languages, False, line)


@dataclass
class _Term:
    text: str
    language: str
    line: int
    status: str = ""
    untranslated: bool = False

    @property
    def rank(self) -> int:
        """Preferred terms go first, what must not be used goes last."""
        if any(word in self.status for word in ("deprecated", "superseded", "forbidden", "obsolete")):
            return 2
        return 0 if "preferred" in self.status else 1


@dataclass
class _Concept:
    terms: list[_Term] = field(default_factory=list)

    def rows(self) -> Iterator[TermRow]:
        """Each term that may be used, to the best of each other language, and to those that must not be used."""
        languages = dict.fromkeys(term.language for term in self.terms)
        for term in self.terms:
            if term.untranslated:
                yield TermRow(term.text, term.text, (term.language, ""), False, term.line)
                continue
            for other in languages:
                if other == term.language:
                    continue
                targets = sorted((one for one in self.terms if one.language == other), key=lambda one: one.rank)
                if targets[0].rank < 2:
                    yield TermRow(term.text, targets[0].text, (term.language, other), False, term.line)
                for one in targets:
                    if one.rank == 2:
                        yield TermRow(term.text, one.text, (term.language, other), True, one.line)


_CONCEPTS = frozenset(("termEntry", "conceptEntry"))
_LANGUAGES = frozenset(("langSet", "langSec"))
_GROUPS = frozenset(("tig", "ntig", "termSec"))
_NOTES = frozenset(("termNote", "administrativeStatus", "translationNote", "note"))


def _tbx(path: Path) -> Iterator[TermRow]:
    concept, language, status, untranslated = _Concept(), "", "", False
    term: _Term | None = None
    root = ""
    for element in read_elements(path, _NOTES | {"term"}):
        if not root:
            root = element.name
            if root not in ("martif", "tbx"):
                raise TextFormatError(path, f"not TBX: the root is {root!r}, not 'tbx' or 'martif'.", line=element.line)
        if element.text is None:
            if element.name in _CONCEPTS:
                concept = _Concept()
            elif element.name in _LANGUAGES:
                language = element.attributes.get("lang", "")
                if not language:
                    raise TextFormatError(path, f"{element.name} without xml:lang.", line=element.line)
            elif element.name in _GROUPS:
                term, status, untranslated = None, "", False
        elif element.name == "term" and element.text.strip() and language:
            term = _Term(" ".join(element.text.split()), language, element.line, status, untranslated)
            concept.terms.append(term)
        elif element.name in _NOTES:
            kind = element.attributes.get("type", element.name)
            if kind in ("administrativeStatus", "normativeAuthorization"):
                status = element.text.strip().lower()
            elif kind == "translationNote":
                untranslated = element.text.strip().lower() in ("no", "false", "do not translate")
            if term is not None:
                term.status, term.untranslated = status, untranslated
        elif element.name in _CONCEPTS:
            yield from concept.rows()
