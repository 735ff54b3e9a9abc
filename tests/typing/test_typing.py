"""The public face has types: mypy --strict over uses of it finds the errors that are expected, and no others."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dragoman

ROOT = Path(__file__).resolve().parents[2]
USES = Path(__file__).with_name("public_face.py")


def test_uses_of_the_public_face(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    cache = ROOT / ".mypy_cache"  # what `mypy` itself has found out helps
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--show-error-codes", "--no-error-summary", "--cache-dir",
         str(cache), "--config-file", os.devnull, str(USES)],
        capture_output=True, text=True, env=os.environ | {"MYPYPATH": str(ROOT / "src")},
    )  # fmt: skip
    found: dict[int, set[str]] = {}
    for line in done.stdout.splitlines():
        match = re.fullmatch(r"(.*):(\d+): error: .*\[([\w-]+)\]", line)
        if match and Path(match[1]).name == USES.name:
            found.setdefault(int(match[2]), set()).add(match[3])
        else:
            assert ": note:" in line, line
    lines = USES.read_text(encoding="utf-8").splitlines()
    expected = {
        number: {match[1]} for number, line in enumerate(lines, 1) if (match := re.search(r"# error: ([\w-]+)$", line))
    }
    assert found == expected, done.stdout
    assert len(expected) > 25


def signatures() -> Iterator[tuple[str, dict[str, object]]]:
    for name in dragoman.__all__:
        public = getattr(dragoman, name)
        if inspect.isfunction(public):
            yield name, inspect.get_annotations(public)
            continue
        for kind in inspect.getmro(public):
            if not kind.__module__.startswith("dragoman"):
                continue
            fields = {field: text for field, text in inspect.get_annotations(kind).items() if not field.startswith("_")}
            yield f"{name} ({kind.__name__})", fields
            for member, value in vars(kind).items():
                function = getattr(value, "__func__", getattr(value, "fget", getattr(value, "func", value)))
                if inspect.isfunction(function) and (not member.startswith("_") or member == "__init__"):
                    own = {key: text for key, text in inspect.get_annotations(function).items() if key[:1] != "_"}
                    yield f"{name}.{member}", own


def test_no_public_signature_says_any() -> None:
    for name, arguments in signatures():
        for argument, text in arguments.items():
            assert not re.search(r"\bAny\b", str(text)), f"{name}: {argument}: {text}"


def test_every_public_signature_is_complete() -> None:
    for name in dragoman.__all__:
        public = getattr(dragoman, name)
        for member, value in vars(public).items() if inspect.isclass(public) else [(name, public)]:
            function = getattr(value, "__func__", value)
            if inspect.isfunction(function) and not member.startswith("_"):
                parameters = [one for one in inspect.signature(function).parameters if one not in ("self", "cls")]
                assert set(parameters) <= inspect.get_annotations(function).keys(), f"{name}.{member}"
