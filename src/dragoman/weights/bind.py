"""The slots of a plan bound to the arrays of one model file: logical order, no packing, no memory layout.

Every back end starts from these records: packing (and through it the native engine) and the reference
interpreter. Arrays are read-only and, where nothing must be joined or converted, views of the file's data
(then possibly unaligned and with any strides).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.backends.slots import BoundMatrix, BoundSlot, BoundTable, BoundVector
from dragoman.errors import ModelFormatError, WeightsError
from dragoman.formats.parameters import Parameter, ParameterFile
from dragoman.formats.quantize import dequantize, quantize_parameter
from dragoman.planning.plan import Plan
from dragoman.planning.records import MatrixSlot, Precision, Slot, TableSlot

__all__ = ["bind"]

UNNAMED_ALPHA = "none"
"""Marian's alpha for products of matrices that have no name of their own (joined, or transposed)."""


def bind(plan: Plan, file: ParameterFile) -> tuple[BoundSlot, ...]:
    """The arrays of every slot, in the order of ``plan.slots``.

    Matrices come in the precision that the plan says, whatever the file holds: floats are quantised by
    Marian's rule (beta = 127 / max|W|, half to even), integers dequantised (integer * (1 / beta)), int16 by
    way of floats. Rows of a table are the model's own vocabulary size.

    Raises:
        ModelFormatError: a parameter or an alpha is missing, has another shape, or cannot be such a matrix.
        WeightsError: a float matrix cannot be quantised, or parts that share an input have different alphas.
    """
    return tuple(_bind_slot(slot, file) for slot in plan.slots)


def _bind_slot(slot: Slot, file: ParameterFile) -> BoundSlot:
    if isinstance(slot, MatrixSlot):
        return _bind_matrix(slot, file)
    if isinstance(slot, TableSlot):
        return _bind_table(slot, file)
    return BoundVector(_vector(slot.parameters, slot.widths, file))


def _bind_matrix(slot: MatrixSlot, file: ParameterFile) -> BoundMatrix:
    bias = _vector(slot.bias, slot.widths, file) if any(slot.bias) else None
    pieces: list[NDArray[Any]] = []
    multipliers: list[float] = []
    for name, width in zip(slot.parameters, slot.widths, strict=True):
        if not name:
            kind = np.float32 if slot.precision is Precision.FLOAT32 else np.int8
            pieces.append(np.zeros((slot.rows, width), kind))
            multipliers.append(1.0)
            continue
        expected = (width, slot.rows) if slot.transposed else (slot.rows, width)
        piece, multiplier = _values(_parameter(name, expected, file), slot.precision, file)
        pieces.append(piece.T if slot.transposed else piece)
        multipliers.append(multiplier)
    weights = _join(pieces, axis=1)
    if slot.precision is Precision.FLOAT32:
        return BoundMatrix(weights, None, None, bias)
    beta = _read_only(np.repeat(np.asarray(multipliers, np.float32), slot.widths))
    alpha = None
    if slot.precision is Precision.INT8:
        unnamed = slot.transposed or len(slot.parameters) > 1
        alpha = _alpha([name for name in slot.parameters if name], file, unnamed=unnamed)
    return BoundMatrix(weights, beta, alpha, bias)


def _bind_table(slot: TableSlot, file: ParameterFile) -> BoundTable:
    parameter = _parameter(slot.parameter, None, file)
    columns = parameter.shape[0] if slot.transposed else parameter.shape[-1]
    if len(parameter.shape) != 2 or columns != slot.columns or 0 in parameter.shape:
        expected = f"[{slot.columns}, vocabulary]" if slot.transposed else f"[vocabulary, {slot.columns}]"
        raise _wrong_shape(parameter, expected, file)
    rows, multiplier = _values(parameter, slot.precision, file)
    rows = rows.T if slot.transposed else rows
    bias = _vector((slot.bias,), (rows.shape[0],), file) if slot.bias else None
    if slot.precision is Precision.FLOAT32:
        return BoundTable(rows, None, None, bias)
    needs_alpha = slot.logits and slot.precision is Precision.INT8
    alpha = _alpha([slot.parameter], file, unnamed=True) if needs_alpha else None
    return BoundTable(rows, multiplier, alpha, bias)


def _values(parameter: Parameter, precision: Precision, file: ParameterFile) -> tuple[NDArray[Any], float]:
    """A matrix in Marian's shape and in the wanted precision, and its multiplier (1 for float32)."""
    if precision is Precision.FLOAT32:
        return _read_only(dequantize(parameter)), 1.0
    if parameter.data.dtype != np.int8:
        parameter = quantize_parameter(Parameter(parameter.name, parameter.shape, dequantize(parameter)))
    if parameter.multiplier is None:
        raise ModelFormatError(file.path, "integers without a multiplier", parameter=parameter.name)
    integers = parameter.data.T if parameter.transposed else parameter.data
    if integers.min() < -127:
        raise ModelFormatError(
            file.path, "a quantised weight is -128, which Marian never writes", parameter=parameter.name
        )
    return _read_only(integers), parameter.multiplier


def _vector(names: Sequence[str], widths: Sequence[int], file: ParameterFile) -> NDArray[np.float32]:
    """Vectors joined end to end; a name "" is a block of zeros."""
    pieces: list[NDArray[Any]] = []
    for name, width in zip(names, widths, strict=True):
        if not name:
            pieces.append(np.zeros(width, np.float32))
            continue
        parameter = _parameter(name, None, file)
        values = dequantize(parameter).reshape(-1)
        if len(values) != width or width not in (*parameter.shape, 1):
            raise _wrong_shape(parameter, (1, width), file)
        pieces.append(values)
    return _join(pieces, axis=0)


def _parameter(name: str, shape: tuple[int, int] | None, file: ParameterFile) -> Parameter:
    if name not in file.parameters:
        raise ModelFormatError(
            file.path, "the model's options ask for this parameter, but the file lacks it", parameter=name
        )
    parameter = file.parameters[name]
    if shape is not None and tuple(parameter.shape) != shape:
        raise _wrong_shape(parameter, shape, file)
    return parameter


def _wrong_shape(parameter: Parameter, expected: object, file: ParameterFile) -> ModelFormatError:
    return ModelFormatError(
        file.path,
        "the shape does not fit the model's options",
        parameter=parameter.name,
        expected=expected,
        found=parameter.shape,
    )


def _alpha(names: Sequence[str], file: ParameterFile, *, unnamed: bool) -> float:
    """The activation multiplier of one product: the weight's own; where Marian's product has no named weight,
    and none of these has an alpha, that of ``none``."""
    known = {name: file.alphas[name] for name in names if name in file.alphas}
    if not known and unnamed and UNNAMED_ALPHA in file.alphas:
        return file.alphas[UNNAMED_ALPHA]
    for name in names:
        if name not in known:
            raise ModelFormatError(
                file.path,
                "the model has no activation multiplier (alpha) for this matrix",
                parameter=name,
                advice="Quantise activations by rows instead, or calibrate the model (dragoman.calibration).",
            )
        if known[name] != known[names[0]]:
            raise WeightsError(
                name, f"shares its input with {names[0]}, but has another activation multiplier."
            )
    return known[names[0]]


def _join(pieces: Sequence[NDArray[Any]], *, axis: int) -> NDArray[Any]:
    return _read_only(pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=axis))


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view of the array that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view
