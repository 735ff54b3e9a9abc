"""Where the time of a model goes: what each instruction of its plan costs on a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dragoman.model import Model
from dragoman.options import DecodingOptions
from dragoman.planning.fields import Instruction
from dragoman.planning.instructions import GemmFloat, GemmInt8, LogitsFloat, LogitsInt8
from dragoman.planning.plan import Plan
from dragoman.planning.records import MatrixSlot, TableSlot
from dragoman.run.batching import Segment, make_batch, make_batches
from dragoman.run.flights import search_options, segments_of
from dragoman.text.lines import make_lines

__all__ = ["InstructionCost", "Profile", "profile"]


@dataclass(frozen=True)
class InstructionCost:
    """One instruction of a plan.

    Attributes:
        phase, name: where it stands, and what it is.
        nanoseconds, calls, rows: over the whole text.
        operations: multiplications and additions, of products only; 0 for others. Of an output layer those of all its
            columns, also where native/interpreter/best_columns.h spares some.
        integer: a product of integers.
    """

    phase: str
    name: str
    nanoseconds: int
    calls: int
    rows: int
    operations: int
    integer: bool


@dataclass(frozen=True)
class Profile:
    """Costs in the order of the plan, and what this processor could do at most.

    Attributes:
        costs: of every instruction.
        words: of the text, between spaces.
        seconds: of this thread in the batches.
        peak_int8, peak_float: operations a second of a loop on registers alone, measured just before.
    """

    costs: tuple[InstructionCost, ...]
    words: int
    seconds: float
    peak_int8: float
    peak_float: float

    @property
    def arithmetic_share(self) -> float:
        """The time that the products would take at the peak, as a share of the time that all took."""
        needed = sum(
            cost.operations / (self.peak_int8 if cost.integer else self.peak_float) for cost in self.costs
        )
        return needed / self.seconds if self.seconds else 0.0


def profile(model: Model, texts: Sequence[str], *, batch_sentences: int, options: DecodingOptions) -> Profile:
    """Translate a text on this thread and measure every instruction.

    Args:
        texts: sentences.
        batch_sentences: sentences that are translated together; 1: line by line.
        options: as for a `Translator`.
    """
    lines = make_lines(texts, model.pieces, options)
    segments: list[Segment] = segments_of(lines)
    settings = search_options(model, options, 1)
    peaks = model.backend.peaks()
    workspace = model.backend.workspace(1 << 20, 1 << 40)
    totals = [[0, 0, 0] for _ in model.plan.instructions()]
    columns = 0
    seconds = 0.0
    for numbers in make_batches([len(segment.ids) for segment in segments], max_sentences=batch_sentences):
        batch = make_batch([segments[number] for number in numbers], options.max_length_factor)
        costs = model.backend.measure(
            model.weights.ready().placed, workspace, batch, settings, shortlist=model.placed_shortlist
        )
        seconds += costs.seconds
        for total, cost in zip(totals, costs.instructions, strict=True):
            for place, value in enumerate(cost):
                total[place] += value
        columns += costs.candidates * costs.instructions[-1][2]
    logits_rows = totals[-1][2]
    width = columns / logits_rows if logits_rows else 0.0
    return Profile(
        costs=tuple(_costs(model.plan, totals, width)),
        words=sum(len(text.split()) for text in texts),
        seconds=seconds,
        peak_int8=peaks[0],
        peak_float=peaks[1],
    )


def _costs(plan: Plan, totals: Sequence[Sequence[int]], logits_columns: float) -> list[InstructionCost]:
    phases = [name for name in ("select", "encode", "prime", "step") for _ in getattr(plan, name)]
    return [
        InstructionCost(
            phase=phase,
            name=_name(plan, instruction),
            nanoseconds=nanoseconds,
            calls=calls,
            rows=rows,
            operations=int(2 * rows * _multiplications(plan, instruction, logits_columns)),
            integer=isinstance(instruction, (GemmInt8, LogitsInt8)),
        )
        for phase, instruction, (nanoseconds, calls, rows) in zip(
            phases, plan.instructions(), totals, strict=True
        )
    ]


def _multiplications(plan: Plan, instruction: Instruction, logits_columns: float) -> float:
    """Of one row."""
    if isinstance(instruction, (GemmInt8, GemmFloat)):
        matrix = plan.slots[instruction.matrix]
        assert isinstance(matrix, MatrixSlot)
        return matrix.rows * matrix.columns
    if isinstance(instruction, (LogitsInt8, LogitsFloat)):
        table = plan.slots[instruction.table]
        assert isinstance(table, TableSlot)
        return table.columns * logits_columns
    return 0.0


def _name(plan: Plan, instruction: Any) -> str:
    name = type(instruction).__name__
    if isinstance(instruction, (GemmInt8, GemmFloat)):
        matrix = plan.slots[instruction.matrix]
        assert isinstance(matrix, MatrixSlot)
        return f"{name} {'+'.join(matrix.parameters)} [{matrix.rows}, {matrix.columns}]"
    return name
