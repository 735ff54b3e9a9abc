"""A service's figures for Prometheus. Needs prometheus-client: ``pip install dragoman[metrics]``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dragoman.errors import UnavailableError
from dragoman.service.reports import MemoryReport, ServiceStats

__all__ = ["ServiceCollector", "prometheus_text"]

_COUNTERS = {
    "submitted": "Requests accepted: done, failed, cancelled, or under way.",
    "done": "Requests that ended with a result.",
    "failed": "Requests that failed.",
    "cancelled": "Requests cancelled by their callers.",
    "expired": "Requests that missed their deadline.",
    "refused": "Requests refused because the queue was full.",
    "texts": "Texts translated.",
    "failed_texts": "Texts that could not be translated.",
    "sentences": "Segments translated.",
    "tokens": "Source pieces translated.",
    "batches": "Batches run.",
}
_OF_MODEL = {
    "hits": "Batches that found the model in memory.",
    "loads": "Times the model was loaded.",
    "evictions": "Times the model left memory for others.",
}


class ServiceCollector:
    """A collector for ``prometheus_client``'s registries: asks a service whenever it is scraped.

    Args:
        service: anything with ``stats()`` and ``memory()``.
    """

    def __init__(self, service: Any) -> None:
        _core()
        self._service = service

    def collect(self) -> Iterator[Any]:
        """Called by the registry."""
        return _families(self._service.stats(), self._service.memory())


def prometheus_text(stats: ServiceStats, memory: MemoryReport) -> str:
    """Both reports in Prometheus' text format.

    Raises:
        UnavailableError: prometheus-client is not installed.
    """
    _core()
    from prometheus_client import CollectorRegistry, generate_latest

    class Once:
        def collect(self) -> Iterator[Any]:
            return _families(stats, memory)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Once())
    return generate_latest(registry).decode("utf-8")


def _core() -> Any:
    try:
        from prometheus_client import core
    except ImportError:
        raise UnavailableError("prometheus-client is not installed: pip install dragoman[metrics]") from None
    return core


def _families(stats: ServiceStats, memory: MemoryReport) -> Iterator[Any]:
    core = _core()
    for name, text in _COUNTERS.items():
        yield core.CounterMetricFamily(f"dragoman_{name}", text, value=getattr(stats, name))
    busy = core.CounterMetricFamily(
        "dragoman_worker_busy_seconds", "Time spent on batches.", labels=["worker"]
    )
    for number, seconds in enumerate(stats.busy_s):
        busy.add_metric([str(number)], seconds)
    yield busy
    yield core.GaugeMetricFamily("dragoman_queue_depth", "Characters in the service.", value=stats.depth)
    yield core.GaugeMetricFamily("dragoman_queue_limit", "Most characters in the service.", value=stats.limit)
    yield core.GaugeMetricFamily("dragoman_requests_waiting", "Requests under way.", value=stats.waiting)
    latency = core.GaugeMetricFamily(
        "dragoman_latency_seconds", "Times of whole requests.", labels=["model", "quantile"]
    )
    for model, times in stats.by_model.items():
        for name, seconds in times.items():
            latency.add_metric([model, name], seconds)
    yield latency
    for name, text in _OF_MODEL.items():
        family = core.CounterMetricFamily(f"dragoman_model_{name}", text, labels=["model"])
        for one in stats.models:
            family.add_metric([one.name], getattr(one, name))
        yield family
    yield from _memory_families(core, memory)


def _memory_families(core: Any, memory: MemoryReport) -> Iterator[Any]:
    weights = core.GaugeMetricFamily(
        "dragoman_weights_bytes", "Weights in memory, by what backs them.", labels=["model", "kind"]
    )
    for one in memory.models:
        weights.add_metric([one.name, "file"], one.file_backed_bytes)
        weights.add_metric([one.name, "private"], one.private_bytes)
    yield weights
    workspaces = core.GaugeMetricFamily("dragoman_workspace_bytes", "Scratch memory.", labels=["worker"])
    for number, size in enumerate(memory.workspaces):
        workspaces.add_metric([str(number)], size)
    yield workspaces
    if memory.process is not None:
        process = core.GaugeMetricFamily("dragoman_process_bytes", "As the system says.", labels=["kind"])
        for kind in ("rss", "pss", "private"):
            process.add_metric([kind], getattr(memory.process, kind))
        yield process
