"""Greedy search that keeps of each row of logits the best column and the normaliser, against search over whole rows:
the same pieces, and scores of the same bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import dragoman
from dragoman import _native
from dragoman.backends import native
from dragoman.backends.batch import Batch, RawHypothesis, SearchOptions
from dragoman.backends.protocol import Member
from dragoman.model import Model, load

MODEL = Path(dragoman.__file__).parent / "demo_models" / "ende"
"""6000 pieces: several blocks of columns."""
TEXTS = [
    "How are you today?", "The train leaves at eight o'clock.", "I would like a cup of coffee, please.",
    "She bought three books, two pens and a ruler.", "No.", "Xyzzy qwrtz 12345 @@ %%",
]  # fmt: skip
WHOLE = SearchOptions(word_scores=True, alignment=True)


def sources(model: Model) -> list[list[int]]:
    ids = [model.pieces.finish(own) for own in model.pieces.encode(TEXTS)]
    return sorted(ids, key=len, reverse=True)


def whole_rows(batch: Batch) -> Batch:
    """The same batch, but something might be forced, so that whole rows of logits are kept."""
    return replace(batch, prefix_offsets=np.zeros(batch.sentences + 1, np.int32))


def translate(
    model: Model, batch: Batch, options: SearchOptions = WHOLE, *, scores: bool = True
) -> list[RawHypothesis]:
    workspace = _native.Workspace(1 << 24, 1 << 30)
    workspace.poison()
    members = [Member(model.weights.ready().placed)]
    found = model.backend.run(members, workspace, batch, options, scores=scores)
    assert found is not None
    return [first for (first,) in found]


def need(model: Model, batch: Batch, live: tuple[int, int, int] | None = None) -> int:
    """Bytes of workspace. live: sentences, rows, source pieces under way."""
    options = native.native_options(SearchOptions())
    if live is not None:
        options.live_sentences, options.live_rows, options.live_tokens = live
    call: Any = _native.Call(
        [(model.weights.ready().placed.native, 1.0)], None, batch.source, batch.offsets, batch.limits,
        None if batch.prefix_offsets is None else batch.prefix, batch.prefix_offsets,
        options,
    )  # fmt: skip
    return int(call.need(_native.Workspace(1 << 20, 1 << 30)))


@pytest.mark.parametrize("changes", [{}, {"unk_id": 5}, {"unk_id": 4321}, {"allow_unk": True}, {"unk_id": -1}], ids=str)
@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_same_pieces_and_scores(precision: Literal["auto", "float32"], changes: dict[str, Any]) -> None:
    model = load(MODEL, precision=precision, shortlist="none")
    ids = sources(model)
    for batch in (
        Batch.of(ids, [30] * len(ids)),
        Batch.of([ids[0]] * 64, [20] * 64),
        Batch.of([ids[-1]], [9]),
    ):
        for options in (replace(WHOLE, **changes), replace(WHOLE, skip_cost=True, **changes)):
            whole = translate(model, whole_rows(batch), options)
            for raw, other in zip(translate(model, batch, options), whole, strict=True):
                assert raw.ids.tolist() == other.ids.tolist()
                assert raw.path_score == other.path_score and raw.score == other.score
                assert np.array_equal(raw.word_scores, other.word_scores)  # type: ignore[arg-type]
                assert np.array_equal(raw.alignment, other.alignment)  # type: ignore[arg-type]
            for raw, other in zip(translate(model, batch, options, scores=False), whole, strict=True):
                assert raw.ids.tolist() == other.ids.tolist()
                assert raw.path_score == 0


def test_a_block_needs_less_memory_than_a_row() -> None:
    batch = Batch.of([[7, 8, 0]] * 200, [20] * 200)
    model = load(MODEL, shortlist="none")
    assert need(model, whole_rows(batch)) - need(model, batch) >= 0.9 * 32 * (6000 - 2048) * 4  # 32 are under way


def test_a_piece_that_never_wins() -> None:
    """The piece that would win everywhere is excluded, so every step takes the second of its block or another's."""
    model = load(MODEL, shortlist="none")
    batch = Batch.of(sources(model), [12] * len(TEXTS))
    for piece in {int(raw.ids[0]) for raw in translate(model, batch)}:
        for skip_cost in (False, True):
            options = SearchOptions(unk_id=piece, skip_cost=skip_cost)
            found = translate(model, batch, options)
            assert all(piece not in raw.ids for raw in found)
            whole = translate(model, whole_rows(batch), options)
            assert [raw.ids.tolist() for raw in whole] == [raw.ids.tolist() for raw in found]
