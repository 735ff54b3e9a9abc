"""Float models to int8 or int16 by Marian's rules, and back. Pure functions on frozen records.

Rules: marian-formats (which names), marian-semantics 4.2 and 4.5 (the arithmetic).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import WeightsError
from dragoman.formats.parameters import Parameter, ParameterFile, freeze, stored_transposed

__all__ = ["dequantize", "is_quantized_name", "quantize", "quantize_parameter"]

_INT16_MULTIPLIER = 1024.0


def is_quantized_name(name: str) -> bool:
    """Whether Marian quantises the matrix of this name: the first ``_W`` near the end, or ``Wemb`` anywhere.

    ``_W``, ``_Wq`` and ``_W1`` are; ``_W10``, ``_W_comb_att``, ``_U`` and everything else stay float32.
    """
    place = name.find("_W")
    return "Wemb" in name or (place >= 0 and len(name) - place <= len("_Wq"))


def quantize(
    file: ParameterFile, *, bits: Literal[8, 16] = 8, alphas: Mapping[str, float] | None = None
) -> ParameterFile:
    """The model with its weight matrices as integers; float16 parameters become float32, as in Marian.

    Args:
        file: a float model. Not modified.
        bits: 8, a multiplier of 127 / max|w| for each matrix, or 16, multiplier 1024.
        alphas: activation multipliers by weight name, in place of the file's own. Left out at 16 bits, where
            activations are multiplied by 1024 too.

    Raises:
        WeightsError: a matrix is quantised already, is not a matrix, or holds infinities or NaN.
    """
    parameters = {
        name: quantize_parameter(parameter, bits=bits) if is_quantized_name(name) else _as_float32(parameter)
        for name, parameter in file.parameters.items()
    }
    kept = file.alphas if alphas is None else alphas
    return freeze(file.path, parameters, file.options, kept if bits == 8 else {})


def quantize_parameter(parameter: Parameter, *, bits: Literal[8, 16] = 8) -> Parameter:
    """One float matrix as integers: round half to even, clamped symmetrically, stored in Marian's order."""
    weights = _as_float32(parameter).data
    if len(parameter.shape) != 2:
        raise WeightsError(parameter.name, f"only matrices can be quantised, not shape {parameter.shape}.")
    largest = np.float32(np.max(np.abs(weights)))
    if not np.isfinite(largest):
        raise WeightsError(parameter.name, "holds infinities or NaN and cannot be quantised.")
    limit = np.float32(127 if bits == 8 else 32767)
    multiplier = np.float32(_INT16_MULTIPLIER) if bits == 16 else _int8_multiplier(largest)
    with np.errstate(over="ignore"):  # beyond the limit is clamped, however far
        scaled = np.clip(np.rint(weights * multiplier), -limit, limit)
    integers = scaled.astype(np.int8 if bits == 8 else np.int16)
    transposed = stored_transposed(parameter.name)
    stored = np.ascontiguousarray(integers.T if transposed else integers)
    stored.flags.writeable = False
    return Parameter(parameter.name, parameter.shape, stored, float(multiplier), transposed)


def _int8_multiplier(largest: np.float32) -> Any:
    """127 / largest; 1 where that overflows, for matrices of zeros and of denormals."""
    with np.errstate(divide="ignore", over="ignore"):
        multiplier = np.float32(127 / largest)
    return multiplier if np.isfinite(multiplier) else np.float32(1)


def dequantize(parameter: Parameter) -> NDArray[np.float32]:
    """The values of any parameter as float32 [rows, cols], in Marian's arithmetic: integer * (1 /
    multiplier).
    """
    if parameter.multiplier is None:
        return _as_float32(parameter).data
    data = parameter.data.T if parameter.transposed else parameter.data
    values: NDArray[np.float32] = data.astype(np.float32) * (np.float32(1) / np.float32(parameter.multiplier))
    return np.ascontiguousarray(values)


def _as_float32(parameter: Parameter) -> Parameter:
    if parameter.multiplier is not None or parameter.data.dtype.kind != "f":
        raise WeightsError(parameter.name, "is quantised already: start from the float model.")
    if parameter.data.dtype == np.float32:
        return parameter
    data: NDArray[Any] = parameter.data.astype(np.float32)
    data.flags.writeable = False
    return Parameter(parameter.name, parameter.shape, data)
