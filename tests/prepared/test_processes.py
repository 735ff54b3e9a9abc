"""Several processes on one cache: they share pages, race, and are killed at any moment."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prepared_tools import answers, run_python

from dragoman import load
from dragoman.weights.cache_folder import cache_folder
from dragoman.weights.store import temporary_files

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

PREPARE = """
import sys
from dragoman.cli.main import main
sys.argv = ["dragoman", "prepare", *sys.argv[1:]]
main()
"""

KILLED = """
import os, sys
sys.path[:0] = sys.argv[2:]
from prepared_tools import answers
from dragoman import load
from dragoman.weights.cache_folder import cache_folder
from dragoman.weights.store import clear
import dragoman.run.translator
print("ready", flush=True)
while True:
    clear(cache_folder())
    for _ in range(3):
        answers(load(sys.argv[1]))
"""


@linux
@pytest.mark.parametrize("times", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_at_any_moment(folder: Path, cache: Path, times: int) -> None:
    """The next start always works, and finds or makes the right weights."""
    expected = answers(load(folder))
    rng = random.Random(5)
    for _ in range(times):
        command = [sys.executable, "-c", KILLED, str(folder), str(Path(__file__).parent)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            time.sleep(rng.random() * 0.2)
            process.kill()
        model = load(folder)
        assert model.file_backed and answers(model) == expected
        del model


def test_leftovers_are_removed_in_time(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir(parents=True)
    (cache / ".x.weights.1.a.tmp").write_bytes(b"half")
    load(folder)
    assert len(temporary_files(cache)) == 1  # somebody may be writing it
    monkeypatch.setattr("dragoman.weights.store._STALE_S", -1)
    load(folder, precision="int8")
    assert temporary_files(cache) == []


def test_many_processes_prepare_at_once(folder: Path, cache: Path) -> None:
    command = [sys.executable, "-c", PREPARE, str(folder)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate(timeout=120)[0].rsplit(" ", 1)[-1] for process in processes}
    assert all(process.returncode == 0 for process in processes)
    assert said == {f"{path}\n" for path in cache.glob("*.weights")} and len(said) == 1
    assert temporary_files(cache) == []


SHARING = """
import sys
sys.path[:0] = sys.argv[2:]
from prepared_tools import answers
from dragoman import load
model = load(sys.argv[1])
answers(model)
print(model.weights.path, flush=True)
sys.stdin.readline()
"""


@linux
def test_two_processes_share_pages(shared: Path, cache: Path) -> None:
    """Each page counts half for each: PSS is half of RSS, and nothing of the file is private."""
    folder = shared / "models" / "ende-tiny-ssru"
    load(folder)
    command = [sys.executable, "-c", SHARING, str(folder), str(Path(__file__).parent)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        paths = [process.stdout.readline().strip() for process in processes if process.stdout]
        for process, path in zip(processes, paths, strict=True):
            numbers = memory_of_map(process.pid, path)
            assert numbers["Rss"] >= 10_000
            assert numbers["Pss"] <= 0.51 * numbers["Rss"]
            assert numbers["Private_Dirty"] == numbers["Private_Clean"] == 0
    finally:
        for process in processes:
            process.communicate("\n", timeout=60)


def memory_of_map(pid: int, path: str) -> dict[str, int]:
    """KiB of a mapping by kind, from smaps."""
    text = Path(f"/proc/{pid}/smaps").read_text()
    part = text[text.index(path) :].split("VmFlags", 1)[0]
    return {name: int(number) for name, number in re.findall(r"(\w+): +(\d+) kB", part)}


def test_command_line(folder: Path, cache: Path, tmp_path: Path) -> None:
    """prepare, ls, verify and clear."""
    cli = "import sys; from dragoman.cli.main import main; main()"
    done = run_python(cli, "prepare", folder, tmp_path / "nothing")
    assert done.returncode == 1 and str(folder) in done.stdout and "nothing" in done.stderr
    assert run_python(cli, "prepare", folder).returncode == 0
    (path,) = cache.glob("*.weights")
    done = run_python(cli, "cache", "ls")
    assert path.name[:12] in done.stdout and "model.npz" in done.stdout
    assert '"made_of"' in run_python(cli, "cache", "ls", "--json").stdout
    assert run_python(cli, "cache", "verify").stdout == "1 files, 0 damaged\n"
    path.write_bytes(path.read_bytes()[:-1])
    assert run_python(cli, "cache", "verify").returncode == 1
    assert run_python(cli, "cache", "verify", "--remove").returncode == 0
    assert not path.exists()
    load(folder)
    assert run_python(cli, "cache", "clear").returncode == 0
    assert list(cache.iterdir()) == [] and cache_folder() == cache
