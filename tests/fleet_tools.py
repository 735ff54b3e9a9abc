"""Models for tests of fleets and services: invented ones, and small ones that really translate."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from random_models import FAMILIES, make_model, save_model

from dragoman.errors import ModelError

KINDS = ("ssru", "transformer", "s2s-gru")
_WORDS = "abc de fghi éß bad hid cab fed aged high dice babe ice chief beach"


class FakeModel:
    """What a fleet looks at in a model."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.weights = SimpleNamespace(nbytes=size, vocabulary=100)
        self.vocabularies = (SimpleNamespace(content_hash="a", size=0), SimpleNamespace(content_hash="b", size=0))
        self.plan = SimpleNamespace(signature=name, encode=(), prime=(), step=(), slots=())
        self.shortlist = None
        self.cost = 1.0


class FakeLoader:
    """Makes models of 100 bytes, or of what ``sizes`` says; can be slow, be stopped, or fail."""

    def __init__(self, **sizes: int) -> None:
        self.sizes = sizes
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.delay_s = 0.0
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, path: Any, **options: Any) -> Any:
        self.calls.append(path)
        self.gate.wait(10)
        time.sleep(self.delay_s)
        if path in self.failing:
            raise ModelError(f"{path} is broken")
        return FakeModel(path, self.sizes.get(path, 100))


def wait_for(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    """Until something is true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.002)


def make_folder(folder: Path, spm: bytes, *, kind: str = "ssru", seed: int = 0) -> Path:
    """A small model of random weights, with a vocabulary of 64 pieces."""
    folder.mkdir(parents=True)
    options, arrays = make_model(FAMILIES[kind], 64, seed)
    save_model(folder / "model.npz", options, arrays)
    (folder / "vocab.spm").write_bytes(spm)
    return folder


def make_folders(folder: Path, spm: bytes, count: int) -> list[str]:
    """Folders ``m0``, ``m1``, ... of several architectures."""
    names = [f"m{number}" for number in range(count)]
    for number, name in enumerate(names):
        make_folder(folder / name, spm, kind=KINDS[number % len(KINDS)], seed=number)
    return names


def sentences(count: int, seed: int = 0) -> list[str]:
    """Made-up texts of 1 to 12 words."""
    rng, words = random.Random(seed), _WORDS.split()
    return [" ".join(rng.choice(words) for _ in range(rng.randrange(1, 13))) for _ in range(count)]


TEXTS = sentences(40)
"""What tests of services translate."""
