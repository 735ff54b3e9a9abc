"""What was translated is kept: bounded, compared in full, the same bit for bit, for many processes at once."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman import (
    DecodingOptions,
    Fleet,
    OptionsError,
    Service,
    TextFormatError,
    TranslationMemory,
    Translator,
    load,
)
from dragoman.catalogue.bundled import find_route
from dragoman.memory.disk import DiskEntries
from dragoman.memory.entries import Entry, Key, StoredHypothesis, decode_entry, encode_entry
from dragoman.memory.recent import RecentEntries
from dragoman.memory.scope import pair_of_scope, people_scope, scope_of
from dragoman.memory.tmx import TmxUnit, read_tmx, write_tmx
from dragoman.run.flights import run_segments, segments_of
from dragoman.run.scratch import Scratch
from dragoman.text.lines import make_lines, make_translations


def hypothesis(number: int, *, tokens: int = 3) -> StoredHypothesis:
    scores = np.full(tokens, number, np.float32)
    weights = np.full((tokens, 2), 0.5, np.float32)
    ids = np.arange(number, number + tokens, dtype=np.int32)
    return StoredHypothesis(ids.tobytes(), -1.5, -0.5, (-1.5, -2.0), scores.tobytes(), tokens, weights.tobytes())


def entry(number: int) -> Entry:
    return Entry(f"target {number}", ((hypothesis(number), hypothesis(number + 1)), (hypothesis(7),)))


def key(number: int, scope: str = "a") -> Key:
    return Key(scope, f"text {number}")


@pytest.fixture(params=["memory", "disk"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> TranslationMemory:
    path = tmp_path / "folder" / "memory.sqlite" if request.param == "disk" else None
    return TranslationMemory("1 MB", path=path)


def test_there_and_back(memory: TranslationMemory) -> None:
    with memory:
        memory.put([(key(one), entry(one)) for one in range(5)])
        assert memory.get([key(3), key(9), key(0), key(3, "b")]) == [entry(3), None, entry(0), None]
        memory.put([(key(3), entry(8))])
        assert memory.get([key(3)]) == [entry(8)]
        found = memory.stats
        assert (found.hits, found.misses, found.entries, found.disk_errors) == (3, 2, 5, 0) and found.nbytes > 0
    assert memory.get([key(3)]) == [None]
    memory.put([(key(3), entry(3))])
    memory.close()


def test_bytes_are_bounded() -> None:
    recent = RecentEntries(20_000)
    for number in range(200):
        recent.put(key(number), entry(number))
        assert recent.nbytes <= 20_000
        assert recent.get(key(0)) is not None, "what is used stays"
    assert recent.evicted > 100 and recent.get(key(199)) is not None and recent.get(key(100)) is None
    recent.put(Key("a", "x" * 20_000), entry(1))
    assert recent.get(Key("a", "x" * 20_000)) is None, "nothing is driven out for what is too large"


def test_equal_hashes_are_not_equal_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.memory.disk._hash", lambda text: 1)
    disk = DiskEntries(tmp_path / "m.sqlite", 1 << 20)
    disk.put([(key(one), entry(one)) for one in range(3)])
    assert disk.get([key(1), key(2), key(5)]) == [entry(1), entry(2), None]


def test_the_file_is_bounded(tmp_path: Path) -> None:
    disk = DiskEntries(tmp_path / "m.sqlite", 100_000)
    for start in range(0, 1000, 50):
        disk.put([(key(one), entry(one)) for one in range(start, start + 50)])
        count, size = disk.measure()
        assert size <= 100_000
    assert 50 < count < 600 and disk.get([key(999), key(0)]) == [entry(999), None]
    assert sum(1 for _ in disk.items()) == count
    disk.put([(key(1, "x" * 10), Entry("y" * 50_000))])
    assert disk.get([key(1, "x" * 10)]) == [None]
    disk.close()


def test_another_file(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("This is a text that is no database at all, and longer than a hundred bytes" * 20)
    with pytest.raises(TextFormatError, match="can be opened"):
        TranslationMemory(path=text)
    other = sqlite3.connect(tmp_path / "other.sqlite")
    other.execute("CREATE TABLE precious (x)")
    other.close()
    with pytest.raises(TextFormatError, match="another program"):
        TranslationMemory(path=tmp_path / "other.sqlite")
    with pytest.raises(TextFormatError):
        TranslationMemory(path=tmp_path)
    with pytest.raises(OptionsError, match="disk_limit"):
        TranslationMemory(path=tmp_path / "m", disk_limit="much")


def test_a_file_that_fails_later(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    memory = TranslationMemory(path=path)
    memory.put([(key(1), entry(1))])
    with TranslationMemory(path=path) as other:
        vandal = sqlite3.connect(path)
        vandal.execute("DROP TABLE entries")
        vandal.commit()
        vandal.close()
        assert other.get([key(1)]) == [None] and other.stats.disk_errors == 1
        other.put([(key(2), entry(2))])
        assert other.get([key(2)]) == [entry(2)] and other.stats.disk_errors == 2
    memory.close()


def _work(path: Path, first: int) -> None:
    with TranslationMemory(path=path) as memory:
        for number in range(first, first + 60):
            memory.put([(key(number), entry(number))])
            assert memory.get([key(number)]) == [entry(number)]
        assert memory.stats.disk_errors == 0


def test_several_processes(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(path, first)) for first in (0, 40, 80)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with TranslationMemory(path=path) as memory:
        assert memory.get([key(one) for one in range(140)]) == [entry(one) for one in range(140)]
        assert len(dict(memory.items())) == 140


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_a_fork(tmp_path: Path) -> None:
    memory = TranslationMemory(path=tmp_path / "m.sqlite")
    memory.put([(key(1), entry(1))])
    child = os.fork()
    if not child:
        memory.put([(key(2), entry(2))])
        os._exit(0 if memory.get([key(1), key(2)]) == [entry(1), entry(2)] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert memory.get([key(2)]) == [entry(2)] and memory.stats.disk_errors == 0
    memory.close()


@given(st.binary(max_size=80))
def test_damaged_bytes(data: bytes) -> None:
    decode_entry("x", data)
    good = encode_entry(entry(1))
    assert decode_entry("target 1", good) == entry(1)
    for damaged in (good[: len(data)], data + good, good + b"x", data):
        found = decode_entry("x", damaged)
        assert found is None or encode_entry(found) == damaged


def test_the_same_bit_for_bit(tmp_path: Path) -> None:
    """What comes out of the file makes the translation that the model made."""
    model = load(*find_route("en", "de"))
    options = DecodingOptions(beam_size=3, n_best=2, alignment="soft", word_scores=True).over(model.defaults)
    lines = make_lines(["How are you?", "I like this old house, and my dog.", ""], model.pieces, options)
    ordered = sorted((line for line in lines if line.segments), key=lambda one: -len(one.text))
    found = run_segments((model,), Scratch(1 << 28), segments_of(ordered), options)
    assert found is not None and all(isinstance(one, list) for one in found)
    scope = scope_of([model.fingerprint], options, model.languages)
    raws = {line.text: [one] for line, one in zip(ordered, found, strict=True) if isinstance(one, list)}
    first = make_translations(ordered, [raws[line.text][0] for line in ordered], model.pieces, options)
    with TranslationMemory(path=tmp_path / "m.sqlite") as memory:
        memory.put([(Key(scope, one.source), Entry.of(one.text, raws[one.source])) for one in first])
    with TranslationMemory(path=tmp_path / "m.sqlite") as memory:
        kept = memory.get([Key(scope, line.text) for line in ordered])
        assert memory.stats.disk_hits == 2
    stored = [list(one.segments[0]) for one in kept if one is not None]
    assert make_translations(ordered, stored, model.pieces, options) == first


def test_scopes() -> None:
    options = DecodingOptions()
    scopes = {
        scope_of(["a"], options, ("en", "de")),
        scope_of(["a"], DecodingOptions(beam_size=2), ("en", "de")),
        scope_of(["a", "b"], options, ("en", "de")),
        scope_of(["ab"], options, ("en", "de")),
        scope_of(["a"], options, None),
        people_scope(("en", "de")),
    }
    assert len(scopes) == 6 and scope_of(["a"], DecodingOptions(beam_size=1), ("EN", "deu")) in scopes
    assert {pair_of_scope(scope) for scope in scopes} == {("en", "de"), None}


TEXT = "How are you? I like this old house.\n\nMy dog is in the garden. How are you?"


def test_a_translator_with_a_memory(tmp_path: Path) -> None:
    """The same translations bit for bit; the second time no model runs, also in another process's place."""
    model = load(*find_route("en", "de"))
    calls = [
        {},
        {"alignment": "soft", "word_scores": True},
        {"beam_size": 3, "n_best": 2},
        {"constraints": ["Bauwerk"], "split": "none"},
        {"target_prefix": "Ich", "split": "none"},
    ]
    with Translator(model) as plain:
        expected = [plain.translate(TEXT, **call) for call in calls]
    path = tmp_path / "m.sqlite"
    with TranslationMemory(path=path) as memory, Translator(model, memory=memory) as translator:
        assert [translator.translate(TEXT, **call) for call in calls] == expected
        before = memory.stats
        assert [translator.translate(TEXT, **call) for call in calls] == expected
        assert memory.stats.misses == before.misses and memory.stats.hits >= before.hits + 5
    with TranslationMemory(path=path) as memory, Translator(load(*find_route("en", "de")), memory=memory) as translator:
        assert [translator.translate(TEXT, **call) for call in calls] == expected
        assert memory.stats.misses == 0 and memory.stats.disk_hits > 0
    with TranslationMemory(path=path) as memory, Translator(load(*find_route("en", "fr")), memory=memory) as other:
        assert other.translate(TEXT).text != expected[0].text
    with pytest.raises(OptionsError, match="memory"):
        Translator(model, memory="file")  # type: ignore[arg-type]


