"""Plain vocabularies as text: YAML and JSON maps from piece to id, or one piece a line. Both ways.

Pieces are text, always: ``1``, ``null``, ``~`` and ``yes`` are pieces like any other. So YAML is read from
the parser's events; no resolver can make numbers of them, and 60 000 entries need no tree of objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from dragoman.errors import DAMAGED_ADVICE, ModelFormatError
from dragoman.formats.compression import plain_suffix
from dragoman.formats.files import write_atomically
from dragoman.formats.yaml_text import QUOTE_ADVICE, parse_events

__all__ = ["parse_json", "parse_lines", "parse_text", "parse_yaml", "write_vocabulary"]

MAX_ID = (1 << 24) - 1
"""Highest id accepted; the largest vocabularies known have some 500 000 pieces."""

_DECIMAL = re.compile(r"[0-9]{1,12}")

_ODD = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufeff\\ufffe\\uffff]")
"""What libyaml refuses or takes for the end of a line, and yaml-cpp for characters like any other. They are read in
disguise, as characters for private use that no text has."""
_DISGUISE = 0xF0000
_DISGUISED = re.compile("[\U000f0000-\U000fffff]")


def parse_text(text: str, path: Path) -> dict[str, int]:
    """Pieces and ids of a text whose format the path's suffix tells."""
    suffix = plain_suffix(path)
    if suffix in (".yml", ".yaml"):
        return parse_yaml(text, path)
    return parse_json(text, path) if suffix == ".json" else parse_lines(text, path)


def parse_yaml(text: str, path: Path) -> dict[str, int]:
    """A YAML mapping from piece to id, as yaml-cpp writes and Marian reads it: of equal keys the first counts, and any
    character may stand in one, also those that YAML itself forbids or takes for line ends.

    Raises ModelFormatError, with the line, for anything else.
    """
    ids = _Ids(path, repeats=True)
    key: str | None = None
    depth = 0
    odd = _ODD.search(text) is not None
    for event in parse_events(_ODD.sub(_disguised, text) if odd else text, path, advice=QUOTE_ADVICE):
        if isinstance(event, yaml.ScalarEvent):
            if depth != 1:
                raise ids.fail("the vocabulary is not a mapping", 1)
            if event.anchor is not None or event.tag is not None:
                raise ids.fail("a piece begins with a mark of YAML and is not quoted", _line(event), quote=True)
            if key is None:
                key = _DISGUISED.sub(_undisguised, event.value) if odd else event.value
                continue
            value = str(event.value)
            if not _DECIMAL.fullmatch(value):
                raise ids.fail("an id is not a number", _line(event), piece=key, found=value[:40], quote=True)
            ids.add(key, int(value), _line(event))
            key = None
        elif isinstance(event, yaml.MappingStartEvent) and depth == 0:
            depth = 1
        elif isinstance(event, (yaml.NodeEvent, yaml.CollectionStartEvent)):
            raise ids.fail("only pieces and ids may be in the mapping", _line(event), piece=key, quote=True)
        elif isinstance(event, yaml.MappingEndEvent):
            depth = 2  # nothing may follow
        elif isinstance(event, yaml.DocumentStartEvent) and depth == 2:
            raise ids.fail("a second YAML document follows", _line(event))
    return ids.finish()


def parse_json(text: str, path: Path) -> dict[str, int]:
    """A JSON object from piece to id; of equal keys the first counts. Raises ModelFormatError for anything else."""
    ids = _Ids(path, repeats=True)

    def collect(pairs: list[tuple[str, Any]]) -> None:
        for piece, id_ in pairs:
            if type(id_) is not int:
                raise ids.fail("an id is not a number", piece=piece, found=type(id_).__name__)
            ids.add(piece, id_)

    try:
        # An object nested in another is None by the time the outer one is collected, and so is refused there.
        value = json.loads(text, object_pairs_hook=collect)
    except RecursionError:
        raise ids.fail("the JSON text is nested too deeply") from None
    except ValueError as error:  # also numbers of more digits than int() accepts
        raise ids.fail(f"not valid JSON: {str(error)[:120]}", getattr(error, "lineno", None)) from None
    if value is not None:
        raise ids.fail(f"not a JSON object but a {type(value).__name__}")
    return ids.finish()


