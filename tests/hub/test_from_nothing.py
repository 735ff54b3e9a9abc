"""From an empty home to a translation: install the wheel, pull, translate, each one command, timed.

DRAGOMAN_WHEEL names the wheel for this Python; its dependencies come from pip's usual index.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hub_mirrors import RECORDS, Student, records
from hub_server import Site

WHEEL = os.environ.get("DRAGOMAN_WHEEL", "")


@pytest.mark.slow
@pytest.mark.skipif(not WHEEL, reason="DRAGOMAN_WHEEL names no wheel")
def test_each_step_is_one_command(
    site: Site, real: Student, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = records(site.root, [("en", "de", "base-memory", "3.0", real)])
    site.answers[RECORDS] = (200, {}, json.dumps({"data": found}).encode())
    home = tmp_path / "home"
    home.mkdir()
    names = ("PATH", "PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE", "LANG")
    environment = {name: os.environ[name] for name in names if name in os.environ} | {"HOME": str(home)}
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True, env=environment)
    commands = home / "venv" / "bin"
    taken = {}

    def run(title: str, *command: str | Path) -> str:
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=home)
        taken[title] = round(time.perf_counter() - started, 2)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("install", commands / "pip", "install", "--quiet", WHEEL)
    run("pull", commands / "dragoman", "models", "pull", "en-de", "--source", site.url + RECORDS)
    arguments = ("translate", "--from", "en", "--to", "de", "A man in a blue shirt is standing on a ladder.")
    first = run("first translation", commands / "dragoman", *arguments)
    assert "Mann" in first and run("second translation", commands / "dragoman", *arguments) == first
    assert (home / ".local" / "share" / "dragoman" / "models" / "en-de.firefox.base-memory").is_dir()
    manual = home / "venv" / "share" / "man" / "man1" / "dragoman.1"
    with capsys.disabled():
        print(f"\n{taken}, manual page: {manual.exists()}")
