"""Plans shared by models of one architecture, and plans as text and pictures."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from graphs import transformer
from plan_tools import GRAPHS, compiled, precisions

from dragoman.planning import cache
from dragoman.planning.cache import architecture_signature, plan_for
from dragoman.planning.layout.nominal import nominal_batches
from dragoman.planning.lowering.lower import Precisions
from dragoman.planning.plan import Plan
from dragoman.planning.records import Precision
from dragoman.planning.show import show, to_json

EXTENTS = next(iter(nominal_batches())).extents()


def test_models_of_one_architecture_share_a_plan() -> None:
    first = plan_for(transformer(), precisions(transformer(), Precision.INT8))
    renamed = replace(transformer(), name="another model")
    assert plan_for(renamed, precisions(renamed, Precision.INT8)) is first
    assert plan_for(transformer(layers=3), Precisions(Precision.INT8)) is not first
    assert plan_for(transformer(), Precisions(Precision.INT8)) is not first, "other alphas are equal"
    assert plan_for(transformer(), Precisions(Precision.INT8, frozenset({"Wemb"}))) is not first


def test_signatures_see_the_partition_of_alphas_only() -> None:
    graph = transformer()
    weights = ["e0_self_q_W", "e0_self_k_W", "e0_self_v_W"]

    def signature(*groups: str) -> str:
        chosen = dict(zip(weights, groups, strict=True))
        return architecture_signature(graph, Precisions(Precision.INT8, alphas=chosen))

    assert signature("1.5", "1.5", "1.5") == signature("2", "2", "2")
    assert signature("1.5", "1.5", "2") != signature("1.5", "1.5", "1.5")
    by_chance = {"e0_self_q_W": "1.5", "d0_ffn_1_W": "1.5"}
    assert architecture_signature(graph, Precisions(Precision.INT8, alphas=by_chance)) == (
        architecture_signature(graph, Precisions(Precision.INT8))
    ), "these two never share an input"
    assert architecture_signature(graph, Precisions(Precision.FLOAT32, alphas={"x": "y"})) == (
        architecture_signature(graph, Precisions(Precision.FLOAT32))
    ), "floats have no alphas"


def test_threads_compile_a_plan_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    real = cache.compile_graph

    def compile_graph(graph: cache.Graph, chosen: Precisions) -> Plan:
        calls.append(graph.name)
        return real(graph, chosen)

    monkeypatch.setattr(cache, "compile_graph", compile_graph)
    graph = transformer(layers=5)
    found: list[Plan] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        found.append(plan_for(graph, Precisions(Precision.FLOAT32)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1 and len({id(plan) for plan in found}) == 1 and len(found) == 8


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("name", GRAPHS)
def test_show_names_every_instruction_and_value(name: str, precision: Precision) -> None:
    plan = compiled(name, precision)
    symbols, numbers = show(plan), show(plan, EXTENTS)
    for text in (symbols, numbers):
        lines = text.splitlines()
        assert len(lines) >= 6 + len(plan.instructions()) + len(plan.values)
        for value in plan.values:
            assert value.name in text
    assert "[Tg," in symbols and "[Tg," not in numbers
    assert f"needs {plan.offsets(EXTENTS)[1]:,} bytes" in numbers


def test_show_says_what_an_instruction_does() -> None:
    text = show(compiled("ssru", Precision.INT8))
    assert "quantised=v11u8[Tg,128] <- GemmInt8(x=v10u8[Tg,64], matrix=e0_ffn_1_W, function=relu" in text
    assert "matrix=d0_rnn_W|d0_rnnf_W" in text


def test_json() -> None:
    plan = compiled("ssru", Precision.INT8)
    content = json.loads(to_json(plan, EXTENTS))
    assert content["need_bytes"] == plan.offsets(EXTENTS)[1]
    assert len(content["values"]) == len(plan.values) and len(content["instructions"]) == len(
        plan.instructions()
    )
    assert content["extents"]["T"] == 8


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from dragoman.planning.plot import plot

    plot(compiled("ssru", Precision.INT8), EXTENTS, tmp_path / "plan.svg")
    text = (tmp_path / "plan.svg").read_text()
    assert "encode" in text or "<path" in text
