"""A workbench for single instructions: values by name, their arrays, and a batch to run them in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.backends.batch import Batch, SearchOptions, batch_extents
from dragoman.backends.reference_frame import Observer, Rows
from dragoman.backends.reference_interpreter import Interpreter
from dragoman.backends.slots import BoundSlot
from dragoman.graph.extents import Dimension
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.kinds import Kind
from dragoman.planning.plan import Plan
from dragoman.planning.records import Slot, Value

SOURCES = ([11, 12, 13, 14, 0], [21, 22, 0], [31, 0])
LENGTHS = (5, 3, 2)
OFFSETS = (0, 5, 8, 10)


def plan_of(*slots: Slot) -> Plan:
    """A plan of slots alone."""
    return Plan("test", "", (), (), (), slots, (), (), (), (), 0, None, (), 0)


class Bench:
    """Declare values, then run instructions over three ragged sentences; every value lies apart, filled with
    NaN."""

    def __init__(
        self,
        *slots: tuple[Slot | None, BoundSlot],
        candidates: Sequence[Sequence[int]] | None = None,
        options: SearchOptions | None = None,
        vocabulary: int = 7,
        observer: Observer | None = None,
    ) -> None:
        self.batch = Batch.of(SOURCES, [4, 3, 2], candidates=candidates)
        self.options = options or SearchOptions(beam_size=2, alignment=True)
        self.vocabulary, self.observer = vocabulary, observer
        self.slots = [bound for _, bound in slots]
        self.described: Any = tuple(slot for slot, _ in slots)
        self.declared: list[Value] = []
        self.inputs: dict[int, NDArray[Any]] = {}

    def value(self, rows: Dimension, columns: Dimension, kind: Kind = Kind.F32) -> Operand:
        """A value, whole."""
        self.declared.append(Value(f"v{len(self.declared)}", rows, columns, kind, 0, 0))
        return Operand(len(self.declared) - 1, 0, columns if isinstance(columns, int) else 0)

    def given(self, rows: Dimension, array: NDArray[Any]) -> Operand:
        """A value that holds ``array`` before the instructions run."""
        kind = {"f": Kind.F32, "u": Kind.U8, "i": Kind.I32}[array.dtype.kind]
        operand = self.value(rows, array.shape[1], kind)
        self.inputs[operand.value] = array
        return operand

    def run(
        self,
        encode: Sequence[Instruction] = (),
        *,
        select: Sequence[Instruction] = (),
        steps: Sequence[tuple[Instruction, Rows]] = (),
        group_tokens: int = 1000,
    ) -> None:
        """SELECT, ENCODE for each group, then each instruction of ``steps`` with its rows."""
        numbers = tuple(range(len(self.declared)))
        below = tuple((number - 1,) if number else () for number in numbers)
        phases = (tuple(select), tuple(encode), (), ())
        plan = Plan(
            "bench", "", tuple(self.declared), below, numbers, self.described, *phases, 0, None, (), 0
        )
        extents = batch_extents(self.batch, self.options, self.vocabulary)
        memory = np.full(plan.offsets(extents)[1], 0xFF, np.uint8)
        self.interpreter = Interpreter(plan, self.slots, self.batch, extents, memory, self.observer)
        for number, array in self.inputs.items():
            self.interpreter.values[number][: len(array), : array.shape[1]] = array
        self.interpreter.encode(group_tokens)
        for instruction, rows in steps:
            self.interpreter.rows = rows
            self.interpreter.execute(instruction)

    def found(self, operand: Operand) -> NDArray[Any]:
        """What a value holds, without the padding of its rows."""
        end = operand.column + operand.columns if operand.columns else None
        return self.interpreter.values[operand.value][:, operand.column : end]


def rows_of(
    sentences: Sequence[int],
    *,
    step: int = 0,
    parents: Sequence[int] | None = None,
    previous: Sequence[int] | None = None,
    cells: Sequence[Sequence[int]] | None = None,
) -> Rows:
    """Live hypotheses; ids, parents and cells are their own numbers if not given."""
    count = len(sentences)
    own = np.arange(count, dtype=np.int32)
    return Rows(
        step,
        np.array([-1] * count if previous is None else previous, np.int32),
        own if parents is None else np.array(parents, np.int32),
        np.array(sentences, np.int32),
        np.array(own[:, None] if cells is None else cells, np.int32),
    )
