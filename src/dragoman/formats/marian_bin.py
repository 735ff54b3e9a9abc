"""Marian's ``.bin``: a table of items, then their data on 256-byte boundaries. Reading; ``marian_bin_write``
writes.

    uint64 version = 1 | uint64 count | count x { uint64 name_bytes, type, rank, data_bytes }
    names, NUL-terminated | shapes, int32 | uint64 padding, padding | data

Two numberings of types exist: browsermt's (Bergamot, Firefox) and upstream's. Both are read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import ModelFormatError, UnsupportedModelError
from dragoman.formats.bounded import BoundedReader
from dragoman.formats.files import MODEL_LIMIT, read_bytes
from dragoman.formats.parameters import (
    ALPHA_SUFFIX,
    OPTIONS_NAME,
    Parameter,
    ParameterFile,
    checked_multiplier,
    freeze,
    parse_options,
    stored_transposed,
)

__all__ = ["TYPE_CODES", "VERSION", "Kind", "peek_kinds", "read_bin"]

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
_KINDS: dict[int, Kind] = {code: kind for codes in TYPE_CODES.values() for kind, code in codes.items()}
_KINDS[0x0201] = "int8"  # uint8, which some writers use for the options' text
_DTYPES: dict[Kind, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "int8": np.dtype("i1"),
    "intgemm8": np.dtype("i1"),
    "intgemm16": np.dtype("<i2"),
}
_PACKED_BITS = 0x0800 | 0x1000 | 0x2000
_HEADER_BYTES = 32
_MAX_RANK = 8
_MAX_NAME_BYTES = 1024


@dataclass(frozen=True)
class _Item:
    """One row of the table. ``kind`` is None for a type code we do not know."""

    name_bytes: int
    code: int
    rank: int
    data_bytes: int

    @property
    def kind(self) -> Kind | None:
        return _KINDS.get(self.code)


def read_bin(path: Path, *, mapped: bool = False) -> ParameterFile:
    """Read a model. Arrays are views of the file's bytes, without a copy.

    Args:
        path: the file.
        mapped: map the file instead of reading it into memory; for files that nobody edits in place, see
            ``files.read_bytes``.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFormatError: the table or an item contradicts the file's size or itself.
        UnsupportedModelError: a matrix is packed for one kind of CPU.
    """
    reader = BoundedReader(read_bytes(path, limit=MODEL_LIMIT, mapped=mapped), path)
    items = _table(reader)
    names = _names(reader, items)
    shapes = [_shape(reader, item, name) for item, name in zip(items, names, strict=True)]
    reader.take(reader.u64("the padding's length"), "the padding before the data")
    parameters: dict[str, Parameter] = {}
    alphas: dict[str, float] = {}
    options: dict[str, object] | None = None
    for item, name, shape in zip(items, names, shapes, strict=True):
        start = reader.position
        block = BoundedReader(reader.take(item.data_bytes, "the data", parameter=name), path)
        if name == OPTIONS_NAME:
            if item.kind != "int8":
                raise reader.fail(
                    "the model's options are not text", parameter=name, offset=start, found=hex(item.code)
                )
            options = parse_options(block.take(block.size, "the options"), path)
            continue
        kind = _parameter_kind(item, name, path)
        data, multiplier = _tensor(block, kind, shape, name, start)
        if name.endswith(ALPHA_SUFFIX):
            alphas[name.removesuffix(ALPHA_SUFFIX)] = _alpha(data, multiplier, path, name, start)
            continue
        transposed = multiplier is not None and stored_transposed(name)
        if transposed and len(shape) != 2:
            raise reader.fail(
                "a quantised parameter is not a matrix", parameter=name, offset=start, found=shape
            )
        stored = data.reshape(shape[::-1] if transposed else shape)
        parameters[name] = Parameter(name, shape, stored, multiplier, transposed)
    if reader.remaining:
        raise reader.fail("bytes follow the last item", expected=0, found=reader.remaining)
    if options is None:
        raise ModelFormatError(path, "the file has no item with the model's options", parameter=OPTIONS_NAME)
    return freeze(path, parameters, options, alphas)


def peek_kinds(path: Path) -> frozenset[Kind]:
    """The kinds of items in a file, from its table alone; packed and unknown ones are left out.

    Raises what ``read_bin`` raises for a damaged table.
    """
    with path.open("rb") as file:
        head = file.read(16)
        count = BoundedReader(head, path, position=8).u64("the number of items") if len(head) == 16 else 0
        head += file.read(min(count, 1 << 16) * _HEADER_BYTES)
    return frozenset(item.kind for item in _table(BoundedReader(head, path)) if item.kind is not None)


def _table(reader: BoundedReader) -> list[_Item]:
    version = reader.u64("the version")
    if version != VERSION:
        raise reader.fail(
            "this is not a Marian .bin model", offset=0, expected=f"version {VERSION}", found=version
        )
    count = reader.u64("the number of items")
    if count > reader.remaining // _HEADER_BYTES:
        raise reader.fail(
            "more items than the file can hold",
            offset=8,
            expected=reader.remaining // _HEADER_BYTES,
            found=count,
        )
    rows = reader.array("<u8", 4 * count, "the table of items").reshape(count, 4).tolist()
    return [_Item(*row) for row in rows]


def _names(reader: BoundedReader, items: list[_Item]) -> list[str]:
    names: list[str] = []
    for number, item in enumerate(items, 1):
        start = reader.position
        if not 2 <= item.name_bytes <= _MAX_NAME_BYTES:
            raise reader.fail(
                f"item {number} of {len(items)} has a name of impossible length", found=item.name_bytes
            )
        name = reader.text(item.name_bytes, f"the name of item {number} of {len(items)}")
        if name.find("\0") != len(name) - 1:
            raise reader.fail(
                f"the name of item {number} of {len(items)} does not end where it should", offset=start
            )
        names.append(name[:-1])
    if len(set(names)) != len(names):
        raise reader.fail("two items have the same name")
    return names


def _shape(reader: BoundedReader, item: _Item, name: str) -> tuple[int, ...]:
    start = reader.position
    if not 1 <= item.rank <= _MAX_RANK:
        raise reader.fail("impossible rank", parameter=name, expected=f"1 to {_MAX_RANK}", found=item.rank)
    shape = tuple(reader.array("<i4", item.rank, "the shape", parameter=name).tolist())
    if min(shape) < 1:
        raise reader.fail("impossible shape", parameter=name, offset=start, found=shape)
    return shape


def _parameter_kind(item: _Item, name: str, path: Path) -> Kind:
    kind = item.kind
    if kind is not None and kind != "int8":
        return kind
    upstream_packed = item.code & 0x10000 and item.code & 0xC000
    if kind is None and (item.code & _PACKED_BITS or upstream_packed) and item.code < 0x20000:
        raise UnsupportedModelError(
            f"type of {name}",
            hex(item.code),
            path=path,
            advice="It is packed for one kind of CPU: convert the model again with --gemm-type intgemm8.",
        )
    raise ModelFormatError(
        path,
        "unknown type",
        parameter=name,
        expected="float32, float16, intgemm8 or intgemm16",
        found=hex(item.code),
    )


def _tensor(
    block: BoundedReader, kind: Kind, shape: tuple[int, ...], name: str, start: int
) -> tuple[NDArray[Any], float | None]:
    """The values [elements] of one item and, if it is quantised, the multiplier behind them."""
    count = math.prod(shape)
    quantised = kind in ("intgemm8", "intgemm16")
    needed = count * _DTYPES[kind].itemsize + (4 if quantised else 0)
    if needed > block.size:
        raise block.fail(
            f"the data is too short for its shape {shape}",
            parameter=name,
            offset=start,
            expected=needed,
            found=block.size,
        )
    data = block.array(_DTYPES[kind], count, "the data", parameter=name)
    if not quantised:
        return data, None
    place = start + block.position
    return data, checked_multiplier(block.f32("the multiplier"), block.path, name, offset=place)


def _alpha(data: NDArray[Any], multiplier: float | None, path: Path, name: str, offset: int) -> float:
    """An activation multiplier: one float, or, where the name made Marian quantise it, an integer over a
    multiplier.
    """
    if data.size != 1:
        raise ModelFormatError(
            path, "an activation multiplier is one number", parameter=name, offset=offset, found=data.size
        )
    value = float(data[0])
    if multiplier is not None:
        with np.errstate(over="ignore"):  # infinity is refused below
            value = float(np.float32(value) / np.float32(multiplier))
    return checked_multiplier(value, path, name, offset=offset)
