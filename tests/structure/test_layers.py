"""Imports go one way, down the layers; public names are those of the reference."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import dragoman

PACKAGE = Path(dragoman.__file__).parent

LAYERS = [
    {"errors"},
    {"languages"},
    {"formats"},
    {"vocabularies"},
    {"graph"},
    {"architectures"},
    {"planning"},
    {"binding"},
    {"packing"},
    {"prepared_cache"},
    {"weights"},
    {"making"},
    {"preparing"},
    {"options", "result"},
    {"backends"},
    {"calibration"},
    {"text"},
    {"batching"},
    {"model"},
    {"running"},
    {"translator"},
    {"sizes", "process_memory", "tables"},
    {"cost", "residency", "catalogue", "routes"},
    {"entries", "holdings"},
    {"fleet"},
    {"scheduler", "admission", "latency"},
    {"requests"},
    {"jobs", "streams"},
    {"worker"},
    {"dispatcher"},
    {"reports", "metrics"},
    {"service"},
    {"simulate"},
    {"profiling"},
    {"demo"},
    {"cli"},
]
"""Bottom up. A module imports only from its own layer and from those above it in this list."""

RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
ANYWHERE = {"_native", "__init__", "__version__"}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)


def layer_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[parts[0] == "serving"].removesuffix(".py")  # the layers of serving/ are told apart


def imported(path: Path) -> set[str]:
    """First parts of the names below ``dragoman`` that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if node.module == "dragoman"
                else [node.module]
            )
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: relative import"
        for name in names:
            first, *rest = name.split(".")
            if first == "dragoman" and rest:
                found.add(rest[rest[0] == "serving" and len(rest) > 1])
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    own = layer_of(path)
    if own in ("__init__", "__main__"):
        return
    assert own in RANK, f"{own} is in no layer: add it to LAYERS"
    for other in imported(path) - ANYWHERE:
        assert other in RANK or other in dragoman.__all__, f"{other} is in no layer"
        assert other not in RANK or RANK[other] <= RANK[own], f"{own} imports {other}, which lies above it"


def test_public_names() -> None:
    for name in dragoman.__all__:
        assert getattr(dragoman, name).__name__ == name
    assert sorted(dragoman.__all__) == dragoman.__all__


def test_import_does_nothing() -> None:
    """No NumPy, no SentencePiece, no native module until a name is used."""
    late = {"numpy", "sentencepiece", "yaml", "dragoman._native"}
    code = f"import sys, dragoman; print(sorted(set(sys.modules) & {late}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_files_have_one_subject() -> None:
    """Median near 150 lines, nothing above 450."""
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in modules())
    assert lengths[len(lengths) // 2] <= 180
    assert lengths[-1] <= 450
