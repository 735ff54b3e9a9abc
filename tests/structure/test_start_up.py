"""What a start must not import. How long it takes is `benchmarks/start_up.py`'s subject."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fleet_tools import make_folder

SLOW = {
    "asyncio",
    "concurrent.futures",
    "difflib",
    "importlib.metadata",
    "matplotlib",
    "multiprocessing",
    "numpy",
    "prometheus_client",
    "ssl",
    "tqdm",
    "yaml",
    "dragoman.architectures.config",
    "dragoman.weights.bind",
    "dragoman.formats.npz",
    "dragoman.formats.quantize",
    "dragoman.formats.shortlist_text",
    "dragoman.formats.vocabulary_text",
    "dragoman.graph.graph",
    "dragoman.weights.build",
    "dragoman.backends.native_pack",
    "dragoman.backends.reference",
    "dragoman.planning.lowering.lower",
    "dragoman.planning.plan",
    "dragoman.fleet",
    "dragoman.service",
}
"""Modules that translating with a prepared model, in a folder without YAML, needs nothing of."""

TRANSLATE = """
import sys
from dragoman.cli.main import main
try:
    main()
except SystemExit as end:
    print(end.code, *sorted(sys.modules), file=sys.stderr)
"""


def loaded(code: str, *arguments: object, text: str = "") -> tuple[str, list[str]]:
    """What a new Python prints, and the words it says on stderr."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, env=dict(os.environ))
    return done.stdout, done.stderr.split()


def test_importing_the_package_imports_nothing_slow() -> None:
    _, before = loaded("import sys; print(*sys.modules, file=sys.stderr)")
    _, after = loaded("import sys, dragoman; print(*sys.modules, file=sys.stderr)")
    # The package itself, and what its own first lines name.
    ours = {name for name in set(after) - set(before) if name.startswith("dragoman")}
    assert ours == {"dragoman"}
    assert not (set(after) - set(before)) & (SLOW | {"click", "dataclasses", "sentencepiece"})


@pytest.fixture
def prepared(tmp_path: Path, spm_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model whose weights lie in a cache."""
    monkeypatch.setenv("DRAGOMAN_CACHE", str(tmp_path / "cache"))
    return make_folder(tmp_path / "model", spm_bytes)


def test_translating_with_a_prepared_model(prepared: Path) -> None:
    arguments = ("translate", "--model", prepared)
    first, modules = loaded(TRANSLATE, *arguments, text="abc de\n")
    assert "dragoman.weights.build" in modules, "it was prepared here"
    again, (code, *modules) = loaded(TRANSLATE, *arguments, text="abc de\n")
    assert code == "0" and again == first and first.strip()
    assert set(modules) & SLOW == set()


def test_help_imports_no_command(prepared: Path) -> None:
    help_text, (code, *modules) = loaded(TRANSLATE, "--help")
    assert code == "0" and "translate" in help_text
    assert not set(modules) & (SLOW | {"sentencepiece", "dragoman._native"})
