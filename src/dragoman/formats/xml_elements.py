"""XML exchange files, such as TBX and TMX, as a stream of elements: bounded, without entities, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from dragoman.errors import TextFormatError

__all__ = ["Element", "read_elements"]

_MOST_BYTES = 4 << 30
_MOST_DEPTH = 200
_MOST_TEXT = 1 << 20
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its beginning, with ``text`` None, or its end, with its text.

    Attributes:
        name: without namespace.
        attributes: likewise; ``xml:lang`` is ``lang``.
        text: its characters, those of elements inside it too, if it is one whose text is wanted; else "".
        line: where it begins or ends.
    """

    name: str
    attributes: Mapping[str, str]
    text: str | None
    line: int

    @property
    def ends(self) -> bool:
        return self.text is not None


def read_elements(path: Path, texts_of: frozenset[str], *, opaque: frozenset[str] = frozenset()) -> Iterator[Element]:
    """Beginnings and ends of elements, in the order of the file, which is read as they are asked for.

    Args:
        path: the file, up to 4 GiB.
        texts_of: names of the elements whose text is wanted.
        opaque: names of elements inside them whose text is no part of it.

    Raises TextFormatError if it cannot be read or is not well-formed, declares entities, is nested more than 200 deep,
    or has a text of more than 1 Mi characters.
    """
    return _Reader(path, texts_of, opaque).elements()


class _Reader:
    def __init__(self, path: Path, texts_of: frozenset[str], opaque: frozenset[str]) -> None:
        self._path, self._texts_of, self._opaque = path, texts_of, opaque
        self._found: list[Element] = []
        self._open: list[tuple[str, Mapping[str, str]]] = []
        self._parts: list[str] | None = None  # of the text that is wanted and open
        self._outer = self._hidden = self._size = 0  # depth of its element; opaque elements open in it; characters
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._entity

    def elements(self) -> Iterator[Element]:
        read = 0
        try:
            with self._path.open("rb") as stream:
                while True:
                    chunk = stream.read(_CHUNK)
                    read += len(chunk)
                    if read > _MOST_BYTES:
                        raise self._error("more than 4 GiB.")
                    self._parser.Parse(chunk, not chunk)
                    found, self._found = self._found, []
                    yield from found
                    if not chunk:
                        return
        except OSError as error:
            raise TextFormatError(self._path, f"cannot be read: {error.strerror or error}.") from error
        except expat.ExpatError as error:
            problem = f"not well-formed XML: {expat.ErrorString(error.code)}."
            raise TextFormatError(self._path, problem, line=error.lineno) from None
        except LookupError as error:  # an encoding that Python does not know
            raise TextFormatError(self._path, f"not XML that can be read: {error}.") from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) == _MOST_DEPTH:
            raise self._error(f"elements are nested more than {_MOST_DEPTH} deep.")
        local = {key.rpartition(":")[2]: value for key, value in attributes.items() if not key.startswith("xmlns")}
        own = name.rpartition(":")[2]
        self._open.append((own, local))
        self._found.append(Element(own, local, None, self._parser.CurrentLineNumber))
        if self._parts is not None:
            self._hidden += own in self._opaque
        elif own in self._texts_of:
            self._parts, self._outer, self._hidden, self._size = [], len(self._open), 0, 0

    def _end(self, name: str) -> None:
        own, attributes = self._open.pop()
        text = ""
        if self._parts is not None:
            if len(self._open) < self._outer:
                text, self._parts = "".join(self._parts), None
            else:
                self._hidden -= own in self._opaque
        self._found.append(Element(own, attributes, text, self._parser.CurrentLineNumber))

    def _text(self, text: str) -> None:
        if self._parts is None or self._hidden:
            return
        self._size += len(text)
        if self._size > _MOST_TEXT:
            raise self._error(f"a text of more than {_MOST_TEXT} characters.")
        self._parts.append(text)

    def _entity(self, name: str, *_: object) -> None:
        raise self._error(f"the entity {name!r} is declared: files with entities of their own are not read.")

    def _error(self, problem: str) -> TextFormatError:
        return TextFormatError(self._path, problem, line=self._parser.CurrentLineNumber)
