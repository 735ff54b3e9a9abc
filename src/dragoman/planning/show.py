"""A plan as text for people, and as JSON for other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dragoman.graph.extents import Dimension, Symbol, evaluate
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.records import MatrixSlot, PlanPhase, PlanRecord, Slot, TableSlot, VectorSlot


def show(plan: PlanRecord, extents: Mapping[Symbol, int] | None = None) -> str:
    """The instructions by phase, then the values. With ``extents`` sizes are numbers and the need is given in
    bytes."""
    lines = [f"plan {plan.name}, {plan.signature[:12]}"]
    number = 0
    for phase, instructions in phases(plan):
        lines.append(f"{phase.value}:")
        for instruction in instructions:
            lines.append(f"  {number:>4}  {_instruction(plan, instruction, extents)}")
            number += 1
    lines.append("values:")
    offsets, need = plan.offsets(extents) if extents else ([], 0)
    for index, value in enumerate(plan.values):
        shape = f"{value.kind.value} [{_size(value.rows, extents)}, {_size(value.columns, extents)}]"
        line = f"  v{index:<4} {shape:<18} {value.first:>4} to {value.last:<4}"
        if extents:
            line += f" at {offsets[index]:>10,} + {value.bytes(extents):>10,}"
        lines.append(f"{line}  {value.name}")
    if extents:
        lines.append(f"needs {need:,} bytes; alive at once at most {lower_bound(plan, extents):,}")
    return "\n".join(lines)


def to_json(plan: PlanRecord, extents: Mapping[Symbol, int]) -> str:
    """Offsets, sizes and lifetimes of all values for one batch, and the instructions."""
    offsets, need = plan.offsets(extents)
    content = {
        "name": plan.name,
        "signature": plan.signature,
        "need_bytes": need,
        "lower_bound_bytes": lower_bound(plan, extents),
        "extents": {str(symbol): extents[symbol] for symbol in Symbol},
        "values": [
            {
                "name": value.name,
                "kind": value.kind.value,
                "rows": evaluate(value.rows, extents),
                "columns": evaluate(value.columns, extents),
                "offset_bytes": offset,
                "bytes": value.bytes(extents),
                "first": value.first,
                "last": value.last,
            }
            for value, offset in zip(plan.values, offsets, strict=True)
        ],
        "slots": [slot_name(slot) for slot in plan.slots],
        "instructions": [
            {
                "phase": phase.value,
                "op": type(instruction).__name__,
                "text": _instruction(plan, instruction, extents),
            }
            for phase, instructions in phases(plan)
            for instruction in instructions
        ],
    }
    return json.dumps(content, indent=1)


def lower_bound(plan: PlanRecord, extents: Mapping[Symbol, int]) -> int:
    """Most bytes alive at once: no layout can need less."""
    sizes = [value.bytes(extents) for value in plan.values]
    return max(
        (
            sum(
                size
                for size, value in zip(sizes, plan.values, strict=True)
                if value.first <= now <= value.last
            )
            for now in range(len(plan.instructions()))
        ),
        default=0,
    )


def phases(plan: PlanRecord) -> list[tuple[PlanPhase, tuple[Instruction, ...]]]:
    """The instructions by phase, in order."""
    return list(zip(PlanPhase, (plan.select, plan.encode, plan.prime, plan.step), strict=True))


def slot_name(slot: Slot) -> str:
    """The parameters of a slot, shortly."""
    if isinstance(slot, TableSlot):
        return slot.parameter
    names = [name or "0" for name in slot.parameters]
    if isinstance(slot, MatrixSlot | VectorSlot) and len(names) > 1:
        return "|".join(names)
    return names[0]


def _instruction(plan: PlanRecord, instruction: Instruction, extents: Mapping[Symbol, int] | None) -> str:
    outputs: list[str] = []
    inputs: list[str] = []
    for name, place in instruction.places().items():
        value = getattr(instruction, name)
        if value is None or name == "rows":
            continue
        if isinstance(value, Operand):
            (outputs if place.writes else inputs).append(f"{name}={_operand(plan, value, extents)}")
        elif place.slot:
            inputs.append(f"{name}={slot_name(plan.slots[value])}")
        elif value is not False and getattr(value, "value", value) != "none":
            inputs.append(f"{name}={getattr(value, 'value', value)}")
    result = f"{type(instruction).__name__}({', '.join(inputs)})"
    return f"{', '.join(outputs)} <- {result}" if outputs else result


def _operand(plan: PlanRecord, operand: Operand, extents: Mapping[Symbol, int] | None) -> str:
    value = plan.values[operand.value]
    part = ""
    if operand.columns and operand.columns != value.columns:
        part = f":{operand.column}+{operand.columns}"
    shape = f"[{_size(value.rows, extents)},{_size(value.columns, extents)}]"
    return f"v{operand.value}{part}{'' if value.kind.value == 'f32' else value.kind.value}{shape}"


def _size(dimension: Dimension, extents: Mapping[Symbol, int] | None) -> Any:
    return dimension if extents is None else evaluate(dimension, extents)
