"""Plans of every family, run by the reference back end, against the evaluator of their graphs.

The evaluator knows no plan, no workspace, no batch and no beam: it scores one hypothesis, step by step.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from architectures.evaluator import Evaluator
from backends.families import BEAM, LIMITS, SOURCES, VOCABULARY, compiled, run
from numpy.typing import NDArray
from random_models import FAMILIES

from dragoman.backends.batch import Batch, SearchOptions
from dragoman.backends.reference import Workspace, run_plans
from dragoman.formats.parameters import ParameterFile
from dragoman.graph.graph import Graph
from dragoman.planning.records import Precision
from dragoman.weights.bind import bind

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
        run_plans(models, Workspace(), batch, options), run(plan, file, batch), strict=True
    ):
        assert [hypothesis.ids.tolist() for hypothesis in found] == [other.ids.tolist() for other in expected]
        np.testing.assert_allclose(found[0].word_scores, expected[0].word_scores, atol=1e-5)
