"""When each value of a plan is alive: from the first to the last instruction that needs its memory.

Instructions are numbered over all phases in order. Loops make lifetimes longer than first to last access:
source positions (scans), encoder groups (encode and prime), target positions (step), and all of these, because
groups join while others are in their steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.planning.fields import Instruction
from dragoman.planning.lowering.draft import Loop

Lifetime = tuple[int, int]
"""Numbers of the first and the last instruction, both inclusive."""


def lifetimes(
    instructions: Sequence[Instruction], loops: Sequence[Loop], results: set[int]
) -> dict[int, Lifetime]:
    """Lifetime of every value that is touched.

    Args:
        instructions: all phases in order.
        loops: inner ones first.
        results: values that the search reads after each step: alive to the end of the step.

    A value that is touched inside and outside a loop lives through all of it: every time round reads it, or
    adds its part. So does one that is read before it is written in the same round: it carries something over.
    """
    found: dict[int, Lifetime] = {}
    for index, instruction in enumerate(instructions):
        for _, operand in instruction.operands():
            first, _ = found.get(operand.value, (index, index))
            found[operand.value] = first, index
    for loop in loops:
        carried = _carried(instructions, loop)
        for value, (first, last) in found.items():
            crosses = first <= loop.end and last >= loop.begin and (first < loop.begin or last > loop.end)
            if crosses or value in carried:
                found[value] = min(first, loop.begin), max(last, loop.end)
    for value in results:
        found[value] = found[value][0], len(instructions) - 1
    return found


def _carried(instructions: Sequence[Instruction], loop: Loop) -> set[int]:
    """Values whose first access within the loop is a read."""
    seen: set[int] = set()
    carried: set[int] = set()
    for instruction in instructions[loop.begin : loop.end + 1]:
        carried |= {operand.value for operand in instruction.read()} - seen
        seen |= {operand.value for _, operand in instruction.operands()}
    return carried
