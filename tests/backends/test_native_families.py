"""The native back end against the reference back end, on random models of every family, in every precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from backends.families import BEAM, LIMITS, SOURCES, VOCABULARY, compiled, run
from backends.test_reference_families import PAIRS
from random_models import FAMILIES

from dragoman import _native
from dragoman.backends import native
from dragoman.backends.batch import Batch, RawHypothesis, SearchOptions
from dragoman.backends.protocol import Member
from dragoman.backends.reference import Workspace, run_plans
from dragoman.formats.shortlist import Shortlist
from dragoman.planning.records import Precision
from dragoman.weights.bind import bind

NATIVE = native.NativeBackend()


def weights_of(
    name: str, precision: Precision = Precision.FLOAT32, *, shortlist: bool = False
) -> native.NativeWeights:
    _, plan, file = compiled(name, precision)
    return NATIVE.prepare(plan, bind(plan, file), shortlist=shortlist)


def run_native(
    models: Sequence[native.NativeWeights], batch: Batch, options: SearchOptions = BEAM, shortlist: Any = None
) -> list[list[RawHypothesis]]:
    workspace = _native.Workspace(1 << 22, 1 << 28)
    workspace.poison()
    weights = options.weights or (1.0,) * len(models)
    members = [Member(*pair) for pair in zip(models, weights, strict=True)]
    found = NATIVE.run(members, workspace, batch, options, shortlist=shortlist)
    assert found is not None
    return found


def compare(
    found: list[list[RawHypothesis]], expected: list[list[RawHypothesis]], tolerance: float = 2e-4
) -> None:
    assert len(found) == len(expected)
    for sentence, others in zip(found, expected, strict=True):
        assert [raw.ids.tolist() for raw in sentence] == [raw.ids.tolist() for raw in others]
        for raw, other in zip(sentence, others, strict=True):
            assert raw.path_score == pytest.approx(other.path_score, abs=10 * tolerance)
            assert raw.score == pytest.approx(other.score, abs=10 * tolerance)
            if other.word_scores is not None:
                np.testing.assert_allclose(raw.word_scores, other.word_scores, atol=tolerance)
            if other.alignment is not None:
                np.testing.assert_allclose(raw.alignment, other.alignment, atol=tolerance)


@pytest.mark.parametrize(("name", "precision"), PAIRS)
def test_families(name: str, precision: Precision) -> None:
    """Floats agree closely. In integers a value on the border between two numbers may go the other way, so scores are
    compared for forced ids, and on the whole."""
    _, plan, file = compiled(name, precision)
    weights = weights_of(name, precision)
    if precision is Precision.FLOAT32:
        batch = Batch.of(SOURCES, LIMITS)
        compare(run_native([weights], batch), run(plan, file, batch))
        return
    forced = [[5, 9, 22], [7, 30, 8], [19, 3, 4], [6, 6, 6]]
    batch = Batch.of(SOURCES, [3] * 4, prefixes=forced)
    options = SearchOptions(word_scores=True, alignment=True)
    found = np.concatenate([raw.word_scores for (raw,) in run_native([weights], batch, options)])
    expected = np.concatenate([raw.word_scores for (raw,) in run(plan, file, batch, options)])
    assert np.median(np.abs(found - expected)) < 1e-4
    assert np.abs(found - expected).max() < 0.3


@pytest.mark.parametrize("name", FAMILIES)
def test_shortlists_and_forced_beginnings(name: str) -> None:
    _, plan, file = compiled(name)
    rng = np.random.default_rng(5)
    lists = [
        np.sort(rng.choice(VOCABULARY, int(rng.integers(0, 7)), replace=False)) for _ in range(VOCABULARY)
    ]
    offsets = np.cumsum([0, *(len(ids) for ids in lists)])
    shortlist = Shortlist(3, 7, offsets, np.concatenate(lists).astype(np.uint32))
    handle = _native.Shortlist(offsets.astype(np.uint64), shortlist.ids, 3, True, VOCABULARY, 0)
    candidates = [
        shortlist.candidates(source, shared_vocabulary=True, vocabulary_size=VOCABULARY, eos_id=0)
        for source in SOURCES
    ]
    prefixes = [[int(candidates[0][4]), int(candidates[0][2])], [], [int(candidates[2][-1])], []]
    batch = Batch.of(SOURCES, LIMITS, candidates=candidates, prefixes=prefixes)
    found = run_native([weights_of(name, shortlist=True)], batch, shortlist=handle)
    compare(found, run(plan, file, batch))


def test_ensembles_of_different_architectures() -> None:
    names = ("ssru", "transformer-prenorm", "s2s-lstm-norm")
    batch = Batch.of(SOURCES, LIMITS)
    options = replace(BEAM, weights=(0.5, 1.25, 0.25))
    models = [(compiled(name)[1], bind(*compiled(name)[1:])) for name in names]
    expected = run_plans(models, Workspace(), batch, options)
    compare(run_native([weights_of(name) for name in names], batch, options), expected)


@pytest.mark.parametrize("beam", [1, 5])
def test_unknown_pieces_limits_and_raw_scores(beam: int) -> None:
    _, plan, file = compiled("transformer-tied-target-swish")
    weights = weights_of("transformer-tied-target-swish")
    batch = Batch.of(SOURCES, [1, 2, 1, 3])
    for changes in (
        {"allow_unk": True},
        {"skip_cost": True},
        {"word_penalty": 0.7},
        {"unk_id": 22},
        {"unk_id": -1},
    ):
        options = SearchOptions(beam_size=beam, n_best=beam, normalize=1.0, word_scores=True, **changes)  # type: ignore[arg-type]
        compare(run_native([weights], batch, options), run(plan, file, batch, options))


def test_the_need_is_exact() -> None:
    """A workspace of exactly the announced size holds the batch; one page less is refused before anything runs."""
    weights = weights_of("transformer")
    batch = Batch.of(SOURCES, [200, 200, 200, 200])
    call = _native.Call(
        [(weights.native, 1.0)],
        None,
        batch.source,
        batch.offsets,
        batch.limits,
        None,
        None,
        native.native_options(BEAM),
    )
    need = call.need(_native.Workspace(1 << 20, 1 << 30))
    exact = _native.Workspace(need, need + 4095)
    assert call.run(exact, _native.StopFlag()) and exact.high_water == need
    from dragoman.errors import WorkspaceError

    with pytest.raises(WorkspaceError, match=str(need)):
        call.run(_native.Workspace(4096, need - 1), _native.StopFlag())


def test_a_raised_flag_stops_the_batch() -> None:
    stop = _native.StopFlag()
    stop.set()
    batch = Batch.of(SOURCES, LIMITS)
    members = [Member(weights_of("ssru"))]
    assert NATIVE.run(members, _native.Workspace(1 << 20, 1 << 28), batch, BEAM, stop=stop) is None
