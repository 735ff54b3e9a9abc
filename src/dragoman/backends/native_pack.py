"""Bound slots to prepared slots: every matrix in kernel order, all arrays of a model in one region of memory.

The order of packed matrices is drawn in native/kernels/packing.h.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dragoman import _native
from dragoman.backends.slots import BoundMatrix, BoundSlot, BoundTable, BoundVector, integer_constants
from dragoman.planning.image import plan_image
from dragoman.planning.records import PlanRecord, Precision, TableSlot

__all__ = ["Memory", "NativePacking"]

_ALIGNMENT = 64
_FEWEST_SKETCHED = 4096
"""Columns: what fewer weigh is read at once anyway."""
_WIDEST_SKETCHED = 2048
"""kMostSketchedRows of native/kernels/sketch.h."""
_RECORD = struct.Struct("=2I2f14Q")


@dataclass(frozen=True, eq=False)
class PreparedMatrix:
    """panels: float32 or int8, packed [K, N]. scale, bias: float32 [N] (see kernels.h GemmInt8), or None.
    column_sums: int32 [N], or None. alpha: activation multiplier, 0 if none is stored. overflows: of int8 panels, which
    of their sums may leave 16 bits (native/kernels/overflow.h), or None."""

    panels: NDArray[Any]
    scale: NDArray[np.float32] | None
    bias: NDArray[np.float32] | None
    column_sums: NDArray[np.int32] | None
    alpha: float
    overflows: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class PreparedVector:
    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PreparedTable:
    """Either ``rows`` [V, D] row-major (embedding only, or an output layer from which shortlists select) or ``panels``
    (an output layer used whole). scale, bias, column_sums: [V] of the output layer, or None. unquantise: 1 / beta.
    sketch: of panels in int8, if there are many (native/kernels/sketch.h), or None. overflows: as of a matrix; of int8
    ``rows`` of an output layer their highest bound."""

    vocabulary: int
    rows: NDArray[Any] | None
    panels: NDArray[Any] | None
    scale: NDArray[np.float32] | None
    bias: NDArray[np.float32] | None
    column_sums: NDArray[np.int32] | None
    alpha: float
    unquantise: float
    sketch: NDArray[np.uint8] | None
    overflows: NDArray[np.uint8] | None


PreparedSlot = PreparedMatrix | PreparedVector | PreparedTable


class Memory:
    """Hands out arrays from a region, one behind the other, each on 64 bytes, at first zero."""

    def __init__(self, view: NDArray[np.uint8], start: int = 0) -> None:
        self._view, self._start = view, start
        self.end = start

    @property
    def used(self) -> int:
        """Bytes handed out."""
        return self.end - self._start

    def take(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A writable array."""
        kind = np.dtype(dtype)
        nbytes = int(np.prod(shape)) * kind.itemsize
        array = self._view[self.end : self.end + nbytes].view(kind).reshape(shape)
        self.end += _rounded(nbytes)
        return array

    def put(self, values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """A copy of ``values``, read-only."""
        array = self.take(values.shape, dtype)
        array[...] = values
        array.flags.writeable = False
        return array


def _rounded(nbytes: int) -> int:
    return -(-nbytes // _ALIGNMENT) * _ALIGNMENT


class NativePacking:
    """A `dragoman.backends.protocol.Packing`.

    Args:
        plan: says what each slot is used for.
        slots: of the same plan (`dragoman.weights.bind.bind`).
        shortlist: output columns will be selected by a shortlist, so the output layer stays row-major.
    """

    def __init__(self, plan: PlanRecord, slots: Sequence[BoundSlot], *, shortlist: bool) -> None:
        self._plan, self._slots, self._shortlist = plan, slots, shortlist
        self.image = plan_image(plan)
        self.nbytes = packed_bytes(plan, slots, shortlist=shortlist)

    @property
    def records(self) -> int:
        return len(self._slots)

    def write(self, view: NDArray[np.uint8], start: int) -> tuple[int, list[bytes]]:
        memory = Memory(view, start)
        prepared = pack(self._plan, self._slots, memory, shortlist=self._shortlist)
        return memory.used, [slot_record(slot, view) for slot in prepared]


def packed_bytes(plan: PlanRecord, slots: Sequence[BoundSlot], *, shortlist: bool) -> int:
    """Bytes of memory that `pack` needs, at most."""
    return sum(
        _need(bound, _keeps_panels(slot, shortlist)) for slot, bound in zip(plan.slots, slots, strict=True)
    )


def pack(
    plan: PlanRecord, slots: Sequence[BoundSlot], memory: Memory, *, shortlist: bool
) -> tuple[PreparedSlot, ...]:
    """Pack a model's slots for the kernels.

    Args:
        plan: says what each slot is used for.
        slots: of the same plan (`dragoman.weights.bind.bind`).
        memory: where all arrays go; has `packed_bytes` left.
        shortlist: output columns will be selected by a shortlist, so the output layer stays row-major.
    """
    prepared: list[PreparedSlot] = []
    for slot, bound in zip(plan.slots, slots, strict=True):
        if isinstance(bound, BoundVector):
            prepared.append(PreparedVector(memory.put(bound.values, np.float32)))
        elif isinstance(bound, BoundMatrix):
            prepared.append(_matrix(bound, memory))
        else:
            assert isinstance(slot, TableSlot)
            prepared.append(_table(slot, bound, memory, panels=_keeps_panels(slot, shortlist)))
    return tuple(prepared)


def slot_record(prepared: PreparedSlot, view: NDArray[np.uint8]) -> bytes:
    """One row of the slot table (`dragoman.formats.prepared`); ``view``: the whole region."""
    base = _address(view)

    def place(array: NDArray[Any] | None) -> tuple[int, int]:
        return (0, 0) if array is None else (_address(array) - base, array.nbytes)

    if isinstance(prepared, PreparedVector):
        return _RECORD.pack(1, 0, 0.0, 0.0, *place(prepared.values), *(0,) * 12)
    tail = (*place(prepared.scale), *place(prepared.bias), *place(prepared.column_sums))
    lists = place(prepared.overflows)
    if isinstance(prepared, PreparedMatrix):
        return _RECORD.pack(0, 0, prepared.alpha, 0.0, *place(prepared.panels), 0, 0, *tail, 0, 0, *lists)
    numbers = (2, prepared.vocabulary, prepared.alpha, prepared.unquantise)
    rows, sketch = place(prepared.rows), place(prepared.sketch)
    return _RECORD.pack(*numbers, *place(prepared.panels), *rows, *tail, *sketch, *lists)


def _address(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


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
    sketch = _native.sketch_size(k, n) if isinstance(bound, BoundTable) and _sketched(bound, panels) else 0
    lists = 0 if itemsize > 1 else _native.most_overflow_bytes(k, n) if panels else 2
    return _rounded(size * itemsize) + 3 * _rounded(4 * n) + _rounded(sketch) + _rounded(lists)


def _packed_size(k: int, n: int, itemsize: int) -> int:
    return _native.packed_size_int8(k, n) if itemsize == 1 else _native.packed_size_float(k, n)


def _pack(
    matrix: NDArray[Any], memory: Memory, *, transposed: bool
) -> tuple[NDArray[Any], NDArray[np.int32] | None]:
    """Panels and, of int8, column sums of [K, N], or of [N, K] if ``transposed``."""
    if matrix.strides[1] != matrix.itemsize or not matrix.flags.aligned:
        if matrix.T.strides[1] == matrix.itemsize and matrix.flags.aligned:
            matrix, transposed = matrix.T, not transposed
        else:
            matrix = np.ascontiguousarray(matrix)
    k, n = matrix.shape[::-1] if transposed else matrix.shape
    panels = memory.take(_packed_size(k, n, matrix.itemsize), matrix.dtype)
    sums = None
    if matrix.itemsize == 1:
        sums = np.zeros(n, np.int32)
        _native.pack_int8(matrix, transposed, panels, sums)
    else:
        _native.pack_float(matrix, transposed, panels)
    panels.flags.writeable = False
    return panels, sums


def _overflows(panels: NDArray[Any], shape: tuple[int, ...], memory: Memory) -> NDArray[np.uint8] | None:
    """Of the panels of a matrix of ``shape`` [K, N]; None of floats."""
    if panels.itemsize != 1:
        return None
    return memory.put(np.frombuffer(_native.make_overflow_lists(panels, shape[0], shape[1]), np.uint8), np.uint8)


def _highest_bound(table: NDArray[np.int8], memory: Memory) -> NDArray[np.uint8]:
    """Of a row-major output layer [V, D]: all that is known of the columns that a shortlist will select."""
    bound = np.array([_native.find_highest_bound(np.ascontiguousarray(table))], np.uint16)
    return memory.put(bound.view(np.uint8), np.uint8)


def _sketched(bound: BoundTable, panels: bool) -> bool:
    """Whether greedy search gains from a sketch: many columns in int8, used whole."""
    rows, columns = bound.rows.shape
    return panels and bound.rows.itemsize == 1 and rows >= _FEWEST_SKETCHED and columns <= _WIDEST_SKETCHED


def _sketch(table: NDArray[np.int8], memory: Memory, *, dynamic: bool) -> NDArray[np.uint8]:
    """Of an output layer [V, D]."""
    sketch: NDArray[np.uint8] = memory.take(_native.sketch_size(table.shape[1], table.shape[0]), np.uint8)
    _native.make_sketch(np.ascontiguousarray(table), dynamic, sketch)
    sketch.flags.writeable = False
    return sketch


def _matrix(bound: BoundMatrix, memory: Memory) -> PreparedMatrix:
    panels, sums = _pack(bound.weights, memory, transposed=False)
    if bound.weight_multipliers is None:
        bias = None if bound.bias is None else memory.put(bound.bias, np.float32)
        return PreparedMatrix(panels, None, bias, None, 0.0, None)
    constants = integer_constants(bound)
    return PreparedMatrix(
        panels,
        memory.put(constants.scale, np.float32),
        None if constants.bias is None else memory.put(constants.bias, np.float32),
        None if sums is None else memory.put(sums, np.int32),
        bound.alpha or 0.0,
        _overflows(panels, bound.weights.shape, memory),
    )


def _table(slot: TableSlot, bound: BoundTable, memory: Memory, *, panels: bool) -> PreparedTable:
    rows = packed = None
    if panels:
        packed, _ = _pack(bound.rows, memory, transposed=True)
    else:
        rows = memory.put(bound.rows, bound.rows.dtype)
    scale = bias = sums = sketch = overflows = None
    if packed is not None:
        overflows = _overflows(packed, bound.rows.shape[::-1], memory)
    elif slot.logits and bound.rows.itemsize == 1:
        overflows = _highest_bound(bound.rows, memory)
    if slot.logits and slot.precision is not Precision.FLOAT32:
        constants = integer_constants(bound)
        scale = memory.put(constants.scale, np.float32)
        bias = None if constants.bias is None else memory.put(constants.bias, np.float32)
        sums = None if bound.alpha is not None else memory.put(constants.column_sums, np.int32)
        if _sketched(bound, panels) and bool((constants.scale > 0).all()):
            sketch = _sketch(bound.rows, memory, dynamic=bound.alpha is None)
    elif bound.bias is not None:
        bias = memory.put(bound.bias, np.float32)
    return PreparedTable(
        vocabulary=len(bound.rows),
        rows=rows,
        panels=packed,
        scale=scale,
        bias=bias,
        column_sums=sums,
        alpha=bound.alpha or 0.0,
        unquantise=0.0 if bound.multiplier is None else float(np.float32(1) / np.float32(bound.multiplier)),
        sketch=sketch,
        overflows=overflows,
    )
