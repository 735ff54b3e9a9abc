"""The frozen records of a plan: values, slots, phases. A plan holds no weights and no memory of its own."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict, Unpack

from dragoman.graph.extents import Dimension, Extents, Symbol, evaluate
from dragoman.planning.batch_extents import extents_of_batch, groups
from dragoman.planning.fields import Instruction
from dragoman.planning.kinds import Kind


class PlanPhase(enum.Enum):
    """SELECT runs once a batch. Then ENCODE and PRIME run for each encoder group, STEP for each target position of
    the rows under way: groups and steps follow each other in any order, a group first."""

    SELECT = "select"
    ENCODE = "encode"
    PRIME = "prime"
    STEP = "step"


class Precision(enum.Enum):
    """How products are computed: FLOAT32; INT8 with the model's alphas; INT8_ROWS, each activation row by its
    maximum."""

    FLOAT32 = "float32"
    INT8 = "int8"
    INT8_ROWS = "int8-rows"


@dataclass(frozen=True)
class Value:
    """One intermediate. first and last number the instructions (over all phases in order) between which it
    lives; a persistent value (state, or read by a later phase) lives to the end of the plan: see
    planning/liveness.py."""

    name: str
    rows: Dimension
    columns: Dimension
    kind: Kind
    first: int
    last: int

    def stride(self, extents: Mapping[Symbol, int]) -> int:
        """Elements from row to row: columns rounded up so that rows are 64-byte aligned."""
        multiple = self.kind.column_multiple
        return -(-evaluate(self.columns, extents) // multiple) * multiple

    def bytes(self, extents: Mapping[Symbol, int]) -> int:
        """Size, a multiple of 64."""
        return evaluate(self.rows, extents) * self.stride(extents) * self.kind.itemsize


@dataclass(frozen=True)
class MatrixSlot:
    """A weight matrix [rows, sum(widths)] made of one or several parameters joined by columns, packed for
    products.

    bias: one name for each parameter, "" where that part has none; empty tuple if none has.
    transposed: parameters are stored [width, rows]. precision: of this product. Alpha: that of parameters[0]
    (all equal).
    """

    parameters: tuple[str, ...]
    rows: int
    widths: tuple[int, ...]
    transposed: bool
    bias: tuple[str, ...]
    precision: Precision

    @property
    def columns(self) -> int:
        return sum(self.widths)


@dataclass(frozen=True)
class VectorSlot:
    """A float vector made of one or several parameters joined end to end; a name "" is a block of zeros."""

    parameters: tuple[str, ...]
    widths: tuple[int, ...]


@dataclass(frozen=True)
class TableSlot:
    """An embedding table and / or output layer [V, columns]; V is the model's. bias: parameter [1, V] or "".
    transposed: stored [columns, V]. precision FLOAT32: float; else int8 rows with one multiplier (INT8: alpha
    too)."""

    parameter: str
    columns: int
    transposed: bool
    bias: str
    embeds: bool
    logits: bool
    precision: Precision


Slot = MatrixSlot | VectorSlot | TableSlot


class BatchShape(TypedDict, total=False):
    """Keywords of `PlanRecord.extents`."""

    sentences: int
    source_tokens: int
    target_tokens: int
    beam_size: int
    candidates: int
    shortlist: bool


@dataclass(frozen=True)
class PlanRecord:
    """A compiled graph: what `dragoman.planning.plan.Plan` shows to people.

    Attributes:
        name: the architecture, for people.
        signature: hex digest of everything below; equal signatures are equal plans.
        values: intermediates, numbered by position.
        below: for each value the numbers of values that must end before it begins (the frozen stacking
        order);
            offset = max(end of those below), so values alive together never overlap at any extents.
        order: value numbers in an order in which every value follows those below it.
        slots: parameters, numbered by position.
        select, encode, prime, step: instructions by phase.
        logits: number of the logits value.
        alignment: number of the value holding the alignment row (f32 [ROWS, ALIGNED]), or None.
        states: numbers of the values that live from step to step.
        caches: number of cached-attention layers (0: the model keeps no cells).
    """

    name: str
    signature: str
    values: tuple[Value, ...]
    below: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]
    slots: tuple[Slot, ...]
    select: tuple[Instruction, ...]
    encode: tuple[Instruction, ...]
    prime: tuple[Instruction, ...]
    step: tuple[Instruction, ...]
    logits: int
    alignment: int | None
    states: tuple[int, ...]
    caches: int

    def instructions(self) -> tuple[Instruction, ...]:
        """All phases in order: the numbering of `Value.first` and `Value.last`."""
        return self.select + self.encode + self.prime + self.step

    def offsets(self, extents: Mapping[Symbol, int]) -> tuple[list[int], int]:
        """Byte offset of every value and the bytes needed in all, for one batch."""
        offsets = [0] * len(self.values)
        ends = [0] * len(self.values)
        for number in self.order:
            offsets[number] = max((ends[other] for other in self.below[number]), default=0)
            ends[number] = offsets[number] + self.values[number].bytes(extents)
        return offsets, max(ends, default=0)

    def extents(
        self,
        *,
        sentences: int = 32,
        source_tokens: int = 25,
        target_tokens: int = 50,
        beam_size: int = 1,
        candidates: int = 32_000,
        shortlist: bool = False,
    ) -> Extents:
        """The numbers of a batch of equal sentences that are all under way at once.

        Args:
            sentences, beam_size: of the batch.
            source_tokens, target_tokens: pieces of each source, and most of each translation, end symbols included.
            candidates: target pieces that may be chosen: those of the shortlists together, or the vocabulary.
            shortlist: candidates are selected by shortlists.
        """
        lengths = [source_tokens] * sentences
        return extents_of_batch(
            lengths,
            groups(lengths),
            beam_size=beam_size,
            target_limits=[target_tokens] * sentences,
            vocabulary_size=candidates,
            union_size=candidates if shortlist else 0,
        )

    def bytes(self, **batch: Unpack[BatchShape]) -> int:
        """Bytes of workspace that the values of a batch need; arguments as for `extents`."""
        return self.offsets(self.extents(**batch))[1]
