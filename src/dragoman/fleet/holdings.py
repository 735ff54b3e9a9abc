"""Which models are in memory: claims, leases, loading, eviction. What a `dragoman.Fleet` is made of.

Lifetime: a model is referenced by its entry, and for the time of one batch by the worker that runs it.
Nothing else keeps one alive, so that it is gone, with its memory, as soon as it is evicted or removed.
Loading happens on threads of its own, without the lock: it never stands in the way of other models.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from dragoman.errors import DragomanError, ModelError, ModelNotFoundError, ServiceClosedError
from dragoman.fleet.entries import Claim, Done, Entry, Measured
from dragoman.fleet.loading import Loading
from dragoman.fleet.process_memory import release_free_memory
from dragoman.fleet.residency import Residency
from dragoman.fleet.threads import call_back
from dragoman.model import Model
from dragoman.units import format_bytes

__all__ = ["Holdings"]

_FIRST_RETRY_S, _LAST_RETRY_S = 0.5, 60.0


class Holdings:
    """Entries by name, and the rules by which their models come and go. Thread-safe.

    Args:
        budget: most bytes of weights in memory, or None.
        policy: who leaves first, a name in `dragoman.fleet.residency.POLICIES`.
        idle_s: models not used for so many seconds leave at the next `sweep`; None: never.
        loaders: models loaded at the same time.
        loader: makes a model of a path and options.
    """

    def __init__(
        self,
        budget: int | None,
        policy: str,
        idle_s: float | None,
        loaders: int,
        loader: Callable[..., Model],
    ) -> None:
        self.weights_budget, self.idle_s = budget, idle_s
        self._load = loader
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._leaving: set[Entry] = set()
        self._residency: Residency[Entry] = Residency(budget, policy)
        self._waiting: list[Claim] = []
        self._users: dict[object, tuple[Entry, ...]] = {}
        # Whoever waits is told on a thread that holds no lock, or two services could wait for each other.
        self._loading = Loading(loaders)
        self._closed = False
        self._freed = self._trimming = False
        self._pid = os.getpid()

    def look(self, names: Sequence[str]) -> tuple[Entry, ...]:
        """The entries of these models. Raises ModelNotFoundError."""
        with self._locked():
            entries = tuple(self._entry(name) for name in names)
        for entry in entries:
            _ = entry.size  # may read files the first time: here, where it keeps nobody waiting
        return entries

    def enter(self, user: object, entries: tuple[Entry, ...]) -> None:
        """A request on these models begins: even if they are removed, they stay usable until `leave`.

        Whatever interrupts this, `leave` undoes it.

        Raises ModelNotFoundError.
        """
        with self._locked():
            for entry in entries:
                if entry.removed:
                    raise self._unknown(entry.name)
            self._users[user] = entries
            for entry in entries:
                entry.users[user] = None

    def leave(self, user: object) -> None:
        """A request is over, or never began."""
        with self._locked(closing=True):
            for entry in self._users.pop(user, ()):
                entry.users.pop(user, None)
                self._settle(entry)

    def acquire(self, entries: Sequence[Entry], *, claimed: bool = False) -> tuple[Model, ...] | None:
        """The models, for one batch, if all are in memory; give them back with `release`.

        Args:
            claimed: the models had to be loaded for this, so it is no hit.
        """
        now = time.monotonic()
        with self._locked():
            models = tuple(entry.model for entry in entries if entry.model is not None)
            if len(models) < len(entries):
                return None
            for entry in entries:
                entry.leases += 1
                entry.hits += not claimed
                self._residency.use(entry, now)
            return models

    def release(self, entries: Sequence[Entry]) -> None:
        """The batch is done, and its references to the models are gone."""
        with self._locked(closing=True):
            for entry in entries:
                entry.leases -= 1
                self._settle(entry)
            self._shrink()
            self._admit()

    def claim(self, entries: tuple[Entry, ...], done: Done) -> Claim:
        """Have models in memory. ``done`` is called once, from a thread of the fleet's.

        From then on they stay until `release_claim`, which must be called in any case.

        Raises UnavailableError: there is no thread that could load or tell; nothing was claimed.
        """
        claim = Claim(entries, done)
        with self._locked():
            self._loading.start()
            now = time.monotonic()
            failed = next((one for one in entries if one.error is not None and now < one.retry_at), None)
            if failed is not None:
                self._fail(claim, failed.error)
            else:
                self._waiting.append(claim)
                self._admit()
        return claim

    def release_claim(self, claim: Claim) -> None:
        """The models were used, or are not wanted any more."""
        with self._locked(closing=True):
            claim.settled = True
            self._unclaim(claim)
            self._admit()

    def sweep(self) -> float | None:
        """Drop idle models. Returns the seconds after which this is worth while again, or None."""
        if self.idle_s is None:
            return None
        with self._locked():
            for entry in self._residency.idle(time.monotonic() - self.idle_s):
                if self._may_leave(entry):
                    self._drop(entry)
                    entry.evictions += 1
                    self._freed = True
        return self.idle_s / 4

    def entries(self) -> list[Entry]:
        """All entries, also removed ones that still have requests; for reports, to be read under `locked`."""
        return [*self._entries.values(), *self._leaving]

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """No model comes or goes meanwhile. For reports; must be short."""
        with self._locked(closing=True):
            yield

    @property
    def resident_bytes(self) -> int:
        """Bytes of all weights and vocabularies in memory, those being loaded included; what the budget counts. A
        vocabulary that several models share counts with each."""
        return self._residency.total

    def close(self) -> None:
        """Drop all models that nothing uses, and end the loaders. The fleet cannot be used afterwards."""
        if self._pid != os.getpid():
            return
        with self._locked(closing=True):
            self._closed = True
            entries, waiting = self.entries(), list(self._waiting)
            for claim in waiting:
                self._unclaim(claim)
                self._fail(claim, ServiceClosedError("the fleet is closed"))
            for entry in entries:
                entry.leaving = True
                self._settle(entry)
        self._loading.stop()
        self._loading.join()

    # -- all below runs under the lock, but for `_run_load` -------------------------------------------------

    @contextlib.contextmanager
    def _locked(self, *, closing: bool = False) -> Iterator[None]:
        """The lock; afterwards whoever waited is told. ``closing``: fine on a closed fleet."""
        if self._pid != os.getpid():
            raise ServiceClosedError("this fleet belongs to the parent process and was inherited by a fork")
        with self._lock:
            if self._closed and not closing:
                raise ServiceClosedError("the fleet is closed")
            yield
            if self._freed and not self._trimming and not self._closed:
                self._trimming = True
                self._loading.tell(self._trim)
            self._freed = False

    def _entry(self, name: str) -> Entry:
        entry = self._entries.get(name)
        if entry is None:
            raise self._unknown(name)
        return entry

    def _unknown(self, name: str) -> ModelNotFoundError:
        return ModelNotFoundError(str(name), "there is no model of this name.", found=sorted(self._entries))

    def _may_leave(self, entry: Entry) -> bool:
        return not (entry.in_use or entry.pinned)

    def _settle(self, entry: Entry) -> None:
        """Let a model go that was to go, if nothing holds it any more."""
        if entry.in_use or not (entry.leaving or (entry.removed and not entry.users)):
            return
        entry.leaving = False
        if entry.model is not None:
            self._drop(entry)
            self._freed = True
        if entry.removed and not entry.users:
            self._leaving.discard(entry)
            self._residency.forget(entry)

    def _trim(self) -> None:
        """On the teller's thread, after models left for good. Removing many at once trims twice, not often."""
        self._trimming = False  # what leaves from now on needs another
        release_free_memory()

    def _drop(self, entry: Entry) -> None:
        entry.model = None
        self._residency.remove(entry)

    def _admit(self) -> None:
        """Let claims in for which there is room, first come first served; start what must be loaded.

        Members of an ensemble get room together, or two ensembles could wait for each other for ever.
        """
        full = self._closed
        for claim in list(self._waiting):
            missing = [one for one in dict.fromkeys(claim.entries) if one.model is None and not one.loading]
            if full and missing:
                continue
            for entry in claim.entries:
                entry.holds += 1
            wanted = sum(entry.size for entry in missing)
            victims = self._residency.victims(wanted, self._may_leave)
            if victims is None:
                for entry in claim.entries:
                    entry.holds -= 1
                self._refuse_if_hopeless(claim, missing, wanted)
                full = True
                continue
            self._waiting.remove(claim)
            claim.admitted = True
            for entry in victims:
                self._drop(entry)
                entry.evictions += 1
            for entry in dict.fromkeys(claim.entries):
                entry.claims.append(claim)
            for entry in missing:
                self._start(entry)
            if claim.ready:
                self._succeed(claim)

    def _refuse_if_hopeless(self, claim: Claim, missing: list[Entry], wanted: int) -> None:
        """No waiting helps if the models do not fit beside the pinned ones."""
        assert self.weights_budget is not None
        kept = {one for one in self.entries() if one.pinned and one.model is not None} | set(claim.entries)
        kept -= set(missing)
        fixed = sum(entry.size for entry in kept)
        if fixed + wanted <= self.weights_budget:
            return
        self._waiting.remove(claim)
        names = " and ".join(entry.name for entry in claim.entries)
        self._fail(
            claim,
            ModelError(
                f"{names}: {format_bytes(wanted)} of weights do not fit into weights_budget, which is "
                f"{format_bytes(self.weights_budget)} with {format_bytes(fixed)} taken for good: raise it."
            ),
        )

    def _start(self, entry: Entry) -> None:
        entry.loading = True
        self._residency.add(entry, entry.size, time.monotonic())
        self._loading.load(partial(self._run_load, entry))

    def _run_load(self, entry: Entry) -> None:
        """On a loader's thread."""
        started = time.monotonic()
        model: Model | None = None
        measured: Measured | None = None
        failure: DragomanError | None = None
        try:
            model = self._load(entry.path, **entry.options)
            measured = Measured.of(model)
        except DragomanError as error:
            failure = error
        except BaseException as error:  # of a loader that is not ours, whatever it is
            failure = ModelError(f"{entry.name}: loading failed: {type(error).__name__}: {error}")
        with self._locked(closing=True):
            if model is not None and measured is not None:
                entry.loaded(model, measured, time.monotonic() - started)
                model = None
                self._residency.resize(entry, entry.size)
                self._shrink()
                for claim in list(entry.claims):
                    if claim.ready:
                        self._succeed(claim)
            else:
                assert failure is not None
                # Without its traceback: the frames hold whatever was loaded before it failed.
                self._failed_load(entry, failure.with_traceback(None))
            self._settle(entry)
            self._admit()

    def _shrink(self) -> None:
        """An estimate was too low: others make room after the fact, as soon as they can."""
        for other in self._residency.victims(0, self._may_leave) or []:
            self._drop(other)
            other.evictions += 1

    def _failed_load(self, entry: Entry, error: DragomanError) -> None:
        error.__context__ = error.__cause__ = None
        entry.loading = False
        self._residency.remove(entry)
        entry.error = error
        entry.failures += 1
        wait = min(_FIRST_RETRY_S * 2 ** (entry.failures - 1), _LAST_RETRY_S)
        entry.retry_at = time.monotonic() + wait
        for claim in list(entry.claims):
            self._unclaim(claim)
            self._fail(claim, error)

    def _succeed(self, claim: Claim) -> None:
        if not claim.settled:
            claim.settled = True
            self._loading.tell(partial(call_back, claim.done, None))

    def _fail(self, claim: Claim, error: DragomanError | None) -> None:
        if not claim.settled:
            claim.settled = True
            self._loading.tell(partial(call_back, claim.done, error))

    def _unclaim(self, claim: Claim) -> None:
        if claim in self._waiting:
            self._waiting.remove(claim)
        if not claim.admitted:
            return
        claim.admitted = False
        for entry in dict.fromkeys(claim.entries):
            entry.claims.remove(claim)
        for entry in claim.entries:
            entry.holds -= 1
            self._settle(entry)
