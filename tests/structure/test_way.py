"""The way of a request, as CONTRIBUTING.md tells it: each step runs, in that order, and no step is left out."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

import dragoman
from dragoman import Fleet, Service, Translator, load

PACKAGE = Path(dragoman.__file__).parent
TOLD = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
Step = tuple[str, str]
"""A file below the package, and a function in it."""


def told(heading: str) -> list[Step]:
    """The steps of a walk: lines ``1. `run/texts.py` `translate`: ...`` below its heading."""
    section = TOLD.read_text(encoding="utf-8").split(f"### {heading}\n", 1)[1].split("\n#", 1)[0]
    return re.findall(r"^\d+\. `([\w/.]+)` `(\w+)`", section, re.MULTILINE)


class Trace:
    """Functions of the package that run, in the order of their first call."""

    def __init__(self) -> None:
        self.steps: dict[Step, None] = {}
        self.on = False

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        path = frame.f_code.co_filename
        if self.on and event == "call" and path.startswith(str(PACKAGE)):
            self.steps[Path(path).relative_to(PACKAGE).as_posix(), frame.f_code.co_name] = None

    def of(self, request: Callable[[], object]) -> list[Step]:
        request()  # what is made once
        self.on = True
        request()
        self.on = False
        return list(self.steps)


@pytest.fixture
def trace() -> Iterator[Trace]:
    """Also of threads that begin from now on."""
    made = Trace()
    before = sys.getprofile()
    threading.setprofile(made)
    sys.setprofile(made)
    yield made
    sys.setprofile(before)
    threading.setprofile(None)  # type: ignore[arg-type]


def check(walk: list[Step], steps: list[Step], most_files: int) -> None:
    places = [steps.index(step) for step in walk]
    assert places == sorted(places), "the steps come in another order"
    assert len({file for file, _ in steps}) <= most_files, sorted({file for file, _ in steps})


def test_through_a_translator(folders: Path, trace: Trace) -> None:
    with Translator(load(folders / "m0")) as translator:
        steps = trace.of(lambda: translator.translate("abc de", split="none"))
    walk = told("Through a Translator")
    assert len(walk) >= 5
    check(walk, steps, most_files=17)


def test_through_a_service(folders: Path, trace: Trace) -> None:
    with Fleet.from_directory(folders) as fleet, Service(fleet, workers=1) as service:
        steps = trace.of(lambda: service.translate("abc de", model="m0", split="none"))
    walk = told("Through a Service")
    assert len(walk) >= 8
    check(walk, steps, most_files=36)
