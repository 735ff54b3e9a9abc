"""What a plan tells people and programs by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from backends.families import compiled

from dragoman.graph.extents import Symbol


def test_bytes_grow_with_the_batch() -> None:
    plan = compiled("transformer")[1]
    assert plan.bytes() == plan.offsets(plan.extents())[1] > 0
    assert plan.bytes(sentences=64) > plan.bytes(sentences=32)
    assert plan.bytes(beam_size=4) > plan.bytes()
    assert plan.extents(sentences=3, beam_size=2)[Symbol.ROWS] == 6
    assert plan.extents(candidates=500, shortlist=True)[Symbol.UNION] == 512


def test_text_and_json() -> None:
    plan = compiled("ssru")[1]
    assert "Embed" in str(plan) and "step" in str(plan)
    assert json.loads(plan.to_json(sentences=2))


def test_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    compiled("ssru")[1].plot(tmp_path / "plan.svg")
    assert (tmp_path / "plan.svg").stat().st_size > 1000
