"""A store of its own for each test, no proxies, and small students."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet_tools import make_folder
from hub_mirrors import Student
from hub_server import Site, serving

from dragoman.formats.marian_bin_write import write_bin
from dragoman.formats.model_file import read_parameters
from dragoman.formats.quantize import quantize


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """DRAGOMAN_MODELS, not there yet."""
    folder = tmp_path / "store"
    monkeypatch.setenv("DRAGOMAN_MODELS", str(folder))
    for name in ("DRAGOMAN_SOURCE", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server over an empty folder."""
    root = tmp_path / "site"
    root.mkdir()
    with serving(root) as running:
        yield running


@pytest.fixture(scope="session")
def students(tmp_path_factory: pytest.TempPathFactory, spm_bytes: bytes) -> tuple[Student, Student]:
    """Two models of a few kilobytes with different weights."""
    made = []
    for seed in (0, 1):
        folder = make_folder(tmp_path_factory.mktemp("student") / "model", spm_bytes, seed=seed)
        write_bin(quantize(read_parameters(next(folder.glob("*.npz")))), folder / "model.bin")
        made.append(Student(folder / "model.bin", next(folder.glob("*.spm"))))
    return made[0], made[1]


@pytest.fixture(scope="session")
def real(shared: Path) -> Student:
    """A real int8 student."""
    folder = shared / "models" / "ende-tiny-ssru"
    return Student(folder / "model.intgemm.alphas.bin", folder / "vocab.ende.spm", folder / "lex.50.50.s2t.bin")
