"""A fleet's record of a model, and a claim to have some in memory. Only `dragoman.fleet.holdings` changes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from dragoman.catalogue.catalogue import estimate_bytes, estimate_vocabulary_bytes
from dragoman.errors import DragomanError
from dragoman.planning.cost import UNKNOWN_COST
from dragoman.text.vocabularies import private_bytes

if TYPE_CHECKING:
    from dragoman.model import Model

__all__ = ["Claim", "Done", "Entry", "Measured"]

_LARGER, _HEAD_BYTES = 1.05, 1 << 16
"""Prepared weights may be larger than the model's file."""

Done = Callable[[DragomanError | None], None]
"""Told once: the models are in memory, or why not."""


class Measured(NamedTuple):
    """What an entry remembers of a model: hashes of its vocabularies, bytes, cost of a piece."""

    hashes: tuple[str, ...]
    size: int
    cost: float

    @classmethod
    def of(cls, model: Model) -> Measured:
        """Raises whatever an object that is no model makes it raise."""
        hashes = tuple(vocabulary.content_hash for vocabulary in model.vocabularies)
        return cls(hashes, model.weights.nbytes + private_bytes(model.vocabularies), model.cost)


@dataclass(eq=False)
class Entry:
    """A model by name, in memory or not. Queues hold these, never the model.

    Attributes:
        path, options: for `dragoman.load`.
        model: while it is in memory.
        loading: a loader works on it.
        users: requests under way, as keys; a removed model stays usable for them.
        leases: batches that run on it now.
        holds: claims that wait for it; it may not leave before they had their turn.
        removed: no new requests; goes as soon as the last one is done.
        leaving: goes as soon as nothing holds it, and may come back.
        generation: how often its vocabularies changed on disk; ids of another generation mean nothing.
        cost: multiply-adds for each source piece.
        error, failures, retry_at: of the last load if that failed; before ``retry_at`` it is not tried again.
        hits, loads, evictions: batches that found it in memory; loads; how often it left for others.
        load_s: how long the last load took.
    """

    name: str
    path: Any
    options: Mapping[str, Any]
    pinned: bool
    languages: tuple[str, str] | None
    model: Model | None = None
    loading: bool = False
    users: dict[object, None] = field(default_factory=dict)
    leases: int = 0
    holds: int = 0
    removed: bool = False
    leaving: bool = False
    generation: int = 0
    cost: float = UNKNOWN_COST
    error: DragomanError | None = None
    failures: int = 0
    retry_at: float = 0.0
    hits: int = 0
    loads: int = 0
    evictions: int = 0
    load_s: float = 0.0
    claims: list[Claim] = field(default_factory=list)
    _vocabularies: tuple[str, ...] = ()
    _size: int | None = None

    @property
    def size(self) -> int:
        """Bytes of weights and vocabularies in memory: as loaded last, before that an estimate from the file."""
        if self._size is None:
            known = estimate_bytes(self.path, self.options)
            # Rather too much: a budget should hold from the first load on.
            self._size = int(_LARGER * known) + _HEAD_BYTES if known else 0
            self._size += estimate_vocabulary_bytes(self.path, self.options)
        return self._size

    @property
    def in_use(self) -> bool:
        return self.leases > 0 or self.holds > 0 or self.loading

    def loaded(self, model: Model, measured: Measured, seconds: float) -> None:
        """The model is in memory now."""
        if self._vocabularies not in ((), measured.hashes):
            self.generation += 1
        self._vocabularies, self._size, self.cost = measured
        self.model, self.loading, self.load_s = model, False, seconds
        self.loads += 1
        self.error, self.failures = None, 0


@dataclass(eq=False)
class Claim:
    """Wants some models in memory at the same time: one, or the members of an ensemble.

    Attributes:
        done: called once, without any lock.
        admitted: there is room for all of them; they stay until the claim is released.
        settled: ``done`` was called, or will be.
    """

    entries: tuple[Entry, ...]
    done: Done
    admitted: bool = False
    settled: bool = False

    @property
    def ready(self) -> bool:
        return all(entry.model is not None for entry in self.entries)
