"""A small model on disk, and a cache folder of each test's own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fleet_tools import make_folder

TEXTS = ["abc de fghi", "chief beach dice", "hid cab fed aged high"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where prepared files lie."""
    monkeypatch.setenv("DRAGOMAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "prepared"


@pytest.fixture
def folder(tmp_path: Path, spm_bytes: bytes) -> Path:
    """A model whose files are old enough for their times to be trusted."""
    return settled(make_folder(tmp_path / "model", spm_bytes))


@pytest.fixture
def settle(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """All files count as old from now on."""

    def do() -> None:
        monkeypatch.setattr("dragoman.weights.store._SETTLED_NS", -(1 << 62))

    return do


def settled(folder: Path) -> Path:
    past = time.time() - 100
    for path in folder.iterdir():
        os.utime(path, (past, past))
    return folder
