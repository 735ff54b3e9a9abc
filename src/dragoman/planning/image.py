"""A plan as bytes: what the native core reads (native/plan/plan_image.cc) and prepared files keep.

Flags are one byte, numbers, and names by their place in their enumeration, four; texts and lists come after their
length. An instruction is a record of all native fields: each field of a Python instruction says which of them it fills.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterable, Sequence

from dragoman.errors import PlanError
from dragoman.graph.extents import Dimension, Symbol
from dragoman.graph.ops import Function, NormKind
from dragoman.planning import instructions as ins
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.kinds import Kind
from dragoman.planning.records import MatrixSlot, PlanRecord, Precision, Slot, TableSlot, Value, VectorSlot

__all__ = ["FIELDS", "OPERATIONS", "plan_image"]

OPERATIONS: tuple[type[Instruction], ...] = (
    ins.Embed, ins.Quantize, ins.QuantizeRows, ins.GemmInt8, ins.GemmFloat, ins.Norm, ins.SelfAttention, ins.PackKeys,
    ins.CrossAttention, ins.CachedAttention, ins.AdditiveAttention, ins.Activate, ins.Add, ins.Multiply, ins.Mix,
    ins.RunningAverage, ins.Gru, ins.Lstm, ins.Copy, ins.Zero, ins.ReorderState, ins.MeanOverSentence, ins.ScanBegin,
    ins.ScanEnd, ins.ScanRead, ins.ScanWrite, ins.SelectCandidates, ins.LogitsInt8, ins.LogitsFloat,
)  # fmt: skip
"""In the order of native Op."""

FIELDS: dict[str, bytes] = {}
"""Native fields of an instruction in order, each with what stands for its absence."""

_SLOTS = (MatrixSlot, VectorSlot, TableSlot)
_NONE = struct.pack("=3i", -1, 0, 0)
for _name in ("x", "y", "z", "row_scale", "output", "quantised", "sum", "scratch", "weights", "cache", "panels",
              "scales", "biases", "column_sums"):  # fmt: skip
    FIELDS[_name] = _NONE
for _name in ("slot", "bias_slot", "multiplier_of"):
    FIELDS[_name] = struct.pack("=i", -1)
FIELDS.update(
    heads=struct.pack("=i", 0), function=struct.pack("=i", 0), flag=b"\0", positions=b"\0", real=struct.pack("=f", 0)
)


def plan_image(plan: PlanRecord) -> bytes:
    """The plan as bytes. Raises PlanError for a field that the native core has no place for, or out of its range."""
    try:
        return b"".join(
            (
                _list(map(_value, plan.values)),
                _list(_numbers(numbers) for numbers in plan.below),
                _numbers(plan.order),
                _list(map(_slot, plan.slots)),
                *(_list(map(_instruction, phase)) for phase in (plan.encode, plan.prime, plan.select, plan.step)),
                struct.pack("=3i", plan.logits, -1 if plan.alignment is None else plan.alignment, plan.caches),
            )
        )
    except struct.error as error:
        raise PlanError(f"a number of the plan is out of range: {error}.") from None


def _list(items: Iterable[bytes]) -> bytes:
    found = list(items)
    return struct.pack("=I", len(found)) + b"".join(found)


def _numbers(numbers: Sequence[int]) -> bytes:
    return struct.pack(f"=I{len(numbers)}i", len(numbers), *numbers)


def _member(kind: type[enum.Enum], member: object) -> bytes:
    if not isinstance(member, kind):
        raise PlanError(f"{member!r} is no {kind.__name__}.")
    return struct.pack("=i", list(kind).index(member))


def _dimension(dimension: Dimension) -> bytes:
    if isinstance(dimension, Symbol):
        return b"\1" + _member(Symbol, dimension) + struct.pack("=q", 0)
    return b"\0" + struct.pack("=iq", 0, dimension)


def _value(value: Value) -> bytes:
    name = value.name.encode()
    size = struct.pack("=I", len(name))
    return size + name + _dimension(value.rows) + _dimension(value.columns) + _member(Kind, value.kind)


def _slot(slot: Slot) -> bytes:
    precision, rows, embeds, logits = Precision.FLOAT32, 0, False, False
    if isinstance(slot, VectorSlot):
        columns = sum(slot.widths)
    else:
        precision, columns = slot.precision, slot.columns
    if isinstance(slot, MatrixSlot):
        rows = slot.rows
    elif isinstance(slot, TableSlot):
        embeds, logits = slot.embeds, slot.logits
    kind = struct.pack("=i", _SLOTS.index(type(slot)))
    return kind + _member(Precision, precision) + struct.pack("=2i2?", rows, columns, embeds, logits)


def _instruction(instruction: Instruction) -> bytes:
    kind = type(instruction)
    if kind not in OPERATIONS:
        raise PlanError(f"{kind.__name__} is no instruction of the native core.")
    record = dict(FIELDS)
    for name, place in kind.places().items():
        found = getattr(instruction, name)
        if place.native == "rows" or found is None:
            continue
        if place.native not in record:
            raise PlanError(f"{kind.__name__}.{name} has no place in the native core.")
        record[place.native] = _field(found)
    return struct.pack("=i", OPERATIONS.index(kind)) + _member(Symbol, instruction.rows) + b"".join(record.values())


def _field(found: object) -> bytes:
    match found:
        case Operand(value, column, columns):
            if value < 0:
                raise PlanError(f"{value} is the number of no value.")
            return struct.pack("=3i", value, column, columns)
        case bool():
            return struct.pack("=?", found)
        case NormKind():
            return struct.pack("=?", found is NormKind.RMS)
        case Function():
            return _member(Function, found)
        case int():
            return struct.pack("=i", found)
        case float():
            return struct.pack("=f", found)
    raise PlanError(f"{found!r} is nothing that an instruction holds.")
