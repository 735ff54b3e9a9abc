"""Writing Marian's ``.bin``, byte for byte in the layout that Marian's own converter uses."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from dragoman.errors import WeightsError
from dragoman.formats.files import write_atomically
from dragoman.formats.marian_bin_table import TYPE_CODES, VERSION, Kind
from dragoman.formats.parameters import ALPHA_SUFFIX, OPTIONS_NAME, Parameter, ParameterFile
from dragoman.formats.yaml_text import dump_mapping

__all__ = ["write_bin"]

_ALIGNMENT = 256
_ALPHA_INTEGER = 127


@dataclass(frozen=True)
class _Item:
    name: bytes
    kind: Kind
    shape: tuple[int, ...]
    data: bytes


def write_bin(
    file: ParameterFile, path: Path, *, numbering: Literal["browsermt", "upstream"] = "browsermt"
) -> None:
    """Write a model of any precision.

    Args:
        file: parameters of float32, float16, int8 or int16, integers in the order they have in a file.
        path: written under a temporary name, then renamed.
        numbering: type codes of Bergamot's and Firefox's Marian, or of upstream's.

    Raises:
        WeightsError: a parameter has another type, or integers without a multiplier.
    """
    items = [_parameter_item(parameter) for parameter in file.parameters.values()]
    quantised = any(item.kind == "intgemm8" for item in items)
    items += [_alpha_item(weight, alpha, quantised) for weight, alpha in file.alphas.items()]
    items.sort(key=lambda item: item.name)
    text = dump_mapping(dict(file.options)).encode() + b"\0"
    items.append(_Item(OPTIONS_NAME.encode() + b"\0", "int8", (len(text),), text))
    codes = TYPE_CODES[numbering]

    def write(stream: BinaryIO) -> None:
        head = struct.pack("<2Q", VERSION, len(items))
        head += b"".join(
            struct.pack("<4Q", len(item.name), codes[item.kind], len(item.shape), len(item.data))
            for item in items
        )
        head += b"".join(item.name for item in items)
        head += b"".join(struct.pack(f"<{len(item.shape)}i", *item.shape) for item in items)
        padding = -(len(head) + 8) % _ALIGNMENT
        stream.write(head + struct.pack("<Q", padding) + bytes(padding))
        for item in items:
            stream.write(item.data)

    write_atomically(path, write)


def _parameter_item(parameter: Parameter) -> _Item:
    kinds: dict[str, Kind] = {
        "float32": "float32",
        "float16": "float16",
        "int8": "intgemm8",
        "int16": "intgemm16",
    }
    kind = kinds.get(parameter.data.dtype.name)
    if kind is None:
        raise WeightsError(parameter.name, f"{parameter.data.dtype} cannot be written to a .bin file.")
    data = np.ascontiguousarray(parameter.data).tobytes()
    if kind.startswith("intgemm"):
        if parameter.multiplier is None:
            raise WeightsError(parameter.name, "integers need a quantisation multiplier.")
        data += struct.pack("<f", parameter.multiplier)
    return _Item(parameter.name.encode() + b"\0", kind, parameter.shape, _padded(data))


def _alpha_item(weight: str, alpha: float, quantised: bool) -> _Item:
    name = (weight + ALPHA_SUFFIX).encode() + b"\0"
    if quantised and "Wemb" in weight:
        # Marian quantises whatever has Wemb in its name: the largest value, this one, becomes 127.
        multiplier = float(np.float32(_ALPHA_INTEGER) / np.float32(alpha))
        return _Item(name, "intgemm8", (1, 1), _padded(struct.pack("<bf", _ALPHA_INTEGER, multiplier)))
    return _Item(name, "float32", (1, 1), _padded(struct.pack("<f", alpha)))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)
