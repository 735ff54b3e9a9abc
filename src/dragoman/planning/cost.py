"""What a sentence will cost, from the plan: float multiply-adds for each source piece, computed once a plan.

Good enough to share time fairly between models: a model with twice the multiply-adds gets half as many
pieces in the same time. Not a promise about seconds: on one core 80 to 130 thousand million of these units
took a second, over eight models of four architectures in three precisions.
"""

from __future__ import annotations

from dragoman.planning.fields import Instruction
from dragoman.planning.plan import Plan
from dragoman.planning.records import MatrixSlot, Precision, TableSlot

__all__ = ["UNKNOWN_COST", "cost_of_piece"]

UNKNOWN_COST = 5.0e6
"""Of a model that was not loaded yet: that of a tiny one."""
_CANDIDATES = 512
"""Output columns that a shortlist leaves, about."""
_OVERHEAD = 2.0e4
"""Multiply-adds in the time that an instruction takes beside its own, for each row."""
_INTEGER = 1 / 3
"""An integer multiply-add takes so much of the time of a float one."""

_costs: dict[tuple[str, int], float] = {}


def cost_of_piece(plan: Plan, *, vocabulary: int, shortlist: bool) -> float:
    """Float multiply-adds for one source piece and the target piece that it becomes, greedily.

    Args:
        plan: of the model.
        vocabulary: rows of the output layer.
        shortlist: only some columns of the output layer are computed.
    """
    columns = _CANDIDATES if shortlist else vocabulary
    key = plan.signature, columns
    cost = _costs.get(key)
    if cost is None:
        both = (*plan.encode, *plan.prime, *plan.step)
        cost = _costs[key] = sum(_OVERHEAD + _of_row(plan, one, columns) for one in both)
    return cost


def _of_row(plan: Plan, instruction: Instruction, columns: int) -> float:
    """Multiply-adds of one instruction for one row: those of the matrix it multiplies with."""
    matrix = getattr(instruction, "matrix", None)
    slot = plan.slots[matrix] if isinstance(matrix, int) else None
    if isinstance(slot, MatrixSlot):
        return slot.rows * slot.columns * _factor(slot.precision)
    table = getattr(instruction, "table", None)
    slot = plan.slots[table] if isinstance(table, int) else None
    if isinstance(slot, TableSlot) and slot.logits and "Logits" in type(instruction).__name__:
        return slot.columns * columns * _factor(slot.precision)
    return 0.0


def _factor(precision: Precision) -> float:
    return 1.0 if precision is Precision.FLOAT32 else _INTEGER
