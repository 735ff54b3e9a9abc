"""Plans of every family, run by the reference back end, against the evaluator of their graphs.

The evaluator knows no plan, no workspace, no batch and no beam: it scores one hypothesis, step by step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from architectures.evaluator import Evaluator
from numpy.typing import NDArray
from random_models import FAMILIES, make_model

from dragoman.architectures.build import build_graph
from dragoman.architectures.config import read_config
from dragoman.backends.protocol import Batch, RawHypothesis, SearchOptions
from dragoman.backends.reference import ReferenceBackend, Workspace
from dragoman.binding import bind
from dragoman.calibration import collect_alphas
from dragoman.formats.parameters import Parameter, ParameterFile, freeze
from dragoman.graph.graph import Graph
from dragoman.planning.lower import Precisions, compile_graph
from dragoman.planning.plan import Plan, Precision

VOCABULARY = 37
SOURCES = ([12, 25, 6, 7, 33, 2, 19, 20, 0], [36, 2, 2, 17, 8, 30, 11, 0], [5, 9, 3, 0], [4, 0])
LIMITS = (7, 5, 8, 6)
BEAM = SearchOptions(beam_size=3, n_best=3, normalize=0.6, word_scores=True, alignment=True, group_tokens=12)

QUICK = ("transformer-prenorm", "ssru", "average", "s2s-lstm-norm", "s2s-alternating", "nematus-norm-deep")
"""Families that are tested in integers by default; the others with ``-m slow``."""
PAIRS = [
    pytest.param(
        name,
        precision,
        id=f"{name}-{precision.value}",
        marks=[] if precision is Precision.FLOAT32 or name in QUICK else pytest.mark.slow,
    )
    for name in FAMILIES
    for precision in Precision
]


def parameter_file(
    options: Mapping[str, object],
    arrays: Mapping[str, NDArray[Any]],
    alphas: Mapping[str, float] | None = None,
) -> ParameterFile:
    parameters = {name: Parameter(name, array.shape, array) for name, array in arrays.items()}
    return freeze(Path("made-up.npz"), parameters, options, alphas or {})


@cache
def compiled(name: str, precision: Precision = Precision.FLOAT32) -> tuple[Graph, Plan, ParameterFile]:
    """A family's graph, plan and random weights; for INT8 with alphas calibrated on the test's own
    sentences."""
    options, arrays = make_model(FAMILIES[name], VOCABULARY)
    shapes = {parameter: array.shape for parameter, array in arrays.items()}
    graph = build_graph(read_config(options, shapes, compat="trained"))
    file = parameter_file(options, arrays)
    alphas: dict[str, float] = {}
    if precision is Precision.INT8:
        plan = compile_graph(graph, Precisions(Precision.FLOAT32))
        alphas = collect_alphas(plan, bind(plan, file), SOURCES, options=BEAM)
        file = parameter_file(options, arrays, alphas)
    groups = {name: str(alpha) for name, alpha in alphas.items()}
    return graph, compile_graph(graph, Precisions(precision, alphas=groups)), file


def run(
    plan: Plan, file: ParameterFile, batch: Batch, options: SearchOptions = BEAM
) -> list[list[RawHypothesis]]:
    return ReferenceBackend().run([(plan, bind(plan, file))], Workspace(), batch, options)


def rescore(
    graph: Graph, file: ParameterFile, source: list[int], ids: list[int], allowed: NDArray[np.int32] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Log-probability of each id, and its alignment, by the graph's evaluator."""
    evaluator = Evaluator(
        graph, {name: parameter.data for name, parameter in file.parameters.items()}, source
    )
    columns = np.arange(VOCABULARY) if allowed is None else allowed
    scores, rows = [], []
    for previous, id_ in zip([None, *ids], ids, strict=False):
        logits = evaluator.step(None if previous is None else [previous])[0, columns].astype(np.float64)
        probabilities = np.exp(logits - logits.max())
        scores.append(np.log(probabilities[columns == id_][0] / probabilities.sum()))
        assert evaluator.alignment is not None
        rows.append(evaluator.alignment[0])
    return np.array(scores), np.stack(rows)


