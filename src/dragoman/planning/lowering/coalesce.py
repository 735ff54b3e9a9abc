"""Removes copies: whoever computes a value that is only copied elsewhere writes there at once.

Also lets row-by-row instructions write over an input that nobody needs any more, where their kernel allows
it. Both merge two values of a draft into one, and so need a proof that their contents never have to exist at
once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dragoman.graph.extents import Symbol
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.instructions import Copy
from dragoman.planning.kinds import Kind
from dragoman.planning.lowering.draft import Draft, DraftValue, Loop, accesses, map_operands

IN_PLACE: dict[str, tuple[str, tuple[str, ...]]] = {
    "Activate": ("output", ("x",)),
    "Mix": ("output", ("y", "x", "gate")),
    "RunningAverage": ("output", ("average",)),
    "Gru": ("output", ("h",)),
    "Lstm": ("cell_output", ("cell",)),
    "Norm": ("sum", ("residual", "x")),
}
"""Instruction -> the output that may be the same operand as one of these inputs
(native/kernels/kernels.h)."""

_WHOLE = {Symbol.GROUP_TOKENS: Symbol.TOKENS, Symbol.GROUP_SENTENCES: Symbol.SENTENCES}


def coalesce(draft: Draft) -> None:
    """Merge values until nothing more can be merged; then drop values that nobody touches."""
    while _merge_copy(draft):
        pass
    while _merge_in_place(draft):
        pass
    _drop_unused(draft)


@dataclass
class _Program:
    """One numbering of a draft's instructions."""

    draft: Draft
    instructions: list[Instruction] = field(init=False)
    touched: dict[int, list[int]] = field(init=False)
    loops: list[Loop] = field(init=False)

    def __post_init__(self) -> None:
        self.instructions = self.draft.instructions()
        self.touched = accesses(self.instructions)
        self.loops = self.draft.loops()

    def loops_around(self, index: int) -> list[Loop]:
        return [loop for loop in self.loops if index in loop]

    def merge(self, old: int, into: Operand, drop: int | None) -> None:
        """Let every operand of value ``old`` be the same columns of ``into``; drop one instruction."""

        def change(operand: Operand) -> Operand:
            if operand.value != old:
                return operand
            return Operand(into.value, into.column + operand.column, operand.columns)

        changed: list[Instruction | None] = [map_operands(each, change) for each in self.instructions]
        if drop is not None:
            changed[drop] = None
        self.draft.replace_all(changed)


def _merge_copy(draft: Draft) -> bool:
    program = _Program(draft)
    for index, instruction in enumerate(program.instructions):
        if isinstance(instruction, Copy) and _may_write_at_once(
            program, index, instruction.x, instruction.output
        ):
            program.merge(instruction.x.value, instruction.output, drop=index)
            return True
    return False


def _merge_in_place(draft: Draft) -> bool:
    program = _Program(draft)
    for index, instruction in enumerate(program.instructions):
        output_field, inputs = IN_PLACE.get(type(instruction).__name__, ("", ()))
        output = getattr(instruction, output_field, None)
        for name in inputs:
            x = getattr(instruction, name)
            if output is not None and x is not None and _may_overwrite(program, index, x, output):
                program.merge(output.value, x, drop=None)
                return True
    return False


def _may_write_at_once(program: _Program, copy: int, source: Operand, target: Operand) -> bool:
    """Whether copy number ``copy`` may go, all of ``source``'s value lying in ``target`` from the start."""
    values, touched = program.draft.values, program.touched[source.value]
    old, new = values[source.value], values[target.value]
    if not _whole(source, old) or old.kept or source.value == target.value or old.kind is not new.kind:
        return False
    if new.rows not in (old.rows, _WHOLE.get(old.rows) if isinstance(old.rows, Symbol) else None):
        return False
    if not _row_aligned(target, new):
        return False
    first, last = touched[0], touched[-1]
    if program.loops_around(copy) != program.loops_around(last):
        last_loops = [loop for loop in program.loops_around(last) if copy not in loop]
        last = max([last, *(loop.end for loop in last_loops)])
    if any(first not in loop for loop in program.loops_around(copy)):
        return False  # computed before a loop, copied each time round
    for loop in program.loops_around(first):
        if copy not in loop:
            first = min(first, loop.begin)  # written in a scan, copied after it
    for index in program.touched[target.value]:
        if first <= index < copy and _clashes(program.instructions[index], target, source):
            return False
        if copy < index <= last and _overlaps(program.instructions[index].written(), target):
            return False
    return True


def _clashes(instruction: Instruction, target: Operand, source: Operand) -> bool:
    """Whether an instruction between the first write and the copy needs the old contents of ``target``; the
    one that writes the source may, if its kernel can work in place."""
    touching = [operand for _, operand in instruction.operands() if _overlaps([operand], target)]
    if not touching:
        return False
    output, inputs = IN_PLACE.get(type(instruction).__name__, ("", ()))
    if output and getattr(instruction, output) == source:
        return any(operand != target for operand in touching) or not any(
            getattr(instruction, name) == target for name in inputs
        )
    return True


def _may_overwrite(program: _Program, index: int, x: Operand, output: Operand) -> bool:
    """Whether the instruction may write ``output`` over its input ``x``, whose value ends there."""
    values = program.draft.values
    old, new = values[x.value], values[output.value]
    if x.value == output.value or old.kept or new.kept or not _whole(x, old) or not _whole(output, new):
        return False
    if (old.rows, old.columns, old.kind) != (new.rows, new.columns, new.kind):
        return False
    here = program.loops_around(index)
    if any(program.loops_around(other) != here for other in program.touched[x.value]):
        return False
    uses = sum(operand.value == x.value for _, operand in program.instructions[index].operands())
    return program.touched[x.value][-1] == index and program.touched[output.value][0] == index and uses == 1


def _whole(operand: Operand, value: DraftValue) -> bool:
    return operand.column == 0 and operand.columns == value.columns


def _row_aligned(target: Operand, value: DraftValue) -> bool:
    """Kernels may write over a row's padding: only a slice that ends with the row, or at a multiple of the
    padding."""
    multiple = Kind.F32.column_multiple
    end = target.column + target.columns
    return target.column % multiple == 0 and (end == value.columns or end % multiple == 0)


def _overlaps(operands: list[Operand], target: Operand) -> bool:
    return any(
        operand.value == target.value
        and operand.column < target.column + target.columns
        and target.column < operand.column + operand.columns
        for operand in operands
    )


def _drop_unused(draft: Draft) -> None:
    """Renumber values in order of first use; those that nobody touches go."""
    numbers = {old: new for new, old in enumerate(accesses(draft.instructions()))}
    draft.values = [draft.values[old] for old in numbers]
    draft.replace_all(
        [
            map_operands(
                each, lambda operand: Operand(numbers[operand.value], operand.column, operand.columns)
            )
            for each in draft.instructions()
        ]
    )
