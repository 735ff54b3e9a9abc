"""Marian's ``.bin``: a table of items (``marian_bin_table``), then their data on 256-byte boundaries. Reading;
``marian_bin_write`` writes.

    uint64 version = 1 | uint64 count | count x { uint64 name_bytes, type, rank, data_bytes }
    names, NUL-terminated | shapes, int32 | uint64 padding, padding | data
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import ModelFormatError, UnsupportedModelError
from dragoman.formats.bounded import BoundedReader
from dragoman.formats.files import MODEL_LIMIT, read_bytes
from dragoman.formats.marian_bin_table import OTHER_NUMBERS, Item, Kind, read_table
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

__all__ = ["read_bin"]

_DTYPES: dict[Kind, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "int8": np.dtype("i1"),
    "intgemm8": np.dtype("i1"),
    "intgemm16": np.dtype("<i2"),
}
_PACKED_BITS = 0x0800 | 0x1000 | 0x2000
_MAX_RANK = 8
_MAX_NAME_BYTES = 1024


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
    items = read_table(reader)
    names = _names(reader, items)
    shapes = [_shape(reader, item, name) for item, name in zip(items, names, strict=True)]
    reader.take(reader.u64("the padding's length"), "the padding before the data")
    parameters: dict[str, Parameter] = {}
    alphas: dict[str, float] = {}
    options: dict[str, object] = {}
    unread: dict[str, str] = {}
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
        problem = _problem(item, shape)
        if problem is not None and not name.endswith(ALPHA_SUFFIX):
            unread[name] = problem
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
    return freeze(path, parameters, options, alphas, unread)


def _names(reader: BoundedReader, items: list[Item]) -> list[str]:
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


def _shape(reader: BoundedReader, item: Item, name: str) -> tuple[int, ...]:
    start = reader.position
    if not 1 <= item.rank <= _MAX_RANK:
        raise reader.fail("impossible rank", parameter=name, expected=f"1 to {_MAX_RANK}", found=item.rank)
    shape = tuple(reader.array("<i4", item.rank, "the shape", parameter=name).tolist())
    if min(shape) < 0:
        raise reader.fail("impossible shape", parameter=name, offset=start, found=shape)
    return shape


def _problem(item: Item, shape: tuple[int, ...]) -> str | None:
    """Why the item is no parameter, but what amun (``decoder_c_tt``) or a training left there; None if it is one."""
    if 0 in shape:
        return f"it is empty, of shape {shape}"
    if item.kind == "int8" or item.code in OTHER_NUMBERS:
        return f"its type is {hex(item.code)}, not float32, float16, intgemm8 or intgemm16"
    return None


def _parameter_kind(item: Item, name: str, path: Path) -> Kind:
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
