"""How many sentences are under way at a time (native/search/live_sentences.h)."""

from __future__ import annotations

from typing import Literal

import pytest
from test_best_only import MODEL, need

from dragoman.backends.batch import Batch
from dragoman.model import load


@pytest.mark.parametrize(("precision", "live"), [("auto", (64, 128, 1280)), ("float32", (64, 128, 1280))])
def test_heavier_weights_are_worth_more_sentences_under_way(
    precision: Literal["auto", "float32"], live: tuple[int, int, int]
) -> None:
    batch = Batch.of([[*[7] * 15, 0]] * 200, [20] * 200)
    model = load(MODEL, precision=precision, shortlist="none")
    assert need(model, batch, (32, 64, 640)) <= need(model, batch) <= need(model, batch, live)
    assert need(model, batch, (32, 64, 640)) < need(model, batch, (64, 128, 1280))
