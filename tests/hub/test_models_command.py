"""``dragoman models``, and what uses the store: by languages, without a path."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from cli_tools import SOURCE, run
from hub_mirrors import RECORDS, Student, records
from hub_server import Site

import dragoman
from dragoman import hub


@pytest.fixture
def source(site: Site, students: tuple[Student, Student]) -> str:
    """Firefox's catalogue of three models."""
    made = [
        ("en", "cs", "tiny", "3.0", students[0]),
        ("en", "cs", "base-memory", "3.0", students[1]),
        ("cs", "en", "tiny", "3.0", students[0]),
    ]
    publish(site, records(site.root, made))
    return site.url + RECORDS


def publish(site: Site, found: list[dict[str, object]]) -> None:
    site.answers[RECORDS] = (200, {}, json.dumps({"data": found}).encode())


def test_an_empty_store(store: Path) -> None:
    assert (run("models", "ls").code, run("models", "ls").output) == (0, b"")
    assert json.loads(run("models", "ls", "--json").output) == []
    assert run("models", "verify").code == 0
    assert run("models", "rm", "en-cs").code == 1
    assert not store.exists()


def test_from_search_to_rm(source: str, store: Path) -> None:
    found = run("models", "search", "--from", "en", "--source", source)
    assert found.code == 0 and [line.split()[:2] for line in found.lines] == [
        ["en-cs.firefox.base-memory", "en-cs"],
        ["en-cs.firefox.tiny", "en-cs"],
    ]
    czech = run("models", "search", "czech", "--source", source).lines
    assert [line.split()[1] for line in czech] == ["cs-en", "en-cs", "en-cs"]
    pulled = run("models", "pull", "en-cs", "--source", source)
    assert pulled.code == 0 and "MPL-2.0" in pulled.lines[0] and "en-cs.firefox.base-memory" in pulled.lines[0]
    assert run("models", "pull", "--all", "--source", source, "--architecture", "tiny").code == 0
    assert [line.split()[:4] for line in run("models", "ls").lines] == [
        ["cs-en.firefox.tiny", "cs", "en", "tiny"],
        ["en-cs.firefox.base-memory", "en", "cs", "base-memory"],
        ["en-cs.firefox.tiny", "en", "cs", "tiny"],
    ]
    rows = json.loads(run("models", "ls", "--json").output)
    assert {row["licence"] for row in rows} == {"MPL-2.0"} and {row["source"] for row in rows} == {"firefox"}
    assert run("models", "verify", "cs-en").output == b"1 checked, 0 damaged\n"
    assert run("models", "rm", "en-cs", "cs-en").code == 0
    assert [line.split()[0] for line in run("models", "ls").lines] == ["en-cs.firefox.tiny"]
    assert sorted(one.name for one in store.iterdir() if not one.name.startswith(".")) == [
        "en-cs.firefox.tiny",
        "models.lock",
    ]


def test_what_fails_is_1(source: str) -> None:
    missing = run("models", "pull", "en-ck", "--source", source)
    assert missing.code == 1 and "en-cs" in missing.said
    assert run("models", "pull", "--all", "--source", source + "/nothing").code == 1
    assert run("models", "pull").code == 2


def test_a_second_pull_fetches_nothing(source: str, site: Site) -> None:
    run("models", "pull", "en-cs", "--source", source)
    before = site.fetched(".zst")
    again = run("models", "pull", "en-cs", "--source", source)
    assert again.code == 0 and "was here already" in again.lines[0] and site.fetched(".zst") == before > 0


