"""What a Marian model file holds, whatever its format: parameters, options and activation multipliers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import ModelFormatError
from dragoman.formats.yaml_text import parse_mapping

__all__ = [
    "ALPHA_SUFFIX",
    "OPTIONS_NAME",
    "Parameter",
    "ParameterFile",
    "checked_multiplier",
    "freeze",
    "parse_options",
    "stored_transposed",
]

OPTIONS_NAME = "special:model.yml"
"""The item that holds the model's options as YAML text."""

ALPHA_SUFFIX = "_QuantMultA"
"""Ends the name of an item that holds the activation multiplier (alpha) of the weight it is named after."""


@dataclass(frozen=True, eq=False)
class Parameter:
    """One named tensor of a model file, as stored.

    Attributes:
        name: Marian's name, without a prefix.
        shape: Marian's shape, [rows, cols] for a matrix, whatever the order in the file.
        data: float32, float16, int8 or int16, read-only, **in the file's order**: [rows, cols], but [cols,
            rows] where ``transposed``. May be a view of the whole file, then not necessarily aligned.
        multiplier: of a quantised matrix (value = integer / multiplier), finite and positive; None for
            floats.
        transposed: the stored block is [cols][rows]: quantised, and no 'Wemb' in the name.
    """

    name: str
    shape: tuple[int, ...]
    data: NDArray[Any]
    multiplier: float | None = None
    transposed: bool = False


@dataclass(frozen=True, eq=False)
class ParameterFile:
    """A whole model file.

    Attributes:
        path: where it was read from, or what it is to be called in messages.
        parameters: by name, sorted by name; alphas are not among them.
        options: ``special:model.yml``, parsed, as stored: absent keys have Marian's defaults. Empty if the file has
            no such item, as Nematus' own.
        alphas: activation multipliers by the **weight's** name; ``none`` is Marian's entry for unnamed
            weights.
        unread: items that cannot be parameters (training state, integers, empty ones), by name: why.
    """

    path: Path
    parameters: Mapping[str, Parameter]
    options: Mapping[str, object]
    alphas: Mapping[str, float]
    unread: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def nbytes(self) -> int:
        """Bytes of all parameters as stored, without headers and padding."""
        return sum(parameter.data.nbytes for parameter in self.parameters.values())


def freeze(
    path: Path,
    parameters: Mapping[str, Parameter],
    options: Mapping[str, object],
    alphas: Mapping[str, float],
    unread: Mapping[str, str] = MappingProxyType({}),
) -> ParameterFile:
    """A ParameterFile over sorted, read-only copies of these mappings."""
    return ParameterFile(
        path=path,
        parameters=MappingProxyType(dict(sorted(parameters.items()))),
        options=MappingProxyType(dict(options)),
        alphas=MappingProxyType(dict(sorted(alphas.items()))),
        unread=MappingProxyType(dict(unread)),
    )


def stored_transposed(name: str) -> bool:
    """Whether Marian stores the integers of the quantised matrix ``name`` as [cols][rows]."""
    return "Wemb" not in name


def checked_multiplier(value: float, path: Path, name: str, *, offset: int | None = None) -> float:
    """``value`` if it can be a multiplier, that is finite and positive; else raises ModelFormatError."""
    if not (math.isfinite(value) and value > 0):
        raise ModelFormatError(
            path,
            "the quantisation multiplier is impossible",
            parameter=name,
            offset=offset,
            expected="a finite positive number",
            found=value,
        )
    return value


def parse_options(data: bytes | memoryview | NDArray[Any], path: Path) -> dict[str, object]:
    """The options from the bytes of ``special:model.yml``: text up to the first NUL. Raises
    ModelFormatError.
    """
    raw = data.tobytes() if isinstance(data, np.ndarray) else bytes(data)
    try:
        text = raw.split(b"\0", 1)[0].decode("utf-8")
    except UnicodeDecodeError:
        raise ModelFormatError(path, "the model's options are not UTF-8", parameter=OPTIONS_NAME) from None
    return parse_mapping(text, path, parameter=OPTIONS_NAME)
