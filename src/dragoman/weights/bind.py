"""The slots of a plan bound to the arrays of one model file: logical order, no packing, no memory layout.

Every back end starts from these records: packing (and through it the native engine) and the reference
interpreter. Arrays are read-only and, where nothing must be joined or converted, views of the file's data
(then possibly unaligned and with any strides).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dragoman.errors import ModelFormatError, WeightsError
from dragoman.formats.parameters import Parameter, ParameterFile
from dragoman.formats.quantize import dequantize, quantize_parameter
from dragoman.planning.plan import Plan
from dragoman.planning.records import MatrixSlot, Precision, Slot, TableSlot

__all__ = [
    "BoundMatrix",
    "BoundSlot",
    "BoundTable",
    "BoundVector",
    "IntegerConstants",
    "bind",
    "fused_multiply_add",
    "integer_constants",
    "vocabulary_size",
]

UNNAMED_ALPHA = "none"
"""Marian's alpha for products of matrices that have no name of their own (joined, or transposed)."""


@dataclass(frozen=True, eq=False)
class BoundMatrix:
    """A weight matrix of products, its parts joined by columns.

    Attributes:
        weights: [K, N], float32 or int8 in -127 .. 127.
        weight_multipliers: beta of each column, float32 [N] (weight = integer / beta); None for float32.
        alpha: activation multiplier, for `Precision.INT8` only.
        bias: float32 [N], zeros for parts without one; None if no part has one.
    """

    weights: NDArray[Any]
    weight_multipliers: NDArray[np.float32] | None
    alpha: float | None
    bias: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class BoundVector:
    """A bias, a norm's scale, an energy vector: float32 [n]."""

    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class BoundTable:
    """An embedding table and / or output layer.

    Attributes:
        rows: [V, D], float32 or int8 in -127 .. 127.
        multiplier: beta of the whole table; None for float32.
        alpha: activation multiplier of the output layer, for `Precision.INT8` only.
        bias: float32 [V] of the output layer, or None.
    """

    rows: NDArray[Any]
    multiplier: float | None
    alpha: float | None
    bias: NDArray[np.float32] | None


BoundSlot = BoundMatrix | BoundVector | BoundTable


@dataclass(frozen=True, eq=False)
class IntegerConstants:
    """What an int8 product adds to its integer sums, one of each per output column.

    Attributes:
        scale: float32 [N]. With an alpha 1 / (alpha * beta), without 1 / beta.
        bias: float32 [N]. With an alpha the bias that also undoes the shift of the activations by 127;
            without, the plain bias or None.
        column_sums: int32 [N], sums of the weights over K.
    """

    scale: NDArray[np.float32]
    bias: NDArray[np.float32] | None
    column_sums: NDArray[np.int32]


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


def vocabulary_size(plan: Plan, slots: Sequence[BoundSlot]) -> int:
    """Rows of the output layer. Raises WeightsError if the plan has none."""
    for slot, bound in zip(plan.slots, slots, strict=True):
        if isinstance(slot, TableSlot) and slot.logits and isinstance(bound, BoundTable):
            return int(bound.rows.shape[0])
    raise WeightsError("output layer", "the plan has none.")


def integer_constants(bound: BoundMatrix | BoundTable) -> IntegerConstants:
    """The constants of an int8 product, in Marian's float32 arithmetic (intgemm_interface.h, SelectColumnsB
    and PrepareBias; marian-semantics 4.4, steps 3 and 4).

    u = 1 / (alpha * beta); v = -((127 / alpha) * (127 / beta)) / 127; bias' = fma(column sum, v, bias), or
    without a bias column sum * v. Raises WeightsError for a float32 matrix.
    """
    if isinstance(bound, BoundTable):
        column_sums = bound.rows.sum(axis=1, dtype=np.int32)
        beta = None if bound.multiplier is None else np.full(len(column_sums), bound.multiplier, np.float32)
    else:
        column_sums, beta = bound.weights.sum(axis=0, dtype=np.int32), bound.weight_multipliers
    if beta is None:
        raise WeightsError("matrix", "float32 matrices have no integer constants.")
    one, top = np.float32(1), np.float32(127)
    if bound.alpha is None:
        return IntegerConstants(one / beta, bound.bias, column_sums)
    alpha = np.float32(bound.alpha)
    shift = -((top / alpha) * (top / beta)) / top
    bias = np.float32(0) if bound.bias is None else bound.bias
    shifted = fused_multiply_add(column_sums.astype(np.float32), shift, bias)
    return IntegerConstants(one / (alpha * beta), shifted, column_sums)


def fused_multiply_add(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> NDArray[np.float32]:
    """a * b + c of float32 arrays, rounded once, as the processor's instruction does.

    The product of two float32 is exact in float64. The sum in float64 is rounded once there and again to
    float32, which is wrong when the first rounding lands on the middle between two float32. So the sum is
    rounded to odd first (Boldo and Melquiond): where it is inexact and its last bit is even, the neighbour on
    the side of the error is taken; float64 is wide enough for the second rounding then to be right.
    """
    product = np.multiply(a, b, dtype=np.float64)
    addend = np.asarray(c, np.float64)
    total = np.asarray(product + addend)
    rest = total - product
    error = (product - (total - rest)) + (addend - rest)
    even = (total.view(np.int64) & 1) == 0
    odd = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    with np.errstate(over="ignore"):
        return np.where(even & (error != 0) & np.isfinite(error), odd, total).astype(np.float32)


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
