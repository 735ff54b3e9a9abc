"""A trace of requests against a budget of memory, without any model: who would have waited for what.

A trace has one JSON object a line: ``{"time": 12.5, "model": "ende", "words": 31}``, time in seconds,
ascending. Workers take requests first come first served; a model that is not in memory is loaded by one
loader, one at a time, and its requests wait. Made for choosing a budget and a policy, not for predicting
seconds.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dragoman.errors import OptionsError
from dragoman.fleet.residency import POLICIES, Residency

__all__ = ["Costs", "TraceRequest", "TraceSummary", "read_trace", "simulate"]


@dataclass(frozen=True)
class TraceRequest:
    """One line of a trace."""

    time: float
    model: str
    words: int


@dataclass(frozen=True)
class Costs:
    """What loading and translating cost.

    Attributes:
        load_s: of every load, before the first byte.
        load_bytes_per_s: weights read and mapped.
        words_per_s: translated by one worker.
    """

    load_s: float = 0.005
    load_bytes_per_s: float = 1e9
    words_per_s: float = 5000.0


@dataclass(frozen=True)
class TraceSummary:
    """What a policy would have done with a trace.

    Attributes:
        requests: in the trace; hits: of these, found their model in memory or on its way there.
        loads, evictions: of models.
        load_s: spent loading, in all.
        p50_s, p99_s: from arrival to answer.
        peak_bytes: most weights in memory at once.
    """

    policy: str
    requests: int
    hits: int
    loads: int
    evictions: int
    load_s: float
    p50_s: float
    p99_s: float
    peak_bytes: int

    @property
    def hit_rate(self) -> float:
        return self.hits / self.requests if self.requests else 1.0


def read_trace(lines: Iterable[str], name: str = "trace") -> list[TraceRequest]:
    """Parse a trace. Empty lines are skipped.

    Raises:
        OptionsError: a line is not what it should be, or times go backwards. Names it by its number.
    """
    found: list[TraceRequest] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            request = TraceRequest(float(entry["time"]), str(entry["model"]), int(entry["words"]))
        except (ValueError, KeyError, TypeError):
            raise OptionsError(f"{name} line {number}", line.strip()[:80], _FORM) from None
        if request.words < 0 or not request.time >= (found[-1].time if found else request.time):
            raise OptionsError(f"{name} line {number}", line.strip()[:80], _FORM)
        found.append(request)
    return found


_FORM = 'an object such as {"time": 1.5, "model": "ende", "words": 20}, times ascending'


def simulate(
    trace: Iterable[TraceRequest],
    sizes: Mapping[str, int],
    *,
    budget: int | None,
    policy: str = "lru",
    workers: int = 2,
    costs: Costs = Costs(),
    pinned: frozenset[str] = frozenset(),
) -> TraceSummary:
    """Replay a trace.

    Args:
        trace: requests in order of time.
        sizes: bytes of each model.
        budget: most bytes in memory, or None.
        policy: a name in `dragoman.fleet.residency.POLICIES`.
        workers: translating at the same time.
        costs: of loads and words.
        pinned: models that stay once they are loaded.

    Raises:
        OptionsError: an unknown policy or model, or a model that does not fit into the budget.
    """
    if policy not in POLICIES:
        raise OptionsError("policy", policy, "one of " + ", ".join(POLICIES))
    memory: Residency[str] = Residency(budget, policy)
    free = [0.0] * workers
    ready: dict[str, float] = {}
    busy_until: dict[str, float] = {}
    loader = load_s = 0.0
    waits: list[float] = []
    hits = loads = evictions = peak = 0
    for request in trace:
        now, model = request.time, request.model
        if model in memory:
            hits += 1
        else:
            victims = memory.victims(_size(sizes, model, budget), lambda key: key not in pinned)
            if victims is None:
                raise OptionsError("budget", budget, f"enough for {model} beside the pinned models")
            # A model leaves when the last request that was sent to it before is done.
            begin = max([now, loader, *(busy_until.get(victim, 0.0) for victim in victims)])
            for victim in victims:
                memory.remove(victim)
            evictions += len(victims)
            seconds = costs.load_s + sizes[model] / costs.load_bytes_per_s
            ready[model] = loader = begin + seconds
            load_s += seconds
            loads += 1
            memory.add(model, sizes[model], now)
            peak = max(peak, memory.total)
        memory.use(model, now)
        start = max(now, heapq.heappop(free), ready[model])
        end = start + request.words / costs.words_per_s
        heapq.heappush(free, end)
        busy_until[model] = max(end, busy_until.get(model, 0.0))
        waits.append(end - now)
    waits.sort()
    return TraceSummary(
        policy=policy,
        requests=len(waits),
        hits=hits,
        loads=loads,
        evictions=evictions,
        load_s=load_s,
        p50_s=_percentile(waits, 0.5),
        p99_s=_percentile(waits, 0.99),
        peak_bytes=peak,
    )


def _size(sizes: Mapping[str, int], model: str, budget: int | None) -> int:
    if model not in sizes:
        raise OptionsError("model", model, "in the catalogue: " + ", ".join(sorted(sizes)[:20]))
    if budget is not None and sizes[model] > budget:
        raise OptionsError("budget", budget, f"at least {sizes[model]}, the size of {model}")
    return sizes[model]


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
