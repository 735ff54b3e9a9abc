"""What people type first is translated acceptably, and what must not change does not; as shipped: int8, shortlist.

The levels asserted are those reached, rounded down (docs/demo-models.md); the aims are 85 % acceptable, 95 % copied and
0.5 % running away.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import copied_lines
import everyday
import hostile_lines
import pytest

import dragoman

DIRECTIONS = (("en", "de"), ("de", "en"), ("en", "fr"), ("fr", "en"))
ACCEPTABLE = {("en", "de"): 85, ("de", "en"): 85, ("en", "fr"): 84, ("fr", "en"): 85}
"""Percent of all everyday inputs."""
ACCEPTABLE_HELD = {("en", "de"): 81, ("de", "en"): 86, ("en", "fr"): 83, ("fr", "en"): 88}
"""Percent of those that no training data was written for."""
COPIED = {("en", "de"): 74, ("de", "en"): 64, ("en", "fr"): 56, ("fr", "en"): 60}
"""Percent of sentences in which every name, number and address is kept."""
RUNAWAY = {("en", "de"): 0.5, ("de", "en"): 2.0, ("en", "fr"): 0.6, ("fr", "en"): 0.6}
"""Percent of hostile lines whose translation is longer than three times the line."""


def translate(lines: list[str], source: str, target: str) -> list[str]:
    """One process, default options, lines by stdin."""
    package = str(Path(dragoman.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "dragoman", "translate", "--from", source, "--to", target],
        input="".join(f"{line}\n" for line in lines).encode(),
        capture_output=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])},
        check=True,
    )
    answers = done.stdout.decode("utf-8").removesuffix("\n").split("\n")
    assert len(answers) == len(lines)
    return answers


def percent(good: list[bool]) -> float:
    return 100 * sum(good) / len(good)


def bad(lines: list[str], answers: list[str], good: list[bool]) -> str:
    """What went wrong, for the message."""
    return "\n".join(f"{line} -> {answer}" for line, answer, fine in zip(lines, answers, good, strict=True) if not fine)


def test_there_are_enough_everyday_inputs() -> None:
    inputs = everyday.read()
    assert len(inputs) >= 150 and 3 * sum(one.held for one in inputs) >= len(inputs)
    assert all(one.accepts(one.source(target), target, target) for one in inputs for target in everyday.LANGUAGES)
    assert not any(one.accepts("Of no kind 17.", source, target) for one in inputs for source, target in DIRECTIONS)


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
def test_everyday_inputs(source: str, target: str) -> None:
    inputs = everyday.read()
    lines = [one.source(source) for one in inputs]
    answers = translate(lines, source, target)
    good = [one.accepts(answer, source, target) for one, answer in zip(inputs, answers, strict=True)]
    held = [fine for one, fine in zip(inputs, good, strict=True) if one.held]
    assert percent(good) >= ACCEPTABLE[source, target], bad(lines, answers, good)
    assert percent(held) >= ACCEPTABLE_HELD[source, target], bad(lines, answers, good)


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
def test_names_numbers_and_addresses_are_copied(source: str, target: str) -> None:
    made = copied_lines.lines(source, 500, seed=1)
    lines = [one.text for one in made]
    answers = translate(lines, source, target)
    good = [all(kept in answer for kept in one.kept) for one, answer in zip(made, answers, strict=True)]
    assert percent(good) >= COPIED[source, target], bad(lines, answers, good)


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
@pytest.mark.parametrize("count", [500, pytest.param(2000, marks=pytest.mark.slow)])
def test_nothing_runs_away(source: str, target: str, count: int) -> None:
    seed = int.from_bytes(hashlib.sha256(f"{source}-{target}".encode()).digest()[:2], "big")  # other lines for each
    lines = hostile_lines.lines(count, seed)
    answers = translate(lines, source, target)
    good = [len(answer) <= 3 * len(line) for line, answer in zip(lines, answers, strict=True)]
    assert round(100 - percent(good), 3) <= RUNAWAY[source, target], bad(lines, answers, good)
