"""Search against a slow one on a made-up model whose scores depend on the whole history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dragoman.backends.batch import Batch, RawHypothesis, SearchOptions, target_limit
from dragoman.backends.reference_frame import Rows
from dragoman.backends.reference_search import search
from dragoman.errors import OptionsError

Floats = NDArray[np.float32]
VOCABULARY = 9


class MadeUpModel:
    """Logits from the source sentence and all ids so far; follows parents, and checks cells."""

    def __init__(self, batch: Batch, seed: int = 0) -> None:
        self.batch, self.seed = batch, seed
        self.columns = np.arange(VOCABULARY)
        if batch.candidate_offsets is not None:
            self.columns = np.unique(batch.candidates)
        self.histories: list[tuple[int, ...]] = [()] * batch.sentences
        self.cells: list[list[int]] = []

    def logits(self, sentence: int, history: Sequence[int]) -> Floats:
        key = [self.seed, *self.batch.source_of(sentence).tolist(), 99, *history]
        drawn = np.random.default_rng(key).normal(size=VOCABULARY) * 2
        return drawn.astype(np.float32)

    def step(self, rows: Rows) -> Floats:
        assert list(rows.sentence) == sorted(rows.sentence)
        if rows.step == 0:
            assert (rows.previous == -1).all() and (rows.parent == rows.sentence).all()
            self.histories = [()] * len(rows.previous)
        else:
            self.histories = [
                (*self.histories[parent], int(previous))
                for parent, previous in zip(rows.parent, rows.previous, strict=True)
            ]
            for cells, parent in zip(rows.cells, rows.parent, strict=True):
                assert cells[:-1].tolist() == self.cells[parent]
        self.cells = [cells.tolist() for cells in rows.cells]
        assert rows.cells.shape == (len(rows.previous), rows.step + 1)
        assert len(set(rows.cells[:, -1].tolist())) == len(rows.cells)
        sentences = rows.sentence.tolist()
        return np.stack(
            [
                self.logits(s, history)[self.columns]
                for s, history in zip(sentences, self.histories, strict=True)
            ]
        )

    def alignment(self, row: int) -> Floats | None:
        history = self.histories[row]
        return np.full(3, len(history), np.float32)


def log_softmax(x: Floats) -> NDArray[np.float64]:
    x = x.astype(np.float64)
    return np.asarray(x - x.max() - np.log(np.exp(x - x.max()).sum()))


def slow_search(
    model: MadeUpModel, sentence: int, options: SearchOptions
) -> list[tuple[list[int], float, float]]:
    """Ids, path score and final score of all final hypotheses, best first."""
    batch = model.batch
    allowed = batch.candidates_of(sentence)
    columns = np.arange(VOCABULARY) if allowed is None else allowed
    beam, final, k = [((), 0.0)], [], options.beam_size
    for step in range(int(batch.limits[sentence])):
        extended = []
        for history, path in beam:
            for id_, score in zip(
                columns, log_softmax(model.logits(sentence, history)[columns]), strict=True
            ):
                if id_ != options.unk_id or options.allow_unk:
                    extended.append(((*history, int(id_)), path + score))
        chosen = sorted(extended, key=lambda pair: -pair[1])[:k]
        last = step + 1 == batch.limits[sentence]
        ended = [(ids, path) for ids, path in chosen if ids[-1] == options.eos_id or last]
        final += ended
        k -= len(ended)
        beam = [(ids, path) for ids, path in chosen if ids[-1] != options.eos_id]
        if k == 0:
            break
    scored = [
        (list(ids), path, (path - options.word_penalty * len(ids)) / len(ids) ** options.normalize)
        for ids, path in final
    ]
    return sorted(scored, key=lambda entry: -entry[2])[: options.n_best]


SOURCES = ([3, 4, 5, 0], [2, 6, 0], [7, 7, 0])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    beam_size=st.integers(1, 4),
    normalize=st.sampled_from([0.0, 0.6, 1.0]),
    word_penalty=st.sampled_from([0.0, 0.3]),
    limits=st.tuples(*[st.integers(1, 6)] * 3),
    allow_unk=st.booleans(),
    candidates=st.booleans(),
)
def test_search_is_the_slow_search(
    seed: int,
    beam_size: int,
    normalize: float,
    word_penalty: float,
    limits: tuple[int, int, int],
    allow_unk: bool,
    candidates: bool,
) -> None:
    options = SearchOptions(
        beam_size=beam_size,
        normalize=normalize,
        word_penalty=word_penalty,
        allow_unk=allow_unk,
        n_best=beam_size,
        word_scores=True,
    )
    lists = [[0, 1, 2, 3, 5, 8], [0, 2, 4, 6, 7, 8], list(range(VOCABULARY))] if candidates else None
    model = MadeUpModel(Batch.of(SOURCES, limits, candidates=lists), seed)
    for sentence, found in enumerate(search([model], model.batch, options)):
        expected = slow_search(model, sentence, options)
        assert [hypothesis.ids.tolist() for hypothesis in found] == [ids for ids, _, _ in expected]
        for hypothesis, (_, path, score) in zip(found, expected, strict=True):
            assert hypothesis.path_score == pytest.approx(path, abs=1e-4)
            assert hypothesis.score == pytest.approx(score, abs=1e-4)
            assert hypothesis.word_scores is not None
            assert hypothesis.word_scores.sum() == pytest.approx(path, abs=1e-4)


def run(batch: Batch, options: SearchOptions, models: int = 1) -> list[list[RawHypothesis]]:
    return search([MadeUpModel(batch, seed) for seed in range(models)], batch, options)


def test_a_forced_prefix_is_scored_and_then_left() -> None:
    options = SearchOptions(beam_size=3, n_best=3, word_scores=True)
    batch = Batch.of(SOURCES, [6] * 3, prefixes=[[5, 5], [], [1]])
    model = MadeUpModel(batch)
    free = run(Batch.of(SOURCES, [6] * 3), options)
    found = search([model], batch, options)
    for hypothesis in found[0]:
        assert hypothesis.ids[:2].tolist() == [5, 5]
        assert hypothesis.word_scores is not None
        assert hypothesis.word_scores[1] == pytest.approx(log_softmax(model.logits(0, [5]))[5], abs=1e-5)
    assert [h.ids.tolist() for h in found[1]] == [h.ids.tolist() for h in free[1]]
    assert all(hypothesis.ids[0] == 1 for hypothesis in found[2])  # even the unknown piece


def test_an_ensemble_adds_weighted_log_probabilities() -> None:
    batch = Batch.of(SOURCES, [1] * 3)
    options = SearchOptions(beam_size=VOCABULARY, n_best=VOCABULARY, allow_unk=True, weights=(0.5, 2.0))
    models = [MadeUpModel(batch, seed) for seed in range(2)]
    for sentence, found in enumerate(run(batch, options, models=2)):
        scores = [log_softmax(model.logits(sentence, [])) for model in models]
        total = 0.5 * scores[0] + 2 * scores[1]
        assert [int(hypothesis.ids[0]) for hypothesis in found] == np.argsort(-total).tolist()
        np.testing.assert_allclose([h.path_score for h in found], np.sort(total)[::-1], atol=1e-4)


def test_scores_without_cost_are_logits() -> None:
    batch = Batch.of(SOURCES, [1] * 3)
    for sentence, (found,) in enumerate(run(batch, SearchOptions(skip_cost=True, allow_unk=True))):
        assert found.path_score == MadeUpModel(batch).logits(sentence, []).max()


def test_equal_scores_are_taken_in_order_of_id() -> None:
    class Flat(MadeUpModel):
        def logits(self, sentence: int, history: Sequence[int]) -> Floats:
            return np.zeros(VOCABULARY, np.float32)

    batch = Batch.of([[3, 0]], [2])
    options = SearchOptions(beam_size=3, n_best=3)
    found = search([Flat(batch)], batch, options)[0]
    # 0 ends at once (better score: shorter), then the first two extensions of 2.
    assert [hypothesis.ids.tolist() for hypothesis in found] == [[0], [2, 0], [2, 2]]
    assert len(search([Flat(batch)], batch, replace(options, n_best=1))[0]) == 1


def test_an_empty_line_gives_eos_with_score_0() -> None:
    batch = Batch.of([[3, 4, 0], [0]], [5, 3])
    empty = run(batch, SearchOptions(beam_size=2, n_best=2, alignment=True, word_scores=True))[1]
    (hypothesis,) = empty
    assert hypothesis.ids.tolist() == [0] and hypothesis.score == hypothesis.path_score == 0
    assert hypothesis.alignment is not None and hypothesis.alignment.tolist() == [[1]]
    assert hypothesis.word_scores is not None and hypothesis.word_scores.tolist() == [0]


def test_the_limit_is_the_first_length_that_reaches_the_factor() -> None:
    assert [target_limit(*pair) for pair in ((4, 2.5), (3, 2.5), (1, 0.1), (7, 3.0))] == [10, 8, 1, 21]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"sources": [], "limits": []}, "sources"),
        ({"sources": [[1, 0], [2, 1, 0]], "limits": [3, 3]}, "sources"),
        ({"sources": [[1, 0], []], "limits": [3, 3]}, "sources"),
        ({"sources": [[1, 0]], "limits": [0]}, "limits"),
        ({"sources": [[1, 0]], "limits": [3, 3]}, "limits"),
        ({"sources": [[1, 0]], "limits": [3], "prefixes": [[1], [2]]}, "prefixes"),
        ({"sources": [[1, 0]], "limits": [3], "candidates": [[2, 1]]}, "candidates"),
        ({"sources": [[1, 0]], "limits": [3], "candidates": [[]]}, "candidates"),
    ],
)
def test_a_batch_is_checked(arguments: dict[str, list[object]], name: str) -> None:
    with pytest.raises(OptionsError) as caught:
        Batch.of(**arguments)  # type: ignore[arg-type]
    assert caught.value.name == name


@pytest.mark.parametrize("name", ["beam_size", "n_best", "group_tokens"])
def test_options_are_checked(name: str) -> None:
    with pytest.raises(OptionsError):
        SearchOptions(**{name: 0})
