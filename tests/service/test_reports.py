"""What a service says about itself, against what the system says."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from fleet_tools import TEXTS

from dragoman import Fleet, Service
from dragoman.fleet.process_memory import mapped_files, process_memory
from dragoman.service.counts import Latencies

linux = pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="needs /proc")


def test_memory_by_model_and_worker(fleet: Fleet, service: Service) -> None:
    for name in ("m0", "m1", "m3"):
        service.translate(TEXTS, model=name)
    with fleet.lease("m1") as model:
        report = service.memory()
        assert {one.name: one.leases for one in report.models} == {"m0": 0, "m1": 1, "m3": 0}
        assert report.models[1].weights_bytes == model.weights_bytes
    assert report.plans[report.models[0].plan] == ("m0", "m3"), "one architecture, one plan"
    # A budget counts vocabularies too: 64 pieces each here, by 190 bytes.
    assert fleet.resident_bytes == report.weights_bytes + 3 * 64 * 190
    assert len(report.workspaces) == 3
    as_dict = json.loads(json.dumps(report.as_dict()))
    assert as_dict["models"][0]["name"] == "m0" and as_dict["workspaces_bytes"] == sum(report.workspaces)
    text = str(report)
    assert "m3" in text and "3 workers" in text and "2 for 3 models" in text


@linux
def test_memory_is_what_the_system_says() -> None:
    process = process_memory()
    assert process is not None
    status = Path("/proc/self/status").read_text()
    rss = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024  # type: ignore[index]
    assert abs(process.rss - rss) < 0.03 * rss
    assert process.pss <= process.rss and process.private <= process.rss
    assert sum(size for path, size in mapped_files().items() if ".so" in path) > 1 << 20


@linux
def test_growth_is_accounted_for(shared: Path) -> None:
    """Real models: the weights that the report claims are there, and the rest is their vocabularies."""
    with Fleet() as fleet:
        for number in range(4):
            fleet.add(f"m{number}", shared / "models" / "enfr-selfattn", precision="float32")
        with Service(fleet, workers=2) as service:
            service.translate(["Hello there."] * 64, model="m0")
            before = service.memory()
            for number in range(1, 4):
                service.translate(["Hello there."] * 64, model=f"m{number}")
            after = service.memory()
    assert before.process is not None and after.process is not None
    grown = after.process.rss - before.process.rss
    told = after.resident_bytes - before.resident_bytes
    assert 3 * 25_000_000 < told < grown + 0.03 * after.process.rss


def test_stats(fleet: Fleet, service: Service) -> None:
    for _ in range(3):
        service.translate(TEXTS[:8], model="m0")
    service.translate(TEXTS[:2], route=("m0", "m1"))
    stats = service.stats()
    assert (stats.submitted, stats.done, stats.waiting, stats.texts, stats.failed, stats.depth) == (4, 4, 0, 26, 0, 0)
    assert stats.sentences == 28 and stats.batches >= 5 and stats.tokens > 28
    m0 = stats.models[0]
    assert m0.resident and m0.loads == 1 and m0.hits >= 3 and m0.load_s > 0 and m0.requests == 0
    assert set(stats.by_model) == {"m0", "m0+m1"}
    assert 0 < stats.latency["p50"] <= stats.latency["p99"] <= stats.latency["max"]
    assert sum(stats.busy_s) > 0 and "texts     26, 0 failed" in str(stats)
    json.dumps(stats.as_dict())


def test_percentiles() -> None:
    times = Latencies()
    for number in range(1, 1001):
        times.add(number / 1000)
    assert times.percentile(0.5) == pytest.approx(0.5, rel=0.1)
    assert times.percentile(0.99) == pytest.approx(0.99, rel=0.1)
    assert times.percentile(1) == 1.0 and Latencies().percentile(0.5) == 0
    for seconds in (0, 1e-9, 1e9):
        times.add(seconds)


def test_prometheus(fleet: Fleet, service: Service) -> None:
    client = pytest.importorskip("prometheus_client")
    from dragoman.service.metrics import ServiceCollector

    service.translate(TEXTS, model="m0")
    text = service.prometheus()
    assert "dragoman_texts_total 40.0" in text
    assert 'dragoman_weights_bytes{kind="private",model="m0"}' in text
    assert 'dragoman_latency_seconds{model="m0",quantile="p99"}' in text
    registry = client.CollectorRegistry()
    registry.register(ServiceCollector(service))
    assert registry.get_sample_value("dragoman_model_loads_total", {"model": "m0"}) == 1


def test_without_prometheus(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from dragoman import UnavailableError

    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(UnavailableError, match=r"pip install dragoman\[metrics\]"):
        service.prometheus()
