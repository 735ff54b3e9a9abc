"""Bound slots to prepared slots: every matrix in kernel order, all arrays of a model in one region of memory.

The order of packed matrices is drawn in native/kernels/packing.h.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dragoman import _native
from dragoman.binding import BoundMatrix, BoundSlot, BoundTable, BoundVector, integer_constants
from dragoman.planning.plan import Plan, Precision, TableSlot

__all__ = ["PreparedMatrix", "PreparedSlot", "PreparedTable", "PreparedVector", "Region", "prepare"]

_ALIGNMENT = 64


@dataclass(frozen=True, eq=False)
class PreparedMatrix:
    """panels: float32 or int8, packed [K, N]. scale, bias: float32 [N] (see kernels.h GemmInt8), or None.
    column_sums: int32 [N], or None. alpha: activation multiplier, 0 if none is stored."""

    panels: NDArray[Any]
    scale: NDArray[np.float32] | None
    bias: NDArray[np.float32] | None
    column_sums: NDArray[np.int32] | None
    alpha: float


@dataclass(frozen=True, eq=False)
class PreparedVector:
    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PreparedTable:
    """Either ``rows`` [V, D] row-major (embedding only, or an output layer from which shortlists select) or ``panels``
    (an output layer used whole). scale, bias, column_sums: [V] of the output layer, or None. unquantise: 1 / beta."""

    vocabulary: int
    rows: NDArray[Any] | None
    panels: NDArray[Any] | None
    scale: NDArray[np.float32] | None
    bias: NDArray[np.float32] | None
    column_sums: NDArray[np.int32] | None
    alpha: float
    unquantise: float


PreparedSlot = PreparedMatrix | PreparedVector | PreparedTable


class Region:
    """One anonymous mapping that all arrays of a model lie in, so that dropping the model gives its pages back at once.

    ``take`` hands out arrays until ``nbytes`` are used up.
    """

    def __init__(self, nbytes: int) -> None:
        self._map = mmap.mmap(-1, max(nbytes, 1))
        self.nbytes = nbytes
        self._used = 0

    def take(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A writable array, 64-byte aligned, at first zero."""
        count = int(np.prod(shape))
        array = np.frombuffer(self._map, np.dtype(dtype), count, self._used).reshape(shape)
        self._used += _rounded(array.nbytes)
        return array

    def put(self, values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """A copy of ``values`` in the region, read-only."""
        array = self.take(values.shape, dtype)
        array[...] = values
        array.flags.writeable = False
        return array


def _rounded(nbytes: int) -> int:
    return -(-nbytes // _ALIGNMENT) * _ALIGNMENT


def prepare(
    plan: Plan, slots: Sequence[BoundSlot], *, shortlist: bool
) -> tuple[tuple[PreparedSlot, ...], int]:
    """Pack a model's slots for the kernels.

    Args:
        plan: says what each slot is used for.
        slots: of the same plan (`dragoman.binding.bind`).
        shortlist: output columns will be selected by a shortlist, so the output layer stays row-major.

    Returns:
        Prepared slots, and the bytes of the region that holds them (freed with the last of them).
    """
    packed = [_keeps_panels(slot, shortlist) for slot in plan.slots]
    region = Region(sum(_need(bound, panels) for bound, panels in zip(slots, packed, strict=True)))
    prepared: list[PreparedSlot] = []
    for slot, bound, panels in zip(plan.slots, slots, packed, strict=True):
        if isinstance(bound, BoundVector):
            prepared.append(PreparedVector(region.put(bound.values, np.float32)))
        elif isinstance(bound, BoundMatrix):
            prepared.append(_matrix(bound, region))
        else:
            assert isinstance(slot, TableSlot)
            prepared.append(_table(slot, bound, region, panels=panels))
    return tuple(prepared), region.nbytes


def _keeps_panels(slot: object, shortlist: bool) -> bool:
    return isinstance(slot, TableSlot) and slot.logits and not shortlist


def _need(bound: BoundSlot, panels: bool) -> int:
    """Bytes of the region that one slot takes, at most."""
    if isinstance(bound, BoundVector):
        return _rounded(bound.values.nbytes)
    if isinstance(bound, BoundMatrix):
        k, n = bound.weights.shape
        itemsize = bound.weights.dtype.itemsize
        panels = True
    else:
        n, k = bound.rows.shape
        itemsize = bound.rows.dtype.itemsize
    size = _packed_size(k, n, itemsize) if panels else k * n
    return _rounded(size * itemsize) + 3 * _rounded(4 * n)


def _packed_size(k: int, n: int, itemsize: int) -> int:
    return _native.packed_size_int8(k, n) if itemsize == 1 else _native.packed_size_float(k, n)


def _pack(
    matrix: NDArray[Any], region: Region, *, transposed: bool
) -> tuple[NDArray[Any], NDArray[np.int32] | None]:
    """Panels and, of int8, column sums of [K, N], or of [N, K] if ``transposed``."""
    if matrix.strides[1] != matrix.itemsize or not matrix.flags.aligned:
        if matrix.T.strides[1] == matrix.itemsize and matrix.flags.aligned:
            matrix, transposed = matrix.T, not transposed
        else:
            matrix = np.ascontiguousarray(matrix)
    k, n = matrix.shape[::-1] if transposed else matrix.shape
    panels = region.take(_packed_size(k, n, matrix.itemsize), matrix.dtype)
    sums = None
    if matrix.itemsize == 1:
        sums = np.zeros(n, np.int32)
        _native.pack_int8(matrix, transposed, panels, sums)
    else:
        _native.pack_float(matrix, transposed, panels)
    panels.flags.writeable = False
    return panels, sums


def _matrix(bound: BoundMatrix, region: Region) -> PreparedMatrix:
    panels, sums = _pack(bound.weights, region, transposed=False)
    if bound.weight_multipliers is None:
        bias = None if bound.bias is None else region.put(bound.bias, np.float32)
        return PreparedMatrix(panels, None, bias, None, 0.0)
    constants = integer_constants(bound)
    return PreparedMatrix(
        panels,
        region.put(constants.scale, np.float32),
        None if constants.bias is None else region.put(constants.bias, np.float32),
        None if bound.alpha is not None or sums is None else region.put(sums, np.int32),
        bound.alpha or 0.0,
    )


def _table(slot: TableSlot, bound: BoundTable, region: Region, *, panels: bool) -> PreparedTable:
    rows = packed = None
    if panels:
        packed, _ = _pack(bound.rows, region, transposed=True)
    else:
        rows = region.put(bound.rows, bound.rows.dtype)
    scale = bias = sums = None
    if slot.logits and slot.precision is not Precision.FLOAT32:
        constants = integer_constants(bound)
        scale = region.put(constants.scale, np.float32)
        bias = None if constants.bias is None else region.put(constants.bias, np.float32)
        sums = None if bound.alpha is not None else region.put(constants.column_sums, np.int32)
    elif bound.bias is not None:
        bias = region.put(bound.bias, np.float32)
    return PreparedTable(
        vocabulary=len(bound.rows),
        rows=rows,
        panels=packed,
        scale=scale,
        bias=bias,
        column_sums=sums,
        alpha=bound.alpha or 0.0,
        unquantise=0.0 if bound.multiplier is None else float(np.float32(1) / np.float32(bound.multiplier)),
    )
