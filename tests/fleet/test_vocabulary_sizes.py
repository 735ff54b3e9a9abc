"""Vocabularies count against a fleet's budget: before they are loaded, from their files, as after."""

from __future__ import annotations

from pathlib import Path

from fleet_tools import make_folder

import dragoman
from dragoman.catalogue.bundled import find_route
from dragoman.catalogue.catalogue import estimate_vocabulary_bytes
from dragoman.text.vocabularies import private_bytes


def test_estimates_are_what_is_counted_later(tmp_path: Path, spm_bytes: bytes) -> None:
    for folder in (find_route("en", "de")[0], make_folder(tmp_path / "m", spm_bytes)):
        model = dragoman.load(folder)
        assert estimate_vocabulary_bytes(folder, {}) == private_bytes(model.vocabularies) > 0


def test_the_budget_counts_them() -> None:
    folder = find_route("en", "de")[0]
    model = dragoman.load(folder)
    with dragoman.Fleet() as fleet:
        fleet.add("ende", folder)
        with fleet.lease("ende"):
            assert fleet.resident_bytes == model.weights_bytes + 8000 * 190


def test_nothing_there_costs_nothing(tmp_path: Path) -> None:
    assert estimate_vocabulary_bytes(tmp_path / "none", {}) == 0
