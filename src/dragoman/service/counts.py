"""What happened, and how long it took: percentiles in constant memory, however many times there were."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

from dragoman.fleet.entries import Entry
from dragoman.result import FailedLine, Translation

__all__ = ["Counts", "Latencies"]

_LEAST_S, _STEPS_A_DOUBLING, _LAST_BUCKET = 1e-5, 8, 8 * 30 - 1
"""From 10 microseconds to three hours, each bucket 9 % wider than the one before."""
_MOST_ROUTES = 100
"""That begin with one model and of which times are kept apart."""


class Latencies:
    """A histogram of seconds. Not thread-safe."""

    __slots__ = ("_counts", "count", "largest", "total")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}  # most of many models' are empty
        self.count = 0
        self.total = 0.0
        self.largest = 0.0

    def add(self, seconds: float) -> None:
        steps = math.log2(max(seconds, _LEAST_S) / _LEAST_S) * _STEPS_A_DOUBLING
        bucket = min(int(steps), _LAST_BUCKET)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.count += 1
        self.total += seconds
        self.largest = max(self.largest, seconds)

    def percentile(self, share: float) -> float:
        """Seconds that ``share`` (0 to 1) of all are not above, within 9 %; 0 if there were none."""
        wanted, seen = share * self.count, 0
        for number, count in sorted(self._counts.items()):
            seen += count
            if seen >= wanted:
                return min(_LEAST_S * 2 ** ((number + 1) / _STEPS_A_DOUBLING), self.largest)
        return 0.0

    def summary(self) -> Mapping[str, float]:
        """p50, p95, p99, largest and mean, in seconds."""
        return {
            "p50": self.percentile(0.5),
            "p95": self.percentile(0.95),
            "p99": self.percentile(0.99),
            "max": self.largest,
            "mean": self.total / self.count if self.count else 0.0,
        }


class Counts:
    """What a service did so far; see `dragoman.service.reports.ServiceStats`. Not thread-safe."""

    def __init__(self) -> None:
        self.submitted = self.done = self.failed = self.cancelled = self.expired = 0
        self.texts = self.failed_texts = self.sentences = self.tokens = self.batches = 0
        self.latencies = Latencies()
        # Gone with the model: a fleet may see any number of them, and what stays of each keeps pages of others alive.
        self._by_model: WeakKeyDictionary[Entry, dict[str, Latencies]] = WeakKeyDictionary()

    def by_model(self) -> dict[str, Mapping[str, float]]:
        """Summaries of each model and route that the fleet still knows."""
        return {name: one.summary() for own in self._by_model.values() for name, one in own.items()}

    def told(self, result: Translation | FailedLine) -> None:
        """A text has its result."""
        failed = isinstance(result, FailedLine)
        self.texts += not failed
        self.failed_texts += failed

    def ended(self, end: str, models: Sequence[Entry], seconds: float, *, expired: bool = False) -> None:
        """A request is "done", "failed" or "cancelled". Only of what was not cancelled the time means something.

        Args:
            models: of its route.
            seconds: from its call.
            expired: it failed because its time was over.
        """
        setattr(self, end, getattr(self, end) + 1)
        self.expired += expired
        if end == "cancelled" or expired:
            return
        self.latencies.add(seconds)
        own = self._by_model.setdefault(models[0], {})
        name = "+".join(model.name for model in models)
        if name in own or len(own) < _MOST_ROUTES:
            own.setdefault(name, Latencies()).add(seconds)
