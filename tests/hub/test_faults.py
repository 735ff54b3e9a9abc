"""Sequences of everything that can go wrong: a model is there whole or not at all, and a later try brings it."""

from __future__ import annotations

import json
import random
import threading
import zlib
from pathlib import Path

import pytest
from hub_mirrors import RECORDS, Student, models_json, records, translatelocally
from hub_server import Fault, Site, serving

import dragoman
from dragoman import hub
from dragoman.errors import HubError
from dragoman.hub import download as downloading
from dragoman.hub import web as webs
from dragoman.hub.soundness import verify_store

KINDS = ("cut", "cut", "flip", "silent", "no-range", "no-etag", "new-etag", "gzip", "gzip-quiet", "longer", "status",
         "redirect")  # fmt: skip


class Stopped(Exception):
    """What a caller's callback may raise."""


def some_fault(chance: random.Random, site: Site) -> Fault:
    kind = chance.choice(KINDS)
    if kind == "status":
        return Fault(kind, chance.choice((403, 404, 416, 429, 500, 503)))
    if kind == "redirect":
        return Fault(kind, text=chance.choice(("https://127.0.0.1:1/x", "ftp://127.0.0.1/x", site.url + "/nothing")))
    return Fault(kind, chance.randrange(1, 9000))


def publish(site: Site, students: tuple[Student, Student], version: str, student: Student) -> list[str]:
    """The same model by three catalogues."""
    found = records(site.root, [("en", "cs", "tiny", version, student)])
    site.answers[RECORDS] = (200, {}, json.dumps({"data": found}).encode())
    site.answers["/models.json"] = (200, {}, models_json(site.root, site.url, [("en", "cs", "tiny", student)]))
    site.answers["/list.json"] = (200, {}, translatelocally(site.root, site.url, [("en", "cs", student)]))
    return [site.url + RECORDS, site.url + "/models.json", site.url + "/list.json"]


def sound(store: Path, allowed: set[bytes]) -> None:
    """Nothing half there: every visible folder verifies, and holds one of the models whole."""
    if not store.exists():
        return
    for name, problems in verify_store(store):
        assert problems == [], name
    for entry in store.iterdir():
        if entry.name.startswith(".") or entry.name == "models.lock":
            continue
        (model,) = entry.glob("model*.bin")
        assert model.read_bytes() in allowed


def sequence(seed: int, folder: Path, students: tuple[Student, Student]) -> None:
    """Some tries under faults, each ended in one way or another; then one without, which must succeed."""
    chance = random.Random(seed)
    store = folder / "store"
    (folder / "site").mkdir()
    contents = {student.model.read_bytes() for student in students}
    with serving(folder / "site") as site:
        sources = publish(site, students, "3.0", students[0])
        source = chance.choice(sources)
        for attempt in range(chance.randrange(1, 5)):
            if attempt == 2:
                publish(site, students, "3.1", students[1])
            faults = chance.choice((0.2, 0.5, 1.0))
            # Requests come in any order, from several threads: what each meets is its own.
            salt = chance.random()
            def faulty(path: str, count: int, salt: float = salt, rate: float = faults) -> Fault | None:
                own = random.Random(zlib.crc32(f"{seed} {salt} {path} {count}".encode()))
                return some_fault(own, site) if own.random() < rate else None

            site.fault = faulty
            limit = chance.choice((None, None, chance.randrange(1, 40)))
            told = iter(range(10**9))

            def progress(_: hub.Progress, limit: int | None = limit, told: object = told) -> None:
                if limit is not None and next(told) >= limit:  # type: ignore[call-overload]
                    raise Stopped

            try:
                hub.pull("en-cs", source=source, folder=store, progress=progress, jobs=chance.choice((1, 4)))
            except (HubError, Stopped) as error:
                assert str(error) or isinstance(error, Stopped)
            sound(store, contents)
        site.fault = lambda path, count: None
        path = hub.pull("en-cs", source=source, folder=store)
        sound(store, contents)
        assert dragoman.load(path).parameter_count
        leftovers = [one.name for one in store.glob(".partial/*/model/*")]
        assert leftovers == []


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is short, and so are pauses between tries."""
    monkeypatch.setattr(webs.Web.__init__, "__kwdefaults__", {"offline": False, "insecure": False, "silence_s": 0.15})
    monkeypatch.setattr(downloading, "_LONGEST_PAUSE_S", 0.01)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("seed", range(25))
def test_faults(seed: int, tmp_path: Path, students: tuple[Student, Student]) -> None:
    sequence(seed, tmp_path, students)


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_many_faults(tmp_path: Path, students: tuple[Student, Student]) -> None:
    for seed in range(1000, 1500):
        folder = tmp_path / str(seed)
        folder.mkdir()
        sequence(seed, folder, students)


def test_two_pulls_at_once(site: Site, students: tuple[Student, Student], store: Path) -> None:
    """Several callers want the same; all get it."""
    source = publish(site, students, "3.0", students[0])[0]
    found: list[object] = []

    def pull() -> None:
        try:
            found.append(hub.pull("en-cs", source=source))
        except BaseException as error:
            found.append(error)

    threads = [threading.Thread(target=pull) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [store / "en-cs.firefox.tiny"] * 6
    sound(store, {students[0].model.read_bytes()})


def test_progress_adds_up(site: Site, students: tuple[Student, Student]) -> None:
    source = publish(site, students, "3.0", students[0])[0]
    seen: list[hub.Progress] = []
    hub.pull("en-cs", source=source, progress=seen.append)
    assert seen[-1].models_done == seen[-1].models == 1 and seen[-1].bytes == seen[-1].size == site.fetched(".zst")
    assert [one.bytes for one in seen] == sorted(one.bytes for one in seen)
