"""Marian's ``.npz``: a zip archive of NumPy arrays, one per parameter, and the options as
``special:model.yml``.

Format: docs of the project, marian-formats; NEP 1 for the array headers. Marian reads the archive's local
headers itself and knows neither ZIP64 nor compression, hence the plain way of writing.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import ModelFormatError, WeightsError
from dragoman.formats.bounded import BoundedReader
from dragoman.formats.files import MODEL_LIMIT, read_bytes, write_atomically
from dragoman.formats.parameters import (
    ALPHA_SUFFIX,
    OPTIONS_NAME,
    Parameter,
    ParameterFile,
    checked_multiplier,
    freeze,
    parse_options,
)
from dragoman.formats.yaml_text import dump_mapping
from dragoman.formats.zip_members import zip_members

__all__ = ["read_npz", "write_npz"]

_MAGIC = b"\x93NUMPY"
_MAX_RANK = 4
_MAX_HEADER_BYTES = 4096
_FIELD = re.compile(
    r"\s*'(descr|fortran_order|shape)'\s*:\s*(?:'([^']{1,16})'|(True|False)|\(([0-9L, ]{0,200})\))\s*,?"
)
_FLOATS: dict[str, np.dtype[Any]] = {"<f4": np.dtype("<f4"), "<f2": np.dtype("<f2")}
_BYTES: dict[str, np.dtype[Any]] = {
    "|i1": np.dtype("i1"),
    "<i1": np.dtype("i1"),
    "|u1": np.dtype("u1"),
    "<u1": np.dtype("u1"),
}


def read_npz(path: Path, *, mapped: bool = False) -> ParameterFile:
    """Read a model; every array is a copy, aligned and read-only, so the file is not kept.

    Args:
        path: the file.
        mapped: see ``files.read_bytes``; halves the memory needed while reading.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFormatError: it is no archive of arrays, or damaged.

    Arrays that are neither float32 nor float16, or hold nothing, are what trainings left there: `unread`.
    """
    buffer = read_bytes(path, limit=MODEL_LIMIT, mapped=mapped)
    parameters: dict[str, Parameter] = {}
    alphas: dict[str, float] = {}
    options: dict[str, object] = {}
    unread: dict[str, str] = {}
    for member, contents in zip_members(buffer, path):
        name = member.removesuffix(".npy")
        if name == OPTIONS_NAME:
            options = parse_options(_Array.of(contents, path, name).read(_BYTES), path)
            continue
        stored = _Array.of(contents, path, name)
        problem = stored.problem(_FLOATS)
        if problem is not None and not name.endswith(ALPHA_SUFFIX):
            unread[name] = problem
            continue
        array = stored.read(_FLOATS)
        if name.endswith(ALPHA_SUFFIX):
            weight = name.removesuffix(ALPHA_SUFFIX)
            alphas[weight] = checked_multiplier(_single(array, path, name), path, name)
        else:
            parameters[name] = Parameter(name=name, shape=array.shape, data=array)
    return freeze(path, parameters, options, alphas, unread)


def write_npz(file: ParameterFile, path: Path) -> None:
    """Write a float model so that Marian can read it, the same bytes for the same model.

    Raises:
        WeightsError: a parameter is quantised: ``.npz`` holds floats only.
    """

    def write(stream: BinaryIO) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            for parameter in file.parameters.values():
                if parameter.data.dtype not in _FLOATS.values():
                    raise WeightsError(
                        parameter.name, f"{parameter.data.dtype} cannot be written to an .npz file."
                    )
                _write_member(archive, parameter.name, parameter.data.reshape(parameter.shape))
            for weight, alpha in file.alphas.items():
                _write_member(archive, weight + ALPHA_SUFFIX, np.full((1, 1), alpha, np.float32))
            text = dump_mapping(dict(file.options)).encode() + b"\0"
            text += bytes(-len(text) % 256)
            _write_member(archive, OPTIONS_NAME, np.frombuffer(text, np.int8))

    write_atomically(path, write)


def _write_member(archive: zipfile.ZipFile, name: str, array: NDArray[Any]) -> None:
    body = io.BytesIO()
    np.lib.format.write_array(body, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    # writestr knows the size beforehand and writes no ZIP64 field below 2 GB, unlike numpy.savez.
    archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), body.getvalue())


@dataclass(frozen=True, eq=False)
class _Array:
    """One ``.npy`` member, its header read. Offsets in errors count from the member's start."""

    path: Path
    name: str
    kind: str
    fortran: bool
    shape: tuple[int, ...]
    rest: BoundedReader

    @classmethod
    def of(cls, contents: memoryview, path: Path, name: str) -> _Array:
        """Raises ModelFormatError if it is no array."""
        reader = BoundedReader(contents, path)

        def fail(problem: str, *, expected: object = None, found: object = None) -> ModelFormatError:
            return ModelFormatError(path, problem, parameter=name, expected=expected, found=found)

        if bytes(reader.take(6, "the array's magic", parameter=name)) != _MAGIC:
            raise fail("the member is not a NumPy array")
        version = bytes(reader.take(2, "the array's version", parameter=name))[0]
        if version not in (1, 2, 3):
            raise fail("unknown version of NumPy's array format", expected="1, 2 or 3", found=version)
        header_bytes = reader.u16("the array's header") if version == 1 else reader.u32("the array's header")
        if header_bytes > _MAX_HEADER_BYTES:
            raise fail("the array's header is too long", expected=_MAX_HEADER_BYTES, found=header_bytes)
        kind, fortran, shape = _header(str(reader.take(header_bytes, "the array's header"), "latin-1"), fail)
        return cls(path, name, kind, fortran, shape, reader)

    def problem(self, kinds: Mapping[str, np.dtype[Any]]) -> str | None:
        """Why this cannot be an array that Marian reads, or None."""
        if self.kind not in kinds:
            return f"its type is {self.kind}, not {' or '.join(kinds)}"
        if not 1 <= len(self.shape) <= _MAX_RANK or 0 in self.shape:
            return f"its shape {self.shape} is impossible"
        return None

    def read(self, kinds: Mapping[str, np.dtype[Any]]) -> NDArray[Any]:
        """A read-only, C-ordered copy. Raises ModelFormatError if there is a problem."""
        problem = self.problem(kinds)
        count = math.prod(self.shape)
        if problem is None and self.rest.remaining != count * kinds[self.kind].itemsize:
            problem = f"the array's size does not fit its shape {self.shape}"
        if problem is not None:
            raise ModelFormatError(self.path, problem, parameter=self.name, found=self.rest.remaining)
        flat = self.rest.array(kinds[self.kind], count, "the array", parameter=self.name)
        array = np.array(flat.reshape(self.shape, order="F" if self.fortran else "C"), order="C")
        array.flags.writeable = False
        return array


def _header(text: str, fail: Callable[..., ModelFormatError]) -> tuple[str, bool, tuple[int, ...]]:
    """``descr``, ``fortran_order`` and ``shape`` of an array header.

    A strict pattern instead of ``ast.literal_eval``: hostile nesting can exhaust the stack of Python's own
    parser.
    """
    body = text.strip()
    fields: dict[str, str] = {}
    position = 1
    while match := _FIELD.match(body, position):
        fields[match[1]] = match[2] or match[3] or match[4] or ""
        position = match.end()
    rest = body[position:].strip()
    if (
        not body.startswith("{")
        or rest != "}"
        or len(fields) != 3
        or fields["fortran_order"] not in ("True", "False")
    ):
        raise fail("the array's header is not what NumPy writes", found=body[:80])
    shape = tuple(int(extent) for extent in re.findall(r"\d+", fields["shape"]))
    return fields["descr"], fields["fortran_order"] == "True", shape


def _single(array: NDArray[Any], path: Path, name: str) -> float:
    if array.size != 1:
        raise ModelFormatError(
            path, "an activation multiplier is one number", parameter=name, found=array.shape
        )
    return float(array.reshape(-1)[0])
