"""Traces against budgets, and ``dragoman fleet``."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner
from fleet_tools import make_folders

from dragoman import OptionsError, load
from dragoman.cli.fleet import command
from dragoman.fleet.residency import POLICIES
from dragoman.fleet.simulate import Costs, TraceRequest, read_trace, simulate

SIZES = {name: 100 for name in "abcd"}
COSTS = Costs(load_s=1.0, load_bytes_per_s=1e12, words_per_s=10.0)


def trace_of(models: str, step_s: float = 100.0, words: int = 10) -> list[TraceRequest]:
    return [TraceRequest(number * step_s, model, words) for number, model in enumerate(models)]


def test_hits_loads_and_times() -> None:
    found = simulate(trace_of("aabab"), SIZES, budget=None, costs=COSTS)
    assert (found.hits, found.loads, found.evictions, found.peak_bytes) == (3, 2, 0, 200)
    assert found.load_s == pytest.approx(2.0) and found.hit_rate == 0.6
    assert (found.p50_s, found.p99_s) == pytest.approx((1.0, 2.0)), "1 s of words, and 1 s to load"


def test_policies_differ() -> None:
    models = "aaaaabcdbcda"
    by_policy = {name: simulate(trace_of(models), SIZES, budget=200, policy=name, costs=COSTS) for name in POLICIES}
    assert by_policy["lfu"].loads < by_policy["lru"].loads, "a was used often, and stays"
    assert all(one.hits + one.loads == len(models) and one.peak_bytes <= 200 for one in by_policy.values())


def test_requests_queue_for_workers_and_loads() -> None:
    found = simulate(trace_of("aaaa", step_s=0.0), SIZES, budget=None, workers=2, costs=COSTS)
    assert (found.hits, found.p99_s) == (3, pytest.approx(3.0)), "load, then two rounds of two"


def test_more_memory_is_not_worse() -> None:
    rng = random.Random(1)
    trace = trace_of("".join(rng.choices("abcd", (8, 4, 2, 1), k=400)))
    rates = [simulate(trace, SIZES, budget=budget, costs=COSTS).hit_rate for budget in (100, 200, 300, 400)]
    assert rates == sorted(rates) and rates[-1] == pytest.approx(0.99)


def test_wrong_traces() -> None:
    assert read_trace(["", '{"time": 1, "model": "a", "words": 3}\n']) == [TraceRequest(1.0, "a", 3)]
    for wrong in (
        "x",
        "{}",
        "[]",
        '{"time": "x", "model": "a", "words": 1}',
        '{"time": 1, "model": "a", "words": -1}',
    ):
        with pytest.raises(OptionsError, match="trace line 1"):
            read_trace([wrong])
    with pytest.raises(OptionsError, match="trace line 2"):
        read_trace(['{"time": 2, "model": "a", "words": 3}', '{"time": 1, "model": "a", "words": 3}'])
    for arguments in ({"policy": "best"}, {"budget": 50}):
        with pytest.raises(OptionsError):
            simulate(trace_of("a"), SIZES, **({"budget": None} | arguments))  # type: ignore[arg-type]
    with pytest.raises(OptionsError, match="in the catalogue: a, b"):
        simulate(trace_of("z"), SIZES, budget=None)


def test_command(tmp_path: Path, spm_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_CACHE", str(tmp_path / "cache"))
    names = make_folders(tmp_path / "models", spm_bytes, 4)
    (tmp_path / "models" / "m3" / "model.npz").write_bytes(b"damaged")
    shown = CliRunner().invoke(command, [str(tmp_path / "models"), "--budget", "200 kB"])
    assert shown.exit_code == 1 and "m3" in shown.stderr, "one of them cannot be loaded"
    assert all(name in shown.output for name in names) and "holds 2 of them" in shown.output
    listed = json.loads(CliRunner().invoke(command, [str(tmp_path / "models"), "--json"]).stdout)
    assert [model["name"] for model in listed["models"]] == names
    assert listed["models"][0]["weights_bytes"] > 0 and listed["prepared_bytes"] == 0
    load(tmp_path / "models" / "m1")
    prepared = json.loads(CliRunner().invoke(command, [str(tmp_path / "models"), "--json"]).stdout)["models"]
    assert [model["prepared_bytes"] > 0 for model in prepared] == [False, True, False, False]
    assert prepared[1]["cached_bytes"] in (None, prepared[1]["prepared_bytes"]) and listed["models"][3]["error"]
    trace = tmp_path / "trace.jsonl"
    rng = random.Random(2)
    requests = [{"time": n * 0.01, "model": rng.choice(names[:3]), "words": 9} for n in range(200)]
    trace.write_text("".join(json.dumps(request) + "\n" for request in requests))
    arguments = [str(tmp_path / "models"), "--simulate", str(trace), "--budget", "250 kB"]
    replayed = CliRunner().invoke(command, arguments)
    assert replayed.exit_code == 0 and all(policy in replayed.output for policy in POLICIES)
    found = json.loads(CliRunner().invoke(command, [*arguments, "--json", "--policy", "lru"]).stdout)
    assert found["policies"][0]["requests"] == 200 and 0 < found["policies"][0]["hit_rate"] < 1
