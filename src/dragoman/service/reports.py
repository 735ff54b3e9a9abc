"""Who holds which bytes, and what happened so far: frozen snapshots, and tables when printed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dragoman.fleet.process_memory import ProcessMemory, mapped_files, process_memory
from dragoman.tables import format_table
from dragoman.units import format_bytes

if TYPE_CHECKING:
    from dragoman.fleet.entries import Entry
    from dragoman.fleet.fleet import Fleet
    from dragoman.service.admission import Admission
    from dragoman.service.dispatcher import Dispatcher
    from dragoman.service.worker import Worker

__all__ = ["MemoryReport", "ModelMemory", "ModelStats", "ServiceStats", "memory_report", "service_stats"]


@dataclass(frozen=True)
class ModelMemory:
    """One model in memory.

    Attributes:
        weights_bytes: prepared weights, one copy for all workers.
        file_backed_bytes: of these, in a mapped file, which all processes of the machine share; the rest is
            private.
        resident_bytes: of a mapped file, the pages that this process has in memory; else all of it.
        shortlist_bytes: private.
        plan: the first letters of its signature: models with the same one share it.
        vocabularies: likewise.
        pinned, leases: stays; batches that run on it now.
    """

    name: str
    weights_bytes: int
    file_backed_bytes: int
    resident_bytes: int
    shortlist_bytes: int
    plan: str
    vocabularies: tuple[str, ...]
    pinned: bool
    leases: int

    @property
    def private_bytes(self) -> int:
        return self.weights_bytes - self.file_backed_bytes


@dataclass(frozen=True)
class MemoryReport:
    """Who holds which bytes.

    Attributes:
        models: those in memory.
        workspaces: bytes of each worker's.
        plans: names of the models that share each plan, by the first letters of its signature.
        vocabularies: likewise. Equal ones may be one object: `vocabulary_objects` says how many there are.
        weights_budget: or None.
        process: what the system says, or None where it does not.
    """

    models: tuple[ModelMemory, ...]
    workspaces: tuple[int, ...]
    plans: Mapping[str, tuple[str, ...]]
    vocabularies: Mapping[str, tuple[str, ...]]
    vocabulary_objects: int
    weights_budget: int | None
    process: ProcessMemory | None

    @property
    def weights_bytes(self) -> int:
        return sum(model.weights_bytes for model in self.models)

    @property
    def file_backed_bytes(self) -> int:
        return sum(model.file_backed_bytes for model in self.models)

    @property
    def private_weights_bytes(self) -> int:
        return self.weights_bytes - self.file_backed_bytes

    @property
    def shortlists_bytes(self) -> int:
        return sum(model.shortlist_bytes for model in self.models)

    @property
    def workspaces_bytes(self) -> int:
        return sum(self.workspaces)

    @property
    def resident_bytes(self) -> int:
        """Of all the above: what of it should be in the process's RSS."""
        return (
            sum(model.resident_bytes for model in self.models) + self.shortlists_bytes + self.workspaces_bytes
        )

    @property
    def other_bytes(self) -> int | None:
        """The rest of the RSS: Python, libraries, vocabularies, results."""
        return None if self.process is None else self.process.rss - self.resident_bytes

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        totals = (
            "weights_bytes",
            "file_backed_bytes",
            "private_weights_bytes",
            "shortlists_bytes",
            "workspaces_bytes",
            "resident_bytes",
            "other_bytes",
        )
        return {**_as_dict(self), **{name: getattr(self, name) for name in totals}}

    def __str__(self) -> str:
        rows = [
            (
                one.name,
                format_bytes(one.weights_bytes),
                format_bytes(one.file_backed_bytes),
                format_bytes(one.resident_bytes),
                one.plan,
                "pinned" if one.pinned else "",
            )
            for one in self.models
        ]
        budget = "" if self.weights_budget is None else f" of {format_bytes(self.weights_budget)}"
        lines = [
            format_table(("model", "weights", "file-backed", "resident", "plan", ""), rows),
            "",
            f"weights     {format_bytes(self.weights_bytes)}{budget},"
            f" {format_bytes(self.private_weights_bytes)} of them private",
            f"workspaces  {format_bytes(self.workspaces_bytes)} in {len(self.workspaces)} workers",
            f"shortlists  {format_bytes(self.shortlists_bytes)}",
            f"plans       {len(self.plans)} for {len(self.models)} models;"
            f" vocabularies {self.vocabulary_objects}",
        ]
        if self.process is not None:
            process = self.process
            lines.append(
                f"process     RSS {format_bytes(process.rss)}, PSS {format_bytes(process.pss)},"
                f" private {format_bytes(process.private)}; not ours {format_bytes(self.other_bytes or 0)}"
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class ModelStats:
    """One model of the fleet.

    Attributes:
        resident: in memory now.
        hits: batches that found it there. loads, evictions: how often it came and left.
        load_s: of the last load.
        queued: lines or segments in its queues. requests: under way, as any step.
        error: why it could not be loaded last, or None.
    """

    name: str
    resident: bool
    hits: int
    loads: int
    evictions: int
    load_s: float
    queued: int
    requests: int
    error: str | None


@dataclass(frozen=True)
class ServiceStats:
    """What happened since the service began. Times in seconds.

    Attributes:
        submitted: requests that were accepted: done + failed + cancelled + waiting, at any time.
        done, failed, cancelled: how they ended; of those that failed ``expired`` missed their deadline.
        waiting: requests that have not ended.
        refused: requests for which there was no room; these were not accepted.
        texts, failed_texts: with a translation, with a `FailedLine`; of requests of any end.
        sentences, tokens, batches: that were run; sentences are segments, tokens source pieces.
        depth, limit: characters in the service now, and at most; a text counts one more than it has.
        queued: lines or segments in queues.
        busy_s: time that each worker spent on batches.
        latency: p50, p95, p99, max and mean of whole requests, from call to end; by_model for each model or route.
        models: of the fleet.
    """

    submitted: int
    done: int
    failed: int
    cancelled: int
    waiting: int
    expired: int
    refused: int
    texts: int
    failed_texts: int
    sentences: int
    tokens: int
    batches: int
    depth: int
    limit: int
    queued: int
    busy_s: tuple[float, ...]
    latency: Mapping[str, float]
    by_model: Mapping[str, Mapping[str, float]]
    models: tuple[ModelStats, ...] = field(repr=False)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return _as_dict(self)

    def __str__(self) -> str:
        rows = [
            (
                one.name,
                "yes" if one.resident else "",
                str(one.hits),
                str(one.loads),
                str(one.evictions),
                f"{one.load_s * 1000:.0f} ms",
                str(one.queued),
                one.error or "",
            )
            for one in self.models
        ]
        head = ("model", "resident", "hits", "loads", "evictions", "last load", "queued", "")
        times = ", ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in self.latency.items())
        return "\n".join(
            [
                format_table(head, rows),
                "",
                f"requests  {self.submitted}: {self.done} done, {self.failed} failed ({self.expired} expired),"
                f" {self.cancelled} cancelled, {self.waiting} waiting; {self.refused} refused",
                f"texts     {self.texts}, {self.failed_texts} failed, in {self.batches} batches, {self.tokens} tokens",
                f"queue     {self.depth} of {self.limit} characters, {self.queued} lines queued",
                f"latency   {times}",
            ]
        )


def memory_report(fleet: Fleet, workers: Sequence[Worker]) -> MemoryReport:
    """Of a fleet and the workers of a service."""
    resident = mapped_files()
    models: list[ModelMemory] = []
    plans: dict[str, list[str]] = {}
    vocabularies: dict[str, list[str]] = {}
    objects: set[int] = set()
    with fleet.locked():
        for entry in fleet.entries():
            if entry.model is None:
                continue
            one = _model_memory(entry, resident)
            models.append(one)
            objects.update(id(vocabulary) for vocabulary in entry.model.vocabularies)
            plans.setdefault(one.plan, []).append(entry.name)
            for vocabulary in one.vocabularies:
                vocabularies.setdefault(vocabulary, []).append(entry.name)
    return MemoryReport(
        models=tuple(models),
        workspaces=tuple(worker.scratch.size for worker in workers),
        plans={name: tuple(users) for name, users in plans.items()},
        vocabularies={name: tuple(users) for name, users in vocabularies.items()},
        vocabulary_objects=len(objects),
        weights_budget=fleet.weights_budget,
        process=process_memory(),
    )


def _model_memory(entry: Entry, resident: Mapping[str, int]) -> ModelMemory:
    model = entry.model
    assert model is not None
    weights: Any = model.weights
    mapped = getattr(weights, "path", None)
    lists = model.shortlist
    return ModelMemory(
        name=entry.name,
        weights_bytes=weights.nbytes,
        file_backed_bytes=0 if mapped is None else weights.nbytes,
        resident_bytes=resident.get(str(mapped), 0) if mapped is not None and resident else weights.nbytes,
        shortlist_bytes=0 if lists is None else lists.ids.nbytes + lists.offsets.nbytes,
        plan=model.plan.signature[:8],
        vocabularies=tuple(dict.fromkeys(one.content_hash[:8] for one in model.vocabularies)),
        pinned=entry.pinned,
        leases=entry.leases,
    )


_COUNTED = (
    "submitted", "done", "failed", "cancelled", "expired", "texts", "failed_texts", "sentences", "tokens", "batches",
)  # fmt: skip


def service_stats(fleet: Fleet, dispatcher: Dispatcher, admission: Admission) -> ServiceStats:
    """Of a service."""
    with dispatcher.locked():
        counts = dispatcher.ledger.counts
        queued: dict[str, int] = {}
        for work, items in dispatcher.scheduler.depths().items():
            for entry in work.entries:
                queued[entry.name] = queued.get(entry.name, 0) + items
        waiting = dispatcher.ledger.waiting
        numbers = {name: getattr(counts, name) for name in _COUNTED}
        latency = counts.latencies.summary()
        by_model = counts.by_model()
        depth = dispatcher.scheduler.depth
    with fleet.locked():
        models = tuple(
            ModelStats(
                name=entry.name,
                resident=entry.model is not None,
                hits=entry.hits,
                loads=entry.loads,
                evictions=entry.evictions,
                load_s=entry.load_s,
                queued=queued.get(entry.name, 0),
                requests=len(entry.users),
                error=None if entry.error is None else str(entry.error),
            )
            for entry in fleet.entries()
        )
    return ServiceStats(
        **numbers,
        refused=admission.refused,
        depth=admission.depth,
        limit=admission.limit,
        waiting=waiting,
        queued=depth,
        busy_s=tuple(worker.busy_s for worker in dispatcher.workers),
        latency=latency,
        by_model=by_model,
        models=models,
    )


def _as_dict(record: MemoryReport | ServiceStats) -> dict[str, object]:
    return dataclasses.asdict(record)