def test_verify_finds_any_changed_byte(source: str, store: Path) -> None:
    run("models", "pull", "en-cs", "--source", source)
    folder = store / "en-cs.firefox.base-memory"
    for path in [*folder.iterdir(), store / "models.lock"]:
        original = path.read_bytes()
        for place in range(0, len(original), max(1, len(original) // 5)):
            path.write_bytes(original[:place] + bytes([original[place] ^ 1]) + original[place + 1 :])
            ran = run("models", "verify")
            assert ran.code == 1 and path.name in ran.said, place
        path.write_bytes(original[:-1])
        assert run("models", "verify").code == 1
        path.write_bytes(original)
    (folder / "more.bin").write_bytes(b"x")
    assert "more.bin" in run("models", "verify", "en-cs").said
    (folder / "more.bin").unlink()
    assert run("models", "verify").code == 0


def test_update(source: str, site: Site, students: tuple[Student, Student]) -> None:
    run("models", "pull", "en-cs", "--architecture", "tiny", "--source", source)
    assert run("models", "update").output == b"everything is up to date\n"
    publish(site, records(site.root, [("en", "cs", "tiny", "3.1", students[1])]))
    assert run("models", "update").lines == ["en-cs.firefox.tiny: version 3.0 -> 3.1"]
    (model,) = hub.stored_models()
    assert (model.folder / "model.encs.intgemm.alphas.bin").read_bytes() == students[1].model.read_bytes()


def test_a_lock_file_pins_versions(
    source: str,
    site: Site,
    students: tuple[Student, Student],
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run("models", "pull", "en-cs", "--architecture", "tiny", "--source", source)
    pinned = tmp_path / "pinned.lock"
    pinned.write_bytes((store / "models.lock").read_bytes())
    publish(site, records(site.root, [("en", "cs", "tiny", "3.1", students[1])]))
    monkeypatch.setenv("DRAGOMAN_MODELS", str(tmp_path / "other"))
    assert run("models", "pull", "--lock", pinned).code == 0
    (model,) = hub.stored_models()
    assert model.version == "3.0"
    assert (model.folder / "model.encs.intgemm.alphas.bin").read_bytes() == students[0].model.read_bytes()
    pinned.write_text(pinned.read_text().replace("3.0", "3.9"))
    assert run("models", "pull", "--lock", pinned).code == 1


def test_offline(source: str, site: Site) -> None:
    assert run("models", "search", "--source", source, "--offline").code == 1
    run("models", "pull", "en-cs", "--source", source)
    count = len(site.requests)
    assert len(run("models", "search", "--source", source, "--offline").lines) == 3
    assert run("models", "pull", "en-cs", "--source", source, "--offline").code == 0
    assert run("models", "pull", "cs-en", "--source", source, "--offline").code == 1
    assert len(site.requests) == count


def test_the_store_is_used(source: str, site: Site, shared: Path) -> None:
    """By load, a fleet, a route and the command line; a pulled model goes before one that comes along."""
    run("models", "pull", "en-cs", "cs-en", "--source", source)
    model = dragoman.load("en-cs")
    assert model.files.model.parent.name == "en-cs.firefox.base-memory"
    fleet = dragoman.Fleet.from_directory()
    assert fleet.route(("en", "cs")) == ("en-cs.firefox.base-memory",)
    assert len(fleet.route(("cs", "de"))) == 2
    with dragoman.Translator(model) as translator:
        expected = translator.translate("abc de").text
    assert run("translate", "--from", "en", "--to", "cs", "abc de").lines == [expected]
    with pytest.raises(dragoman.ModelNotFoundError, match="models pull en-ja"):
        dragoman.load("en-ja")


def test_without_a_terminal_nothing_is_asked(source: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_SOURCE", source)
    ran = run("translate", "--from", "en", "--to", "cs", "abc")
    assert ran.code == 1 and "dragoman models pull en-cs" in ran.said and not site.requests


@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_a_terminal_it_asks(source: str, answer: str) -> None:
    """Says which model, asks, and after a yes translates."""
    terminal, end = pty.openpty()
    code = "from dragoman.cli.main import main; main()"
    path = os.pathsep.join([str(SOURCE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    process = subprocess.Popen(
        [sys.executable, "-c", code, "translate", "--from", "en", "--to", "cs", "abc de"],
        stdin=end, stdout=subprocess.PIPE, stderr=end, env=os.environ | {"DRAGOMAN_SOURCE": source, "PYTHONPATH": path},
    )  # fmt: skip
    os.close(end)
    said = b""
    while b"]: " not in said:
        said += os.read(terminal, 4096)
    assert b"en-cs.firefox.base-memory" in said and b"MPL-2.0" in said
    os.write(terminal, answer.encode() + b"\n")
    output, _ = process.communicate(timeout=60)
    os.close(terminal)
    assert process.returncode == (0 if answer == "y" else 1)
    assert bool(output.strip()) == (answer == "y")


def test_a_fleet_of_a_store_by_its_path(source: str, store: Path) -> None:
    """What a server with --models has: the records say the languages."""
    run("models", "pull", "--all", "--source", source)
    fleet = dragoman.Fleet.from_directory(store)
    assert fleet.route(("cs", "en")) == ("cs-en.firefox.tiny",)
    assert len(fleet) == 3
