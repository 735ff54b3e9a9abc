"""The reference back end: plans run with NumPy, written to be read. The oracle for the native engine.

The workspace is filled with NaN before every batch, and all values lie where the plan puts them: a plan whose
layout is wrong gives wrong numbers here too.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dragoman.backends.batch import Batch, RawHypothesis, SearchOptions, batch_extents
from dragoman.backends.protocol import Costs, Member, PlacedShortlist, PlacedWeights
from dragoman.backends.protocol import Workspace as AnyWorkspace
from dragoman.backends.reference_frame import Clock, Observer
from dragoman.backends.reference_interpreter import Interpreter
from dragoman.backends.reference_search import search
from dragoman.backends.slots import BoundMatrix, BoundSlot, BoundVector, vocabulary_size
from dragoman.errors import OptionsError, WorkspaceError
from dragoman.host import StopFlag
from dragoman.planning.fields import Instruction
from dragoman.planning.records import PlanRecord

if TYPE_CHECKING:
    from dragoman.formats.shortlist import Shortlist

__all__ = ["ReferenceBackend", "ReferenceWeights", "Workspace", "run_plans"]

_NO_LIMIT = 1 << 62
_PEAK_SIZE = 512


class Workspace:
    """Scratch memory that grows to the largest batch so far.

    Args:
        first: bytes at first.
        limit: most bytes.
    """

    def __init__(self, first: int = 0, limit: int = _NO_LIMIT) -> None:
        self._bytes = bytearray(first)
        self.limit = limit
        self.high_water = 0

    @property
    def size(self) -> int:
        return len(self._bytes)

    def reserve(self, size: int) -> NDArray[np.uint8]:
        """At least ``size`` bytes, all 0xFF (NaN as floats). Earlier results of this method are void.

        Raises:
            WorkspaceError: they are more than the limit.
        """
        if size > self.limit:
            raise WorkspaceError(f"the batch needs {size} bytes of workspace, and the limit is {self.limit}.")
        if size > len(self._bytes):
            self._bytes = bytearray(size)
        self.high_water = max(self.high_water, size)
        memory = np.frombuffer(self._bytes, np.uint8)
        memory.fill(0xFF)
        return memory


@dataclass(frozen=True, slots=True)
class ReferenceWeights:
    """The bound slots themselves."""

    plan: PlanRecord
    slots: tuple[BoundSlot, ...]

    @property
    def nbytes(self) -> int:
        return sum(_bytes_of(bound) for bound in self.slots)

    @property
    def vocabulary(self) -> int:
        return vocabulary_size(self.plan, self.slots)


@dataclass(frozen=True, slots=True)
class _Lists:
    """A shortlist, and how to ask it."""

    lists: Shortlist
    shared_vocabulary: bool
    target_vocabulary: int
    eos_id: int

    def put(self, batch: Batch) -> Batch:
        """The batch with the candidates of its sentences."""
        found = [
            self.lists.candidates(
                batch.source_of(sentence),
                shared_vocabulary=self.shared_vocabulary,
                vocabulary_size=self.target_vocabulary,
                eos_id=self.eos_id,
                forced=[id_ for phrase in batch.phrases_of(sentence) for id_ in phrase.ids],
            )
            for sentence in range(batch.sentences)
        ]
        offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in found])]).astype(np.int32)
        return dataclasses.replace(batch, candidates=np.concatenate(found), candidate_offsets=offsets)


@dataclass(frozen=True, slots=True)
class ReferenceBackend:
    """A `dragoman.backends.protocol.Backend` to compare others with."""

    name: str = "reference"

    def prepare(self, plan: PlanRecord, slots: Sequence[BoundSlot], *, shortlist: bool) -> ReferenceWeights:
        return ReferenceWeights(plan, tuple(slots))

    def shortlist(
        self, lists: Shortlist, *, shared_vocabulary: bool, target_vocabulary: int, eos_id: int
    ) -> PlacedShortlist:
        return _Lists(lists, shared_vocabulary, target_vocabulary, eos_id)

    def workspace(self, first: int, limit: int) -> Workspace:
        return Workspace(first, limit)

    def run(
        self,
        members: Sequence[Member],
        workspace: AnyWorkspace,
        batch: Batch,
        options: SearchOptions,
        *,
        shortlist: PlacedShortlist | None = None,
        stop: StopFlag | None = None,
        scores: bool = True,
    ) -> list[list[RawHypothesis]] | None:
        own = [_placed(member.weights) for member in members]
        options = dataclasses.replace(options, weights=tuple(member.weight for member in members))
        models = [(weights.plan, weights.slots) for weights in own]
        return run_plans(models, _own(workspace), _with_candidates(batch, shortlist), options, stop=stop)

    def measure(
        self,
        weights: PlacedWeights,
        workspace: AnyWorkspace,
        batch: Batch,
        options: SearchOptions,
        *,
        shortlist: PlacedShortlist | None = None,
    ) -> Costs:
        placed = _placed(weights)
        batch = _with_candidates(batch, shortlist)
        spent = {id(instruction): [0, 0, 0] for instruction in placed.plan.instructions()}

        def clock(instruction: Instruction, rows: int, nanoseconds: int) -> None:
            for place, value in enumerate((nanoseconds, 1, rows)):
                spent[id(instruction)][place] += value

        start = time.thread_time()
        run_plans([(placed.plan, placed.slots)], _own(workspace), batch, options, clock=clock)
        seconds = time.thread_time() - start
        columns = placed.vocabulary if batch.candidate_offsets is None else len(np.unique(batch.candidates))
        numbers = [tuple(spent[id(instruction)]) for instruction in placed.plan.instructions()]
        return Costs(tuple((one[0], one[1], one[2]) for one in numbers), columns, seconds)

    def peaks(self) -> tuple[float, float]:
        """Of NumPy's product of matrices; it multiplies bytes as floats."""
        matrix = np.ones((_PEAK_SIZE, _PEAK_SIZE), np.float32)
        start = time.thread_time_ns()
        matrix @ matrix
        rate = 2e9 * _PEAK_SIZE**3 / max(time.thread_time_ns() - start, 1)
        return rate, rate