def test_a_service_with_a_memory() -> None:
    """Also over a route, whose steps are remembered each for itself; and what a translator kept serves a service."""
    folders = {name: find_route(*pair)[0] for name, pair in (("ende", ("en", "de")), ("deen", ("de", "en")))}
    with Fleet() as fleet, TranslationMemory() as memory:
        for name, folder in folders.items():
            fleet.add(name, folder)
        with Service(fleet, workers=2) as plain:
            expected = [plain.translate(TEXT, route=("en", "de", "en"), **call) for call in CALLS]
        with Service(fleet, workers=2, memory=memory) as service:
            for turn in range(2):
                before = memory.stats
                found = [service.translate(TEXT, route=("en", "de", "en"), **call) for call in CALLS]
                assert found == expected
                assert turn == 0 or memory.stats.misses == before.misses
            before = memory.stats
            with Translator(load(folders["ende"]), memory=memory) as translator:
                assert translator.translate(TEXT) == service.translate(TEXT, model="ende")
            assert memory.stats.misses == before.misses
        with pytest.raises(OptionsError, match="memory"):
            Service(fleet, memory=5)  # type: ignore[arg-type]


CALLS = [{}, {"alignment": "soft", "word_scores": True}, {"beam_size": 3}]


def test_people_go_first(tmp_path: Path) -> None:
    source = tmp_path / "in.tmx"
    write_tmx(source, [TmxUnit("How are you?", "Na, wie geht's?"), TmxUnit("Never seen.", "Nie gesehen.")], "en", "de")
    model = load(*find_route("en", "de"))
    with TranslationMemory(path=tmp_path / "m.sqlite") as memory, Translator(model, memory=memory) as translator:
        assert memory.read_tmx(source, "en-US", "German") == 2
        assert memory.read_tmx(source, "en", "fr") == 0
        found = translator.translate(TEXT, alignment="soft")
        assert found.text.startswith("Na, wie geht's? ") and found.text.endswith(" Na, wie geht's?")
        assert memory.write_tmx(tmp_path / "out.tmx", "en", "de") == 4
    units = set(read_tmx(tmp_path / "out.tmx", "en", "de"))
    assert TmxUnit("How are you?", "Na, wie geht's?") in units and len(units) == 4
    with TranslationMemory() as memory, pytest.raises(OptionsError, match="path"):
        memory.write_tmx(tmp_path / "out.tmx", "en", "de")
