"""A model's weights as every back end gets them: the slots of a plan with their arrays, in logical order.

Arrays are read-only and, where nothing had to be joined or converted, views of the file's data (then possibly unaligned
and with any strides). `dragoman.weights.bind` makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dragoman.errors import WeightsError
from dragoman.planning.records import PlanRecord, TableSlot

__all__ = [
    "BoundMatrix",
    "BoundSlot",
    "BoundTable",
    "BoundVector",
    "IntegerConstants",
    "fused_multiply_add",
    "integer_constants",
    "vocabulary_size",
]


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


def vocabulary_size(plan: PlanRecord, slots: Sequence[BoundSlot]) -> int:
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
