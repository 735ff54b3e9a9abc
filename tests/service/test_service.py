"""A service end to end: every answer is what the sentence gives alone, and every way a request can end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, wait
from pathlib import Path

import pytest
from fleet_tools import TEXTS, FakeLoader, make_folder, wait_for

import dragoman
from dragoman import (
    DeadlineExceededError,
    DecodingOptions,
    FailedLine,
    Fleet,
    ModelError,
    ModelNotFoundError,
    OptionsError,
    QueueFullError,
    Service,
    ServiceClosedError,
    Translation,
    Translator,
    WorkspaceError,
    load,
)

Alone = dict[tuple[str, str], Translation]
LONG = "abc de fghi " * 600
FORTY = "abc " * 9 + "abc"
"""Of the queue's characters a text takes one more than it has."""


class Gate:
    """Loads real models, but not before it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, path: object, **options: object) -> dragoman.Model:
        assert self.open.wait(20)
        return load(path, **options)  # type: ignore[arg-type]


@pytest.fixture
def gated(folders: Path) -> Iterator[tuple[Service, Gate]]:
    """A service whose models do not load before the gate is opened: what is sent stays in the queue."""
    gate = Gate()
    fleet = Fleet(loader=gate)
    for folder in sorted(folders.iterdir()):
        fleet.add(folder.name, folder)
    with fleet:
        service = Service(fleet, workers=2, queue_limit=2000)
        try:
            yield service, gate
        finally:
            gate.open.set()
            service.close()


def test_one_and_many(service: Service, alone: Alone) -> None:
    assert service.translate(TEXTS[0], model="m0") == alone["m0", TEXTS[0]]
    for name in ("m0", "m1", "m2"):
        assert service.translate(TEXTS, model=name) == [alone[name, text] for text in TEXTS]
    assert service.translate([], model="m0") == []
    assert service.translate("", model="m0").text == ""


def test_many_callers_many_models(service: Service, alone: Alone) -> None:
    futures: list[tuple[str, str, Future[Translation]]] = []

    def call(number: int) -> None:
        for turn, text in enumerate(TEXTS):
            name = f"m{(number + turn) % 6}"
            futures.append((name, text, service.submit(text, model=name, caller=str(number), priority=turn % 3)))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, text, future in futures:
        assert future.result(20) == alone[name, text]
    stats = service.stats()
    assert stats.submitted == stats.done == stats.texts == 320
    assert stats.depth == stats.waiting == stats.queued == stats.failed == 0
    assert stats.batches < 320, "sentences of different callers share batches"


def test_options_and_keywords(service: Service, folders: Path) -> None:
    options = DecodingOptions(beam_size=3, n_best=2, alignment="soft", word_scores=True)
    with Translator(load(folders / "m1")) as translator:
        expected = translator.translate(TEXTS, options, normalize=0.6)
        assert service.translate(TEXTS, options, model="m1", normalize=0.6) == expected
        prefixes = ["ab" if number % 3 else "" for number in range(len(TEXTS))]
        expected = translator.translate(TEXTS, target_prefix=prefixes)
        assert service.translate(TEXTS, model="m1", target_prefix=prefixes) == expected


def test_long_lines_are_cut_and_rejoined(service: Service, folders: Path) -> None:
    """More segments than a batch holds, done by several workers."""
    with Translator(load(folders / "m0")) as translator:
        expected = translator.translate([LONG, "abc"], max_length=20)
    assert service.translate([LONG, "abc"], model="m0", max_length=20) == expected


def test_routes(fleet: Fleet, service: Service, alone: Alone, folders: Path) -> None:
    fleet.add("deen", folders / "m0")
    fleet.add("enfr", folders / "m1")
    found = service.translate(TEXTS, route=("de", "en", "fr"))
    with Translator(load(folders / "m1")) as second:
        expected = second.translate([alone["m0", text].text for text in TEXTS])
    assert [one.text for one in found] == [one.text for one in expected]
    assert [one.source for one in found] == TEXTS
    assert service.translate(TEXTS, route=("m0", "m1")) == found == service.translate(TEXTS, route=("de", "fr"))
    with pytest.raises(OptionsError, match="target_prefix"):
        service.translate("a", route=("m0", "m1"), target_prefix="b")


def test_ensembles(service: Service, folders: Path) -> None:
    with Translator([load(folders / name) for name in ("m0", "m1", "m2")]) as translator:
        expected = translator.translate(TEXTS, weights=(0.5, 0.3, 0.2))
    assert service.translate(TEXTS, model=("m0", "m1", "m2"), weights=(0.5, 0.3, 0.2)) == expected
    with pytest.raises(OptionsError, match="weights"):
        service.translate("a", model=("m0", "m1"), weights=(1.0,))


def test_a_text_that_fails_fails_alone(service: Service, alone: Alone) -> None:
    texts = [*TEXTS[:5], LONG, *TEXTS[5:10]]
    options: dict[str, object] = {"max_length": 200, "long_lines": "refuse"}
    with pytest.raises(dragoman.TextTooLongError):
        service.translate(texts, model="m0", **options)
    found = service.translate(texts, model="m0", failures="keep", **options)
    assert isinstance(found[5], FailedLine) and found[5].source == LONG
    others = [one.text for number, one in enumerate(found) if number != 5]
    assert others == [alone["m0", text].text for text in texts if text != LONG]


def test_workspaces_are_limited(fleet: Fleet, alone: Alone) -> None:
    """Batches are split to fit; what does not fit even alone fails alone."""
    with Service(fleet, workers=2, workspace="300 kB") as service:
        found = service.translate([*TEXTS, LONG], model="m1", failures="keep", max_length=16_000)
        assert isinstance(found[-1], FailedLine) and isinstance(found[-1].error, WorkspaceError)
        assert found[:-1] == [alone["m1", text] for text in TEXTS]
        assert max(service.memory().workspaces) <= 300_000


def test_idle_workers_give_their_workspaces_back(fleet: Fleet, alone: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.run.scratch._FIRST", 1 << 16)
    monkeypatch.setattr("dragoman.service.dispatcher._IDLE_S", 0.05)
    with Service(fleet, workers=2) as service:
        for _ in range(3):
            assert service.translate(TEXTS, model="m1") == [alone["m1", text] for text in TEXTS]
            wait_for(lambda: service.memory().workspaces == (0, 0))
        assert all(worker.is_alive() for worker in service._dispatcher.workers)


def test_wrong_arguments(service: Service) -> None:
    for arguments in (
        {},
        {"model": "m0", "route": ("m0",)},
        {"model": ()},
        {"model": "m0", "priority": 1000},
        {"model": "m0", "timeout": 0},
        {"model": "m0", "caller": 3},
        {"model": "m0", "failures": "ignore"},
        {"model": "m0", "beam_size": 0},
        {"model": "m0", "beem_size": 1},
        {"route": ("xx", "yy")},
    ):
        with pytest.raises(OptionsError):
            service.submit("a", **arguments)  # type: ignore[arg-type]
    with pytest.raises(OptionsError, match=r"texts\[1\]"):
        service.submit(["a", None], model="m0")  # type: ignore[list-item]
    with pytest.raises(ModelNotFoundError, match="m0"):
        service.submit("a", model="zz")
    assert service.stats().submitted == 0 and not any(entry.users for entry in service.fleet.entries())


def test_deadlines(gated: tuple[Service, Gate]) -> None:
    service, gate = gated
    late = service.submit(TEXTS[:3], model="m0", timeout=0.1)
    begun = time.monotonic()
    with pytest.raises(DeadlineExceededError, match=r"not finished within 0\.05 s") as caught:
        service.translate("abc", model="m0", timeout=0.05)
    assert caught.value.timeout_s == 0.05 and time.monotonic() - begun < 10
    with pytest.raises(DeadlineExceededError):
        late.result(5)
    in_time = service.submit("abc", model="m0", timeout=60)
    gate.open.set()
    assert isinstance(in_time.result(10), Translation)
    assert service.stats().expired == 2


def test_a_running_batch_is_stopped(fleet: Fleet) -> None:
    """A request that takes minutes ends within a step of the search when nobody wants it any more."""
    with Service(fleet, workers=1) as service:
        service.translate("abc", model="m2")
        begun = time.monotonic()
        many = [f"{LONG}abc{number}" for number in range(20)]
        slow = service.submit(many, model="m2", max_length=2000, max_length_factor=1000.0, beam_size=12)
        wait_for(lambda: service._dispatcher.workers[0].parts)
        time.sleep(0.1)
        assert not slow.done() and slow.cancel()
        assert service.translate("abc", model="m2").source == "abc"
        assert time.monotonic() - begun < 20


def test_cancelled_requests_leave_the_queue(gated: tuple[Service, Gate], alone: Alone) -> None:
    service, gate = gated
    futures = [service.submit([FORTY] * 10, model="m0") for _ in range(5)]
    with pytest.raises(QueueFullError) as caught:
        service.submit("abc", model="m0")
    assert (caught.value.depth, caught.value.limit, caught.value.size) == (2000, 2000, 4)
    assert futures[2].cancel()
    wait_for(lambda: service.stats().depth == 1600)
    one = service.submit("abc", model="m0")
    gate.open.set()
    assert one.result(10).source == "abc"
    with pytest.raises(CancelledError):
        futures[2].result()
    assert all(future.result(10) for number, future in enumerate(futures) if number != 2)
    assert service.stats().cancelled == 1


def test_back_pressure(gated: tuple[Service, Gate], alone: Alone) -> None:
    """translate waits for room, in turn, and gives up at its deadline; what never fits is refused."""
    service, gate = gated
    first = service.submit([FORTY] * 50, model="m0")
    found: list[Translation] = []
    waiting = [threading.Thread(target=lambda: found.append(service.translate(TEXTS[1], model="m1"))) for _ in range(3)]
    for thread in waiting:
        thread.start()
    with pytest.raises(DeadlineExceededError):
        service.translate("abc", model="m0", timeout=0.05)
    with pytest.raises(QueueFullError, match="in portions"):
        service.translate([FORTY] * 51, model="m0")
    with pytest.raises(QueueFullError, match="in portions"):
        service.translate("a" * 2000, model="m0")
    assert not found and service.stats().depth == 2000
    gate.open.set()
    for thread in waiting:
        thread.join(10)
    assert found == [alone["m1", TEXTS[1]]] * 3 and len(first.result(10)) == 50
    wait_for(lambda: service.stats().depth == 0)


def test_models_that_cannot_be_loaded(fleet: Fleet, tmp_path: Path, spm_bytes: bytes, alone: Alone) -> None:
    folder = make_folder(tmp_path / "broken", spm_bytes)
    (folder / "model.npz").write_bytes(b"PK\x03\x04 and nothing else")
    fleet.add("broken", folder)
    with Service(fleet, workers=2) as service:
        bad = [service.submit(TEXTS[:3], model="broken") for _ in range(4)]
        mixed = service.submit(TEXTS[:3], route=("m0", "broken"), failures="keep")
        good = service.submit(TEXTS, model="m1")
        for future in bad:
            with pytest.raises(ModelError, match=r"model\.npz"):
                future.result(10)
        assert all(isinstance(one, FailedLine) for one in mixed.result(10))
        assert good.result(10) == [alone["m1", text] for text in TEXTS]
        assert "model.npz" in str(service.stats())


def test_shutdown_and_close(fleet: Fleet, alone: Alone) -> None:
    service = Service(fleet, workers=1)
    futures = [service.submit(TEXTS, model=f"m{number}") for number in range(6)]
    service.shutdown()
    assert all(future.done() for future in futures)
    assert futures[3].result() == [alone["m3", text] for text in TEXTS]
    with pytest.raises(ServiceClosedError, match="create a new Service"):
        service.translate("abc", model="m0")
    service.close()
    service = Service(fleet, workers=1)
    many = [f"{text} abc{number}" for text in TEXTS for number in range(50)]
    futures = [service.submit(many, model=f"m{number}") for number in range(6)]
    service.close()
    wait(futures, 5)
    assert all(isinstance(future.exception(0), ServiceClosedError) for future in futures)
    left = [entry for entry in fleet.entries() if entry.users or entry.leases or entry.holds]
    assert not left, [(entry.name, entry.users, entry.leases, entry.holds) for entry in left]
    assert not [thread for thread in threading.enumerate() if "dragoman-worker" in thread.name]


def test_leaving_with_an_error_gives_up(gated: tuple[Service, Gate]) -> None:
    service, _ = gated
    with pytest.raises(KeyError), service:
        future = service.submit("abc", model="m0")
        raise KeyError
    assert isinstance(future.exception(0), ServiceClosedError)


def test_forked_children_are_told(fleet: Fleet, service: Service) -> None:
    service.translate("abc", model="m0")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        answer = b"nothing"
        try:
            service.translate("abc", model="m0")
        except ServiceClosedError as error:
            answer = str(error).encode()
        except BaseException as error:
            answer = repr(error).encode()
        service.close()
        os.write(write, answer)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert b"inherited by a fork: create a new Service" in pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    assert service.translate("abc", model="m0").source == "abc"


def test_workers_on_cores(fleet: Fleet, alone: Alone) -> None:
    core = min(os.sched_getaffinity(0))
    with Service(fleet, workers=2, cores=[core]) as service:
        assert service.translate(TEXTS[0], model="m0") == alone["m0", TEXTS[0]]
        for worker in service._dispatcher.workers:
            assert os.sched_getaffinity(worker.native_id or 0) == {core}
    assert len(os.sched_getaffinity(0)) >= 1
    with pytest.raises(OptionsError, match="cores"):
        Service(fleet, cores=[4096])


def test_waiting_for_batches_to_fill(fleet: Fleet, alone: Alone) -> None:
    with Service(fleet, workers=2, fill_s=0.05) as service:
        service.translate("abc", model="m0")
        before = service.stats().batches
        futures = [service.submit(text, model="m0", caller=text) for text in TEXTS]
        assert [future.result(10) for future in futures] == [alone["m0", text] for text in TEXTS]
        assert service.stats().batches - before <= 4


def test_on_line_and_a_callback_that_fails(service: Service, alone: Alone) -> None:
    seen: dict[int, object] = {}
    future = service.submit(TEXTS, model="m0", on_line=seen.__setitem__)
    found = future.result(10)
    assert [seen[number] for number in range(len(TEXTS))] == found

    def fail(number: int, result: object) -> None:
        raise ValueError

    assert service.submit(TEXTS, model="m0", on_line=fail).result(10) == found


def test_a_fleet_that_was_closed_first(folders: Path) -> None:
    fleet = Fleet.from_directory(folders)
    with Service(fleet, workers=1) as service:
        service.translate("abc", model="m0")
        fleet.close()
        with pytest.raises(ServiceClosedError):
            service.translate("abc", model="m0")


def test_invented_loaders_that_fail_later(folders: Path) -> None:
    """Whatever goes wrong in a batch ends the requests in it, not the worker."""
    fleet = Fleet(loader=FakeLoader())
    fleet.add("fake", "fake")
    fleet.add("m0", folders / "m0")
    with fleet, Service(fleet, workers=1) as service, pytest.raises(dragoman.DragomanError, match="defect"):
        service.translate("abc", model="fake")
