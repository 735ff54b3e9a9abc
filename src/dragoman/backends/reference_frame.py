"""Where the reference interpreter stands in a batch, and its access to values and parameters.

Values are views of one flat piece of memory at the plan's own offsets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dragoman.backends import reference_math as maths
from dragoman.backends.batch import Batch
from dragoman.backends.slots import (
    BoundMatrix,
    BoundSlot,
    BoundTable,
    BoundVector,
    IntegerConstants,
    integer_constants,
)
from dragoman.errors import PlanError
from dragoman.graph.extents import Extents, Symbol
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.kinds import Kind
from dragoman.planning.records import MatrixSlot, PlanRecord, TableSlot

__all__ = ["Clock", "Frame", "Observer", "Rows"]

if TYPE_CHECKING:
    from dragoman.backends.batch import Ids

Observer = Callable[[str, NDArray[np.float32]], None]
"""Told of each float product: the name of its weight and its input [rows, K], valid during the call only."""

Clock = Callable[[Instruction, int, int], None]
"""Told of each instruction that ran: its rows, and the nanoseconds that it took."""

Floats = NDArray[np.float32]

_TYPES: dict[Kind, type[np.generic]] = {Kind.F32: np.float32, Kind.U8: np.uint8, Kind.I32: np.int32}


@dataclass(frozen=True, eq=False)
class Rows:
    """The live hypotheses of one step; those of a sentence lie together.

    Attributes:
        step: target position, from 0.
        previous: last target id of each, -1 at the first step.
        parent: row of the step before that each continues; the sentence's number at the first step.
        sentence: its sentence.
        cells: [rows, step + 1], cache cells of its positions, this step's own last.
    """

    step: int
    previous: Ids
    parent: Ids
    sentence: Ids
    cells: Ids


class Frame:
    """One plan, one model's weights, one batch, and the place in it."""

    def __init__(
        self,
        plan: PlanRecord,
        slots: Sequence[BoundSlot],
        batch: Batch,
        extents: Extents,
        memory: NDArray[np.uint8],
        observer: Observer | None = None,
        clock: Clock | None = None,
    ) -> None:
        """``memory`` holds the plan's bytes for ``extents``, and is the only thing that is written."""
        self.plan, self.slots, self.batch, self.extents = plan, slots, batch, extents
        self.observer, self._clock = observer, clock
        offsets, _ = plan.offsets(extents)
        self.values: list[NDArray[Any]] = []
        for value, offset in zip(plan.values, offsets, strict=True):
            part = memory[offset : offset + value.bytes(extents)].view(_TYPES[value.kind])
            stride = value.stride(extents)
            self.values.append(part.reshape(part.size // stride if stride else 0, stride))
        self._constants: dict[int, IntegerConstants] = {}
        padded = [-(-batch.length(sentence) // 16) * 16 for sentence in range(batch.sentences)]
        self._padded_offsets = np.concatenate([[0], np.cumsum(padded)])
        self.union = None if batch.candidate_offsets is None else np.unique(batch.candidates)
        # Where the phase at hand stands.
        self._first = self._last = 0  # sentences of the group
        self._active = 0  # of them those still running in a scan
        self._position, self._backward = 0, False  # in a scan
        none = np.zeros(0, np.int32)
        self.rows = Rows(0, none, none, none, none.reshape(0, 1))

    def _count(self, rows: Symbol) -> int:
        if rows is Symbol.GROUP_TOKENS:
            return int(self.batch.offsets[self._last] - self.batch.offsets[self._first])
        return self._active if rows is Symbol.GROUP_SENTENCES else len(self.rows.previous)

    def _view(self, operand: Operand, rows: Symbol) -> NDArray[Any]:
        """The rows of an operand that an instruction computes at a time; of a value that holds the whole
        batch, the group's."""
        first = 0
        kept = self.plan.values[operand.value].rows
        if kept is Symbol.TOKENS:
            first = int(self.batch.offsets[self._first])
        elif kept in (Symbol.SENTENCES, Symbol.ROWS):
            first = self._first  # decoder states start as one row for each sentence
        view = self._whole(operand)[first : first + self._count(rows)]
        if len(view) != self._count(rows):
            raise PlanError(f"value {operand.value} has no room for {self._count(rows)} rows from {first}.")
        return view

    def _whole(self, operand: Operand) -> NDArray[Any]:
        """All rows of an operand."""
        end = operand.column + operand.columns if operand.columns else None
        return self.values[operand.value][:, operand.column : end]

    def _ruin(self, scratch: Operand) -> None:
        """What a kernel may leave in its scratch."""
        self.values[scratch.value].fill(np.nan)

    def _store(self, instruction: Any, result: Floats) -> None:
        """To ``output`` as floats and to ``quantised`` as integers, where there are such."""
        if instruction.quantised is not None:
            integers = maths.quantise(result, self._alpha(instruction.multiplier_of))
            self._view(instruction.quantised, instruction.rows)[...] = integers
        if instruction.output is not None:
            self._view(instruction.output, instruction.rows)[...] = result

    def _alpha(self, slot: int) -> float:
        bound = self.slots[slot]
        if isinstance(bound, BoundVector) or bound.alpha is None:
            raise PlanError(f"slot {slot} has no activation multiplier.")
        return bound.alpha

    def _vector(self, slot: int | None) -> Floats | None:
        if slot is None:
            return None
        bound = self.slots[slot]
        if not isinstance(bound, BoundVector):
            raise PlanError(f"slot {slot} is used as a vector.")
        return bound.values

    def _matrix(self, slot: int) -> BoundMatrix:
        bound = self.slots[slot]
        if not isinstance(bound, BoundMatrix):
            raise PlanError(f"slot {slot} is used as a matrix.")
        return bound

    def _table(self, slot: int) -> BoundTable:
        bound = self.slots[slot]
        if not isinstance(bound, BoundTable):
            raise PlanError(f"slot {slot} is used as a table.")
        return bound

    def _integer_constants(self, slot: int, bound: BoundMatrix | BoundTable) -> IntegerConstants:
        if slot not in self._constants:
            self._constants[slot] = integer_constants(bound)
        return self._constants[slot]

    def _observe(self, slot: int, x: Floats) -> None:
        if self.observer is None:
            return
        described = self.plan.slots[slot]
        if isinstance(described, MatrixSlot):
            for name in filter(None, described.parameters):
                self.observer(name, x)
        elif isinstance(described, TableSlot):
            self.observer(described.parameter, x)
