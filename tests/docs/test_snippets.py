"""Every snippet of the documentation does what it shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "hub"))

from hub_mirrors import RECORDS, Student, records  # noqa: E402
from hub_server import serving  # noqa: E402

from dragoman.catalogue.bundled import bundled_models  # noqa: E402
from dragoman.formats.bundle import find_bundle  # noqa: E402

PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if "decisions" not in path.parts)
_BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path: Path, kind: str) -> list[str]:
    return [match[2] for match in _BLOCK.finditer(path.read_text(encoding="utf-8")) if match[1] == kind]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an empty store, a catalogue to pull from, and the command in the path."""
    folder = next((folder for _, pair, folder in bundled_models() if pair == ("en", "de")), None)
    if folder is None:
        pytest.skip("no models come along with this installation")
    files = find_bundle(folder)
    student = Student(files.model, files.vocabularies[0], files.shortlist)
    (tmp_path / "site").mkdir()
    command = tmp_path / "bin" / "dragoman"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nfrom dragoman.cli.main import main\nmain()\n", encoding="utf-8")
    command.chmod(0o755)
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("DRAGOMAN_MODELS", str(tmp_path / "store"))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(tmp_path / "site") as site:
        found = records(site.root, [("en", "cs", "tiny", "3.0", student)])
        site.answers[RECORDS] = (200, {}, json.dumps({"data": found}).encode())
        monkeypatch.setenv("DRAGOMAN_SOURCE", site.url + RECORDS)
        yield place


@pytest.mark.parametrize("page", [one for one in PAGES if blocks(one, "python")], ids=lambda page: page.stem)
def test_python(page: Path, world: Path) -> None:
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("page", [one for one in PAGES if blocks(one, "console")], ids=lambda page: page.stem)
def test_console(page: Path, world: Path) -> None:
    for block in blocks(page, "console"):
        for command, _, expected in (part.partition("\n") for part in block.split("$ ")[1:] if part):
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
            assert done.returncode == 0, (command, done.stderr)
            assert not expected.strip() or done.stdout.strip() == expected.strip(), command
