"""What a file hands out to be translated, and what every reader of files gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dragoman.options import Split, TextFormat

__all__ = ["Document", "Settings", "Unit"]


@dataclass(frozen=True, slots=True)
class Unit:
    """One text: a message, a cell, a paragraph.

    Attributes:
        text: as the format says.
        format: "text", or how its marks are written: inline codes of any format travel as elements of XML.
        split: what ends a sentence within it.
    """

    text: str
    format: TextFormat = "text"
    split: Split = "paragraph"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a caller says of files.

    Attributes:
        source, target: languages, "" if not known. Some formats write them down.
        encoding: of text files; "" : by byte order mark or declaration, else UTF-8.
        split: of plain text.
        fuzzy: whether translated messages of catalogues are marked for review.
        columns: of tables: names, or numbers from 1; empty: all that hold words.
        header: whether the first row of a table names its columns.
        declare: whether pages and XML say that they are in the target language.
    """

    source: str = ""
    target: str = ""
    encoding: str = ""
    split: Split = "paragraph"
    fuzzy: bool = True
    columns: tuple[str, ...] = ()
    header: bool = True
    declare: bool = False


class Document(Protocol):
    """A file that was read."""

    @property
    def units(self) -> Sequence[Unit]:
        """All that is to be translated, in the order of the file."""
        ...

    def write(self, translated: Sequence[str | None]) -> bytes:
        """The file with its units replaced.

        Args:
            translated: one for each unit, in its format. None, and what equals the unit's text, leaves the file's
                bytes.
        """
        ...