@pytest.mark.parametrize("shortlist", [False, True], ids=["vocabulary", "shortlist"])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_hypothesis_has_the_scores_of_its_graph(name: str, shortlist: bool) -> None:
    graph, plan, file = compiled(name)
    rng = np.random.default_rng(3)
    candidates = None
    if shortlist:
        picked = [rng.choice(np.arange(1, VOCABULARY), 12, replace=False) for _ in SOURCES]
        candidates = [np.sort(np.append(ids, 0)).astype(np.int32) for ids in picked]
    batch = Batch.of(SOURCES, LIMITS, candidates=candidates)
    for sentence, hypotheses in enumerate(run(plan, file, batch)):
        assert len(hypotheses) == 3
        for hypothesis in hypotheses:
            ids = hypothesis.ids.tolist()
            assert (ids[-1] == 0) != (len(ids) == LIMITS[sentence] and ids[-1] != 0)
            assert 0 not in ids[:-1] and 1 not in ids
            allowed = None if candidates is None else candidates[sentence]
            scores, rows = rescore(graph, file, SOURCES[sentence], ids, allowed)
            np.testing.assert_allclose(hypothesis.word_scores, scores, atol=2e-4)
            np.testing.assert_allclose(hypothesis.alignment, rows, atol=2e-5)
            assert hypothesis.path_score == pytest.approx(scores.sum(), abs=1e-3)
            assert hypothesis.score == pytest.approx(hypothesis.path_score / len(ids) ** 0.6, rel=1e-5)


@pytest.mark.parametrize(("name", "precision"), PAIRS)
def test_reusing_memory_changes_nothing(name: str, precision: Precision) -> None:
    """The plan's own layout against one without reuse, in a workspace of NaN."""
    _, plan, file = compiled(name, precision)
    numbers = tuple(range(len(plan.values)))
    apart = replace(plan, below=tuple((number - 1,) if number else () for number in numbers), order=numbers)
    batch = Batch.of(SOURCES, LIMITS)
    for found, expected in zip(run(plan, file, batch), run(apart, file, batch), strict=True):
        for hypothesis, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(hypothesis.ids, other.ids)
            np.testing.assert_array_equal(hypothesis.word_scores, other.word_scores)
            np.testing.assert_array_equal(hypothesis.alignment, other.alignment)


@pytest.mark.parametrize(
    ("name", "precision"), [pair for pair in PAIRS if pair.values[1] is not Precision.FLOAT32]
)
def test_integers_stay_near_the_floats(name: str, precision: Precision) -> None:
    """Forced to the same ids, int8 gives about the scores of float32."""
    forced = [[5, 9, 22], [7, 30, 8], [19, 3, 4], [6, 6, 6]]
    batch = Batch.of(SOURCES, [3] * 4, prefixes=forced)
    options = SearchOptions(word_scores=True)
    scores = []
    for form in (Precision.FLOAT32, precision):
        _, plan, file = compiled(name, form)
        found = run(plan, file, batch, options)
        assert [hypothesis.ids.tolist() for (hypothesis,) in found] == forced
        scores.append(np.concatenate([hypothesis.word_scores for (hypothesis,) in found]))
    assert np.abs(scores[0] - scores[1]).mean() < 0.3 * np.std(scores[0])


def test_the_result_does_not_depend_on_neighbours_or_groups() -> None:
    for name in ("transformer", "s2s-alternating"):
        _, plan, file = compiled(name)
        together = run(plan, file, Batch.of(SOURCES, LIMITS))
        for sentence, source in enumerate(SOURCES):
            alone = run(plan, file, Batch.of([source], [LIMITS[sentence]]), replace(BEAM, group_tokens=1))[0]
            for hypothesis, other in zip(together[sentence], alone, strict=True):
                np.testing.assert_array_equal(hypothesis.ids, other.ids)
                np.testing.assert_allclose(hypothesis.word_scores, other.word_scores, atol=2e-5)


def test_an_ensemble_of_equal_models_is_the_model() -> None:
    _, plan, file = compiled("ssru")
    batch, models = Batch.of(SOURCES, LIMITS), [(plan, bind(plan, file))] * 2
    options = replace(BEAM, weights=(0.25, 0.75))
    for found, expected in zip(
        ReferenceBackend().run(models, Workspace(), batch, options), run(plan, file, batch), strict=True
    ):
        assert [hypothesis.ids.tolist() for hypothesis in found] == [other.ids.tolist() for other in expected]
        np.testing.assert_allclose(found[0].word_scores, expected[0].word_scores, atol=1e-5)
