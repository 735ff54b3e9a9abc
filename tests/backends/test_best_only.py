"""Greedy search that keeps only the best column of each row of logits, against greedy search over whole rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import dragoman
from dragoman import _native
from dragoman.backends import native
from dragoman.backends.protocol import Batch, RawHypothesis, SearchOptions
from dragoman.model import Model, load

MODEL = Path(dragoman.__file__).parent / "demo_models" / "ende"
"""6000 pieces: several blocks of columns."""
TEXTS = [
    "How are you today?", "The train leaves at eight o'clock.", "I would like a cup of coffee, please.",
    "She bought three books, two pens and a ruler.", "No.", "Xyzzy qwrtz 12345 @@ %%",
]  # fmt: skip


def sources(model: Model) -> list[list[int]]:
    ids = [model.pieces.finish(own) for own in model.pieces.encode(TEXTS)]
    return sorted(ids, key=len, reverse=True)


def translate(model: Model, batch: Batch, options: SearchOptions, *, scores: bool) -> list[RawHypothesis]:
    workspace = _native.Workspace(1 << 24, 1 << 30)
    workspace.poison()
    found = native.run([model.weights], workspace, batch, options, scores=scores)
    assert found is not None
    return [first for (first,) in found]


def need(model: Model, batch: Batch, options: SearchOptions, *, scores: bool) -> int:
    call: Any = _native.Call(
        [(model.weights.native, 1.0)], None, batch.source, batch.offsets, batch.limits, None, None,
        native.native_options(options, scores=scores),
    )  # fmt: skip
    return int(call.need(_native.Workspace(1 << 20, 1 << 30)))


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_same_pieces(precision: Literal["auto", "float32"]) -> None:
    model = load(MODEL, precision=precision, shortlist="none")
    ids = sources(model)
    for batch in (
        Batch.of(ids, [30] * len(ids)),
        Batch.of([ids[0]] * 64, [20] * 64),
        Batch.of([ids[-1]], [9]),
    ):
        for changes in ({}, {"unk_id": 5}, {"unk_id": 4321}, {"allow_unk": True}, {"unk_id": -1}):
            options = SearchOptions(**changes)  # type: ignore[arg-type]
            whole = translate(model, batch, options, scores=True)
            best = translate(model, batch, options, scores=False)
            raw = translate(model, batch, SearchOptions(skip_cost=True, **changes), scores=True)  # type: ignore[arg-type]
            for one, other, third in zip(whole, best, raw, strict=True):
                assert one.ids.tolist() == other.ids.tolist() == third.ids.tolist()
                assert other.path_score == 0


def test_a_block_needs_less_memory_than_a_row() -> None:
    model = load(MODEL, shortlist="none")
    batch = Batch.of([[7, 8, 0]] * 200, [20] * 200)
    whole, best = (need(model, batch, SearchOptions(), scores=scores) for scores in (True, False))
    assert whole - best >= 0.9 * 200 * (6000 - 1024) * 4


def test_a_piece_that_never_wins() -> None:
    """The piece that would win everywhere is excluded, so every step takes the second of its block or another's."""
    model = load(MODEL, shortlist="none")
    batch = Batch.of(sources(model), [12] * len(TEXTS))
    first = translate(model, batch, SearchOptions(), scores=True)
    for piece in {int(raw.ids[0]) for raw in first}:
        options = SearchOptions(unk_id=piece)
        whole, best = (translate(model, batch, options, scores=scores) for scores in (True, False))
        assert all(piece not in raw.ids for raw in best)
        assert [raw.ids.tolist() for raw in whole] == [raw.ids.tolist() for raw in best]


def test_raw_scores_are_those_of_whole_rows() -> None:
    """A beam of raw scores keeps whole rows; forced to its own translation it finds the same scores."""
    model = load(MODEL, shortlist="none")
    batch = Batch.of(sources(model), [30] * len(TEXTS))
    options = SearchOptions(skip_cost=True, word_scores=True)
    found = translate(model, batch, options, scores=True)
    for raw, source in zip(found, sources(model), strict=True):
        forced = Batch.of([source], [len(raw.ids)], prefixes=[raw.ids])
        again = translate(model, forced, options, scores=True)[0]
        assert raw.word_scores is not None and again.word_scores is not None
        assert np.array_equal(raw.word_scores, again.word_scores)
