"""What a device must offer to run plans: the one face that models, workers and profiling know.

A back end translates ids to ids. It sees no text, no files and no threads. What it makes (weights, shortlists,
workspaces) only it understands; callers carry these from one of its methods to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from dragoman.backends.batch import Batch, RawHypothesis, SearchOptions
from dragoman.host import Region, StopFlag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dragoman.backends.slots import BoundSlot
    from dragoman.formats.shortlist import Shortlist
    from dragoman.planning.records import PlanRecord

__all__ = [
    "Backend",
    "Costs",
    "Member",
    "Packing",
    "PlacedShortlist",
    "PlacedWeights",
    "StoringBackend",
    "Workspace",
]

PlacedShortlist: TypeAlias = object
"""A shortlist where a back end reads it."""


class PlacedWeights(Protocol):
    """One model's weights where a back end reads them. Never changes; gone with the last reference."""

    @property
    def nbytes(self) -> int:
        """Bytes that they take."""
        ...

    @property
    def vocabulary(self) -> int:
        """Rows of the output layer."""
        ...


class Workspace(Protocol):
    """One worker's scratch memory, between batches: bytes now, the most there were, the most there may be."""

    @property
    def size(self) -> int: ...
    @property
    def high_water(self) -> int: ...
    @property
    def limit(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Member:
    """A model of a flight, and its weight in the sum of scores."""

    weights: PlacedWeights
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Costs:
    """What a flight spent.

    Attributes:
        instructions: nanoseconds, calls and rows of each instruction of the first model's plan.
        candidates: columns of the logits: those that shortlists leave, or the vocabulary.
        seconds: processor time of this thread.
    """

    instructions: tuple[tuple[int, int, int], ...]
    candidates: int
    seconds: float


class Backend(Protocol):
    """Runs plans. Thread-safe; one object for a process."""

    @property
    def name(self) -> str:
        """As `dragoman.load` takes it."""
        ...

    def prepare(self, plan: PlanRecord, slots: Sequence[BoundSlot], *, shortlist: bool) -> PlacedWeights:
        """Weights in private memory.

        Args:
            plan: of the model.
            slots: of the plan, bound to the model's arrays. Nothing of them need be kept.
            shortlist: output columns will be selected by a shortlist.
        """
        ...

    def shortlist(
        self, lists: Shortlist, *, shared_vocabulary: bool, target_vocabulary: int, eos_id: int
    ) -> PlacedShortlist:
        """Place a shortlist. Arguments as for `dragoman.formats.shortlist.Shortlist.candidates`."""
        ...

    def workspace(self, first: int, limit: int) -> Workspace:
        """Scratch memory of ``first`` bytes that grows, between batches, to at most ``limit``."""
        ...

    def run(
        self,
        members: Sequence[Member],
        workspace: Workspace,
        batch: Batch,
        options: SearchOptions,
        *,
        shortlist: PlacedShortlist | None = None,
        stop: StopFlag | None = None,
        scores: bool = True,
    ) -> list[list[RawHypothesis]] | None:
        """Translate one batch with one model, or with an ensemble of one target vocabulary.

        Args:
            members: alignments come from the first.
            workspace: grows if the batch needs more than it has, up to its limit. Nothing of the results lies in it.
            batch: where there is a ``shortlist``, its ``candidates`` are not used.
            options: how to search.
            shortlist: which target ids each sentence may use; None: what the batch says, else all.
            stop: ends the batch early.
            scores: False lets greedy search skip scores.

        Returns:
            For each sentence its hypotheses, best first; None if stopped.

        Raises:
            WorkspaceError: the batch needs more than the workspace's limit.
        """
        ...

    def measure(
        self,
        weights: PlacedWeights,
        workspace: Workspace,
        batch: Batch,
        options: SearchOptions,
        *,
        shortlist: PlacedShortlist | None = None,
    ) -> Costs:
        """Run a batch and say what each instruction took."""
        ...

    def peaks(self) -> tuple[float, float]:
        """Operations a second, of bytes and of floats, of a loop on registers alone, measured now."""
        ...


class Packing(Protocol):
    """Weights about to be written as bytes."""

    @property
    def image(self) -> bytes:
        """The plan, for `StoringBackend.place`."""
        ...

    @property
    def records(self) -> int:
        """Rows that the slot table will have."""
        ...

    @property
    def nbytes(self) -> int:
        """Most bytes that the arrays will take."""
        ...

    def write(self, view: NDArray[np.uint8], start: int) -> tuple[int, list[bytes]]:
        """Write the arrays from ``start`` on. Returns the bytes used, and the slot table, whose offsets count from the
        beginning of ``view``."""
        ...


@runtime_checkable
class StoringBackend(Backend, Protocol):
    """A back end whose prepared weights are bytes that a file keeps (`dragoman.formats.prepared`)."""

    @property
    def fingerprint(self) -> int:
        """Changes with the order in which packing puts matrices."""
        ...

    def packing(self, plan: PlanRecord, slots: Sequence[BoundSlot], *, shortlist: bool) -> Packing:
        """As `prepare`, towards bytes."""
        ...

    def place(self, image: bytes, region: Region, table: bytes) -> PlacedWeights:
        """Weights at the places in a region that a slot table names; all are checked. Keeps the region alive.

        Raises:
            NativeError: image or table are not sound.
        """
        ...
