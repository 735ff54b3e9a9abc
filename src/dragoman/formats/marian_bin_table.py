"""The table at the start of Marian's ``.bin``: which items there are, of which type.

Two numberings of types exist: browsermt's (Bergamot, Firefox) and upstream's. Both are read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dragoman.formats.bounded import BoundedReader
from dragoman.formats.files import read_head

__all__ = ["OTHER_NUMBERS", "TYPE_CODES", "VERSION", "Item", "Kind", "peek_kinds", "read_table"]

Kind = Literal["float32", "float16", "int8", "intgemm8", "intgemm16"]

VERSION = 1
TYPE_CODES: dict[str, dict[Kind, int]] = {
    "browsermt": {
        "float32": 0x0404,
        "float16": 0x0402,
        "int8": 0x0101,
        "intgemm8": 0x4101,
        "intgemm16": 0x4102,
    },
    "upstream": {
        "float32": 0x0404,
        "float16": 0x0402,
        "int8": 0x0101,
        "intgemm8": 0x10001,
        "intgemm16": 0x10002,
    },
}
OTHER_NUMBERS = frozenset(
    {0x0102, 0x0104, 0x0108, 0x0201, 0x0202, 0x0204, 0x0208, 0x0408}  # int16 to int64, uint8 to uint64, float64
)
"""Types that no parameter has, but what trainings leave in a file."""

_KINDS: dict[int, Kind] = {code: kind for codes in TYPE_CODES.values() for kind, code in codes.items()}
_KINDS[0x0201] = "int8"  # uint8, which some writers use for the options' text
_ROW = struct.Struct("<4Q")
_MOST_ITEMS = 1 << 16


@dataclass(frozen=True)
class Item:
    """One row of the table. ``kind`` is None for a type code we do not know."""

    name_bytes: int
    code: int
    rank: int
    data_bytes: int

    @property
    def kind(self) -> Kind | None:
        return _KINDS.get(self.code)


def peek_kinds(path: Path) -> frozenset[Kind]:
    """The kinds of items in a file, from its table alone; packed and unknown ones are left out.

    Raises what ``read_bin`` raises for a damaged table.
    """
    head = read_head(path, 16)
    count = BoundedReader(head, path, position=8).u64("the number of items") if len(head) == 16 else 0
    head = read_head(path, 16 + min(count, _MOST_ITEMS) * _ROW.size)
    return frozenset(item.kind for item in read_table(BoundedReader(head, path)) if item.kind is not None)


def read_table(reader: BoundedReader) -> list[Item]:
    """The items, from the start of a file. Raises ModelFormatError."""
    version = reader.u64("the version")
    if version != VERSION:
        raise reader.fail(
            "this is not a Marian .bin model", offset=0, expected=f"version {VERSION}", found=version
        )
    count = reader.u64("the number of items")
    if count > reader.remaining // _ROW.size:
        raise reader.fail(
            "more items than the file can hold",
            offset=8,
            expected=reader.remaining // _ROW.size,
            found=count,
        )
    rows = reader.take(count * _ROW.size, "the table of items")
    return [Item(*row) for row in _ROW.iter_unpack(rows)]
