"""TMX 1.4, the exchange format of translation memories: in and out, streaming."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from dragoman.errors import TextFormatError
from dragoman.formats.files import write_atomically
from dragoman.formats.xml_elements import read_elements
from dragoman.languages import canonical_code, language_distance

__all__ = ["TmxUnit", "read_tmx", "write_tmx"]

_CODES = frozenset(("bpt", "ept", "it", "ph", "ut"))
"""Inline elements whose content is markup, not text."""
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_VERSION = "1"
"""Of what this module writes."""
_KEPT = {"\r": "&#13;"}


class TmxUnit(NamedTuple):
    """A text and its translation."""

    source: str
    target: str


def read_tmx(path: Path | str, source: str, target: str) -> Iterator[TmxUnit]:
    """The units of a file in two languages, in its order; inline codes are left out.

    Of several variants of a language the closest to the one asked for is taken.

    Args:
        path: the file.
        source, target: languages, spelled in any way.

    Raises:
        OptionsError: one of them is no language.
        TextFormatError: the file cannot be read, or is no TMX. Units before the damage have been given out.
    """
    return _units(Path(path), canonical_code(source), canonical_code(target))


def _units(path: Path, source: str, target: str) -> Iterator[TmxUnit]:
    variants: list[tuple[str, str]] = []
    language = root = ""
    for element in read_elements(path, frozenset(("seg",)), opaque=_CODES):
        if not root:
            root = element.name
            if root != "tmx":
                raise TextFormatError(path, f"not TMX: the root is {root!r}.", line=element.line)
        if element.text is None:
            if element.name == "tu":
                variants = []
            elif element.name == "tuv":
                language = element.attributes.get("lang", "")
        elif element.name == "seg" and language:
            variants.append((language, element.text))
        elif element.name == "tu":
            found = _closest(source, variants), _closest(target, variants)
            if found[0] is not None and found[1] is not None and found[0].strip() and found[1].strip():
                yield TmxUnit(found[0], found[1])


def _closest(wanted: str, variants: list[tuple[str, str]]) -> str | None:
    best, least = None, 1 << 30
    for language, text in variants:
        distance = language_distance(wanted, language)
        if distance is not None and distance < least:
            best, least = text, distance
    return best


def write_tmx(
    path: Path | str, units: Iterable[TmxUnit], source: str, target: str, *, creator: str = "dragoman"
) -> int:
    """Write units to a file, which appears whole or not at all; their number.

    Characters that XML cannot hold are left out.

    Raises:
        OptionsError: a language is none.
        OSError: the file cannot be written.
    """
    languages = canonical_code(source), canonical_code(target)
    count = 0

    def lines() -> Iterator[str]:
        nonlocal count
        yield '<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">\n'
        header = {
            "creationtool": "dragoman",
            "creationtoolversion": _VERSION,
            "segtype": "sentence",
            "o-tmf": "dragoman",
            "adminlang": "en",
            "srclang": languages[0],
            "datatype": "plaintext",
            "creationdate": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
        }
        yield "<header " + " ".join(f"{name}={quoteattr(value)}" for name, value in header.items()) + "/>\n<body>\n"
        for unit in units:
            yield "<tu>" + "".join(map(_variant, languages, unit)) + "</tu>\n"
            count += 1
        yield "</body>\n</tmx>\n"

    write_atomically(Path(path), lambda stream: stream.writelines(line.encode() for line in lines()))
    return count


def _variant(language: str, text: str) -> str:
    return f"<tuv xml:lang={quoteattr(language)}><seg>{escape(_NOT_XML.sub('', text), _KEPT)}</seg></tuv>"
