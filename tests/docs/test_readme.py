"""README: its blocks run, as they stand, in a folder of nothing; its figures name their commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dragoman.catalogue.bundled import bundled_models
from dragoman.cli.main import _COMMANDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(match[1], match[2]) for match in _BLOCK.finditer(README)]

pytestmark = pytest.mark.skipif(not bundled_models(), reason="no models come along with this installation")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The command and the package as an installation has them; a place of its own for the cache."""
    scripts = tmp_path / "bin"
    scripts.mkdir()
    for name, code in (("dragoman", "from dragoman.cli.main import main; main()"), ("python", None)):
        text = f'#!/bin/sh\nexec {sys.executable} "$@"\n' if code is None else f"#!{sys.executable}\n{code}\n"
        (scripts / name).write_text(text, encoding="utf-8")
        (scripts / name).chmod(0o755)
    paths = {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "DRAGOMAN_CACHE": str(tmp_path / "cache")}
    paths["PYTHONPATH"] = os.pathsep.join(entry for entry in [str(ROOT / "src"), *sys.path] if entry)
    return os.environ | paths


@pytest.mark.parametrize("number", [n for n, (kind, _) in enumerate(BLOCKS) if kind == "console"])
def test_commands(number: int, tmp_path: Path, environment: dict[str, str]) -> None:
    """One shell a block; where a block shows an answer, that is the answer."""
    for part in BLOCKS[number][1].split("$ ")[1:]:
        command, _, expected = part.partition("\n")
        here = tmp_path / "here"
        here.mkdir(exist_ok=True)
        if command.startswith("cd "):
            command = BLOCKS[number][1].replace("$ ", "")  # the rest of the block goes with it
        done = subprocess.run(["bash", "-ec", command], cwd=here, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)
        assert not expected.strip() or expected.strip() == done.stdout.strip() or command.startswith("cd "), command
        assert done.stdout.strip() or ">" in command or "limit" in command
        if command.startswith("cd "):
            return


@pytest.mark.parametrize("number", [n for n, (kind, _) in enumerate(BLOCKS) if kind == "python"])
def test_programs(number: int, tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS[number][1]], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_no_other_kind_of_block_hides_something() -> None:
    assert {kind for kind, _ in BLOCKS} == {"console", "python"}
    assert sum(kind == "console" for kind, _ in BLOCKS) >= 4 and sum(kind == "python" for kind, _ in BLOCKS) >= 2


def test_commands_in_passing_are_commands() -> None:
    for command in re.findall(r"(?:`|^ {4})(?:\.venv/bin/)?dragoman (\w+)", README, re.MULTILINE):
        assert command in _COMMANDS, command


def test_files_that_are_linked_exist_and_pictures_are_found_from_anywhere() -> None:
    for picture, target in re.findall(r"(!?)\[[^]]*\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target
            assert not picture, f"{target}: a relative picture is missing where the package is shown"


def test_figures_name_their_commands() -> None:
    """Each paragraph or table with measured figures is followed or preceded by the command that yields them."""
    measured = re.compile(r"\d[\d ]* (?:MB|of 12 000|%|times)|Words a second|\| \d\d \d00")
    commands = re.compile(r"benchmarks/\w+\.(?:py|md)|dragoman profile|results/")
    sections = re.split(r"^## ", README, flags=re.MULTILINE)
    for section in sections:
        if measured.search(section):
            assert commands.search(section), section[:60]
    for script in set(re.findall(r"benchmarks/\w+\.py", README)):
        assert (ROOT / script).is_file(), script


def test_make_demo_says_what_it_does() -> None:
    done = subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    steps = [line for line in done.stdout.splitlines() if line.startswith('echo "dragoman: ')]
    assert len(steps) >= 1 and ("minutes" in done.stdout or (ROOT / ".venv" / ".installed").is_file())
