"""A plan under construction: values without lifetimes, instructions that may still change their operands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from dragoman.graph.extents import Dimension
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.instructions import ScanBegin, ScanEnd
from dragoman.planning.kinds import Kind
from dragoman.planning.records import PlanPhase


@dataclass
class DraftValue:
    """A value to be: what `plan.Value` has, less its lifetime. ``kept``: it may not be merged into another
    value, because it lives from position to position or is read by the search."""

    name: str
    rows: Dimension
    columns: Dimension
    kind: Kind
    kept: bool = False


@dataclass(frozen=True)
class Loop:
    """Instructions ``begin`` to ``end`` (inclusive) are repeated."""

    begin: int
    end: int

    def __contains__(self, index: int) -> bool:
        return self.begin <= index <= self.end


@dataclass
class Draft:
    """Values by number, and the instructions of each phase."""

    values: list[DraftValue] = field(default_factory=list)
    phases: dict[PlanPhase, list[Instruction]] = field(
        default_factory=lambda: {phase: [] for phase in PlanPhase}
    )

    def new(
        self, name: str, rows: Dimension, columns: Dimension, kind: Kind = Kind.F32, kept: bool = False
    ) -> Operand:
        """A new value, as an operand of all its columns."""
        self.values.append(DraftValue(name, rows, columns, kind, kept))
        return Operand(len(self.values) - 1, 0, columns if isinstance(columns, int) else 0)

    def instructions(self) -> list[Instruction]:
        return [instruction for phase in PlanPhase for instruction in self.phases[phase]]

    def replace_all(self, instructions: list[Instruction | None]) -> None:
        """Put changed instructions, numbered as in `instructions`, in place of the old; None drops one."""
        position = 0
        for phase in PlanPhase:
            count = len(self.phases[phase])
            changed = instructions[position : position + count]
            self.phases[phase] = [instruction for instruction in changed if instruction is not None]
            position += count

    def loops(self) -> list[Loop]:
        return loops(self.phases)


def loops(phases: dict[PlanPhase, list[Instruction]]) -> list[Loop]:
    """All loops of a plan, inner ones first: over source positions, over encoder groups, over steps, over groups and
    steps in turn."""
    found: list[Loop] = []
    start = begin = 0
    for phase in PlanPhase:
        for index, instruction in enumerate(phases[phase], start):
            if isinstance(instruction, ScanBegin):
                begin = index
            elif isinstance(instruction, ScanEnd):
                found.append(Loop(begin, index))
        start += len(phases[phase])
    groups = len(phases[PlanPhase.SELECT])
    steps = groups + len(phases[PlanPhase.ENCODE]) + len(phases[PlanPhase.PRIME])
    found += [Loop(groups, steps - 1), Loop(steps, start - 1), Loop(groups, start - 1)]
    return [loop for loop in found if loop.begin <= loop.end]


def map_operands(instruction: Instruction, change: Callable[[Operand], Operand]) -> Instruction:
    """The same instruction on other operands."""
    changed: dict[str, Any] = {name: change(operand) for name, operand in instruction.operands()}
    return replace(instruction, **changed) if changed else instruction


def accesses(instructions: list[Instruction]) -> dict[int, list[int]]:
    """For each value the numbers of the instructions that touch it, ascending."""
    found: dict[int, list[int]] = {}
    for index, instruction in enumerate(instructions):
        for _, operand in instruction.operands():
            touched = found.setdefault(operand.value, [])
            if not touched or touched[-1] != index:
                touched.append(index)
    return found