def parse_lines(text: str, path: Path) -> dict[str, int]:
    """One piece a line, the id is the line's number from 0. Raises ModelFormatError for empty or repeated
    lines.
    """
    ids = _Ids(path)
    lines = text.split("\n")  # not splitlines(): pieces may contain U+2028 and the like
    if lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines):
        piece = line.removesuffix("\r")
        if not piece:
            raise ids.fail("the line is empty", number + 1)
        if "\ufffd" in piece and piece in ids:
            continue  # different bytes that are no text, equal after replacement
        ids.add(piece, number, number + 1)
    return ids.finish()


def write_vocabulary(ids: Mapping[str, int], path: Path) -> None:
    """Write pieces and ids in the format that the suffix names: ``.yml``, ``.yaml``, ``.json``, or else as
    lines.

    Raises:
        ValueError: lines cannot hold these pieces: ids with gaps, or pieces that are empty or contain a
            newline.
    """
    ordered = sorted(ids.items(), key=lambda entry: entry[1])
    suffix = path.suffix.lower()
    if suffix in (".yml", ".yaml"):
        # A JSON string is a double-quoted YAML string.
        text = "".join(f"{_quoted(piece)}: {id_}\n" for piece, id_ in ordered)
    elif suffix == ".json":
        text = json.dumps(dict(ordered), ensure_ascii=False, indent=2) + "\n"
    else:
        text = _as_lines(ordered)
    write_atomically(path, lambda stream: _discard(stream.write(text.encode("utf-8"))))


def _quoted(piece: str) -> str:
    """A piece as a YAML string. ASCII for what YAML does not allow or would fold, as in U+0085 and U+2028."""
    plain = (
        piece.isprintable() and "\ufeff" not in piece and all(ord(character) <= 0xFFFF for character in piece)
    )
    if plain:
        return json.dumps(piece, ensure_ascii=False)
    return '"' + "".join(_escaped(character) for character in piece) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return "\\" + character
    if 0x20 <= code < 0x7F:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _as_lines(ordered: Iterable[tuple[str, int]]) -> str:
    lines = []
    for number, (piece, id_) in enumerate(ordered):
        if id_ != number or not piece or "\n" in piece or piece.endswith("\r"):
            raise ValueError(f"a vocabulary of lines cannot hold the piece {piece!r} with id {id_}")
        lines.append(piece + "\n")
    return "".join(lines)


def _disguised(match: re.Match[str]) -> str:
    return chr(_DISGUISE + ord(match[0]))


def _undisguised(match: re.Match[str]) -> str:
    return chr(ord(match[0]) - _DISGUISE)


def _discard(_: int) -> None:
    return None


def _line(event: Any) -> int:
    line: int = event.start_mark.line + 1
    return line


class _Ids:
    """Collects pieces and ids of one file and refuses what cannot be a vocabulary.

    ``repeats``: pieces may come again, and the first counts; several may share an id (``std::map::insert``).
    """

    def __init__(self, path: Path, *, repeats: bool = False) -> None:
        self._path = path
        self._repeats = repeats
        self._ids: dict[str, int] = {}

    def fail(
        self,
        problem: str,
        line: int | None = None,
        *,
        piece: str | None = None,
        found: object = None,
        quote: bool = False,
    ) -> ModelFormatError:
        advice = QUOTE_ADVICE if quote else DAMAGED_ADVICE
        return ModelFormatError(
            self._path, problem, parameter=piece, offset=line, unit="line", found=found, advice=advice
        )

    def __contains__(self, piece: str) -> bool:
        return piece in self._ids

    def add(self, piece: str, id_: int, line: int | None = None) -> None:
        if not 0 <= id_ <= MAX_ID:
            raise self.fail(f"an id is not in 0 .. {MAX_ID}", line, piece=piece, found=id_)
        if piece not in self._ids:
            self._ids[piece] = id_
        elif not self._repeats:
            raise self.fail("the piece is there twice", line, piece=piece)

    def finish(self) -> dict[str, int]:
        if not self._ids:
            raise self.fail("the vocabulary is empty")
        try:
            "".join(self._ids).encode("utf-8")
        except UnicodeEncodeError:
            raise self.fail("a piece holds half of a surrogate pair") from None
        return self._ids
