"""Predicted costs: of the right order, and computed once a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman import load
from dragoman.planning.cost import cost_of_piece


def test_what_is_faster_costs_less(shared: Path) -> None:
    tiny = load(shared / "models" / "ende-tiny-ssru")
    wide = load(shared / "models" / "ende-tiny-ssru", precision="float32")
    vocabulary = tiny.weights.vocabulary
    short = cost_of_piece(tiny.plan, vocabulary=vocabulary, shortlist=True)
    whole = cost_of_piece(tiny.plan, vocabulary=vocabulary, shortlist=False)
    wider = cost_of_piece(wide.plan, vocabulary=vocabulary, shortlist=False)
    assert 2e6 < short < whole < wider < 2e7
    assert wider / whole == pytest.approx(2.2, rel=0.3), "int8 took 0.35 of the time of float32"
    assert cost_of_piece(tiny.plan, vocabulary=vocabulary, shortlist=True) is short
