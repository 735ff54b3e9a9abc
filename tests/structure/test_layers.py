"""Imports go one way, down the floors, without circles; public names are those of the reference."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import dragoman

PACKAGE = Path(dragoman.__file__).parent

FLOORS: list[set[str]] = [
    {"errors"},
    {"arguments", "host", "units", "tables", "languages"},
    {"formats", "graph"},
    {"architectures"},
    {"planning"},
    {"options", "result"},
    {"backends"},
    {"weights"},
    {"text"},
    {"model", "calibration"},
    {"memory"},
    {"run"},
    {"catalogue"},
    {"hub"},
    {"fleet"},
    {"service"},
    {"documents"},
    {"integrations", "server"},
    {"cli"},
]
"""Bottom up. A room imports only from itself and from the floors below its own; rooms of one floor know nothing of
each other."""

FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}
DOORS = {"__init__", "__main__"}
"""Files that hand out names of any floor, and hold nothing."""
NATIVE_USERS = {"host", "backends.native", "backends.native_pack"}
"""Files that know the native module."""


def modules() -> dict[str, Path]:
    """Dotted names below ``dragoman``, packages by their folder's name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        if len(parts) > 1 and parts[-1] == "__init__":
            parts.pop()
        found[".".join(parts)] = path
    return found


MODULES = modules()


def imported(path: Path) -> set[str]:
    """Dotted names below ``dragoman`` that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            package, _, below = (node.module or "").partition(".")
            if package == "dragoman":
                names = [f"{below}.{alias.name}".lstrip(".") for alias in node.names]
                found |= {name if name in MODULES or not below else below for name in names}
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            found |= {name.removeprefix("dragoman.") for name in names if name.startswith("dragoman.")}
    return found


@pytest.mark.parametrize("name", sorted(MODULES.keys() - DOORS))
def test_imports_go_down(name: str) -> None:
    room = name.partition(".")[0]
    assert room in FLOOR_OF, f"{room} is on no floor: add it to FLOORS"
    for other in imported(MODULES[name]):
        below = other.partition(".")[0]
        if below == "_native":
            assert name in NATIVE_USERS, f"{name} imports the native module"
        elif room != "cli" or below in FLOOR_OF:  # the command line is a user of the public face too
            assert below in FLOOR_OF, f"{name} imports {other}, which is on no floor"
            assert below == room or FLOOR_OF[below] < FLOOR_OF[room], f"{name} imports {other}, which is not below it"


def test_no_circles() -> None:
    try:
        TopologicalSorter({name: imported(path) for name, path in MODULES.items() if name not in DOORS}).prepare()
    except CycleError as error:
        pytest.fail(f"files import each other in a circle: {' -> '.join(error.args[1])}")


def test_the_map_is_the_floors() -> None:
    """CONTRIBUTING.md lists every room on its floor."""
    text = (PACKAGE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ((?:`[\w./]+`(?:, )?)+) \|", text, re.MULTILINE)
    told = {room.strip("`/").removesuffix(".py"): int(floor) - 1 for floor, rooms in rows for room in rooms.split(", ")}
    assert told == FLOOR_OF


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
    """Median near 120 lines, nothing above 400."""
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES.values())
    assert lengths[len(lengths) // 2] <= 130
    assert lengths[-1] <= 400
