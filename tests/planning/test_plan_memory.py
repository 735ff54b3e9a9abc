"""What plans need: close to the most bytes alive at once, at the usual batches, for every architecture."""

from __future__ import annotations

import functools
import re

import pytest
from hypothesis import given, settings
from plan_tools import GRAPHS, batches, compiled, precisions
from random_models import AVERAGE, FAMILIES, RNN, SSRU, TRANSFORMER, VERSION

from dragoman.architectures.build import build_graph
from dragoman.architectures.config import read_config
from dragoman.graph.extents import Extents, Symbol
from dragoman.planning.layout.layout import Item, naive
from dragoman.planning.layout.nominal import NominalBatch, nominal_batches
from dragoman.planning.lowering.lower import compile_graph
from dragoman.planning.plan import Plan
from dragoman.planning.records import Precision
from dragoman.planning.show import lower_bound
from dragoman.planning.verify.verify import verify

TINY = SSRU | {"dim-emb": 256, "transformer-heads": 8, "transformer-dim-ffn": 1536, "enc-depth": 6}
DEPLOYED: dict[str, dict[str, object]] = {
    "tiny": TINY,
    "base-memory": TINY | {"dim-emb": 384, "dec-depth": 4},
    "base": TINY | {"dim-emb": 512, "transformer-dim-ffn": 2048},
    "opus-mt": TRANSFORMER
    | {"dim-emb": 512, "transformer-heads": 8, "transformer-dim-ffn": 2048, "enc-depth": 6, "dec-depth": 6},
    "average-base": AVERAGE | {"dim-emb": 512, "transformer-heads": 8, "enc-depth": 6, "dec-depth": 6},
    "s2s": RNN | {"dim-emb": 128, "dim-rnn": 256},
    "s2s-deep": RNN
    | {"dim-emb": 512, "dim-rnn": 1024, "enc-cell": "lstm", "dec-cell": "lstm", "enc-depth": 4,
       "dec-depth": 4, "enc-type": "alternating", "skip": True, "layer-normalization": True},
}  # fmt: skip
"""Architectures in the sizes that people run."""

TINY_BYTES = {
    NominalBatch(1, 8, beam_size=1, union_size=512): 223488,
    NominalBatch(64, 20, beam_size=1, union_size=512): 7344128,
    NominalBatch(64, 20, beam_size=4, union_size=512): 8523776,
    NominalBatch(64, 20, beam_size=1, union_size=0): 15155200,
    NominalBatch(1, 500, beam_size=1, union_size=512): 4459520,
}
"""Workspace of the tiny student in int8. A change of more than 3 % is a decision, not an accident."""


@functools.cache
def plan_of(name: str, precision: Precision) -> Plan:
    options = {"version": VERSION} | dict((DEPLOYED | FAMILIES)[name])
    old_names = options["type"] in ("amun", "nematus")
    config = read_config(options, {"ff_state_W": ()} if old_names else {}, compat="trained")
    graph = build_graph(config)
    return compile_graph(graph, precisions(graph, precision))


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("name", [*DEPLOYED, *FAMILIES])
def test_the_peak_is_within_ten_percent_of_the_bound(name: str, precision: Precision) -> None:
    plan = plan_of(name, precision)
    for batch in nominal_batches():
        extents = batch.extents()
        assert plan.offsets(extents)[1] <= 1.1 * lower_bound(plan, extents), batch
    verify(plan, extents)


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("name", DEPLOYED)
def test_the_peak_at_batches_that_the_search_has_not_seen(name: str, precision: Precision) -> None:
    plan = plan_of(name, precision)
    for batch in (NominalBatch(2, 3, 6, 200), NominalBatch(8, 8, 1, 0), NominalBatch(16, 60, 2, 900)):
        for vocabulary_size in (8000, 64000):
            extents = batch.extents(vocabulary_size, alignment=True)
            assert plan.offsets(extents)[1] <= 1.1 * lower_bound(plan, extents), batch


@pytest.mark.parametrize("batch", TINY_BYTES, ids=str)
def test_the_workspace_of_the_tiny_student(batch: NominalBatch) -> None:
    need = plan_of("tiny", Precision.INT8).offsets(batch.extents())[1]
    assert need == pytest.approx(TINY_BYTES[batch], rel=0.03)


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("name", GRAPHS)
def test_any_batch(name: str, precision: Precision) -> None:
    plan = compiled(name, precision)
    items = [Item(value.name, (), value.first, value.last) for value in plan.values]
    baseline = naive(items)

    @settings(max_examples=20, deadline=None)
    @given(batches())
    def check(extents: Extents) -> None:
        sizes = [value.bytes(extents) for value in plan.values]
        offsets, need = plan.offsets(extents)
        assert lower_bound(plan, extents) <= need <= baseline.offsets(sizes)[1]
        assert all(offset % 64 == 0 for offset in offsets)
        for symbol in Symbol:
            more = Extents.of({other: extents[other] + (other is symbol) for other in Symbol})
            assert plan.offsets(more)[1] >= need, f"more {symbol.name} need fewer bytes"

    check()


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("name", GRAPHS)
def test_the_same_plan_twice(name: str, precision: Precision) -> None:
    plan = compile_graph(GRAPHS[name], precisions(GRAPHS[name], precision))
    assert plan == compiled(name, precision)
    assert plan.signature == compiled(name, precision).signature
    assert re.fullmatch("[0-9a-f]{64}", plan.signature)


def test_other_precisions_are_other_plans() -> None:
    assert len({compiled("ssru", precision).signature for precision in Precision}) == 3