def run_plans(
    models: Sequence[tuple[PlanRecord, Sequence[BoundSlot]]],
    workspace: Workspace,
    batch: Batch,
    options: SearchOptions,
    *,
    stop: StopFlag | None = None,
    observer: Observer | None = None,
    clock: Clock | None = None,
) -> list[list[RawHypothesis]] | None:
    """For each sentence its hypotheses, best first; None if stopped.

    Args:
        models: a plan and its slots; several are an ensemble.
        observer: told of the input of each float product; for calibration.
        clock: told what each instruction took.

    Raises:
        OptionsError: the models cannot be an ensemble.
        WorkspaceError: the batch needs more than the workspace's limit.
    """
    sizes = {vocabulary_size(plan, slots) for plan, slots in models}
    if len(sizes) != 1:
        raise OptionsError("models", sorted(sizes), "one or more with target vocabularies of one size")
    if options.weights and len(options.weights) != len(models):
        raise OptionsError("weights", options.weights, f"{len(models)} numbers, one for each model")
    extents = batch_extents(batch, options, sizes.pop())
    needs = [plan.offsets(extents)[1] for plan, _ in models]
    memory = workspace.reserve(sum(needs))
    ends = np.cumsum(needs)
    interpreters = [
        Interpreter(plan, slots, batch, extents, memory[end - need : end], observer, clock)
        for (plan, slots), need, end in zip(models, needs, ends, strict=True)
    ]
    for interpreter in interpreters:
        interpreter.encode(options.group_tokens)
    return search(interpreters, batch, options, stop)


def _with_candidates(batch: Batch, shortlist: PlacedShortlist | None) -> Batch:
    """The batch as NumPy arrays, and what each of its sentences may use."""
    batch = Batch(
        source=np.asarray(batch.source, np.int32),
        offsets=np.asarray(batch.offsets, np.int32),
        limits=np.asarray(batch.limits, np.int32),
        prefix=np.asarray(batch.prefix, np.int32),
        prefix_offsets=None if batch.prefix_offsets is None else np.asarray(batch.prefix_offsets, np.int32),
        candidates=np.asarray(batch.candidates, np.int32),
        candidate_offsets=None if batch.candidate_offsets is None else np.asarray(batch.candidate_offsets, np.int32),
        constraints=batch.constraints,
    )
    if shortlist is None:
        return batch
    if not isinstance(shortlist, _Lists):
        raise OptionsError("shortlist", type(shortlist).__name__, "one that the reference back end placed")
    return shortlist.put(batch)


def _placed(weights: PlacedWeights) -> ReferenceWeights:
    if not isinstance(weights, ReferenceWeights):
        raise OptionsError("model", type(weights).__name__, "weights of the reference back end, as all of a flight")
    return weights


def _own(workspace: AnyWorkspace) -> Workspace:
    if not isinstance(workspace, Workspace):
        raise OptionsError("workspace", type(workspace).__name__, "one that the reference back end made")
    return workspace


def _bytes_of(bound: BoundSlot) -> int:
    if isinstance(bound, BoundVector):
        return bound.values.nbytes
    main = bound.weights if isinstance(bound, BoundMatrix) else bound.rows
    return main.nbytes + (0 if bound.bias is None else bound.bias.nbytes)
