"""Callbacks and loaders that raise anything, and threads that cannot be started: nobody else is harmed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from fleet_tools import TEXTS, wait_for

from dragoman import (
    Fleet,
    ModelError,
    Service,
    ServiceClosedError,
    ServiceError,
    Translation,
    UnavailableError,
    load,
)

Alone = dict[tuple[str, str], Translation]
RAISED = [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, BaseException]


def own_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("dragoman-")]


def balanced(service: Service) -> bool:
    stats = service.stats()
    return stats.submitted == stats.done + stats.failed + stats.cancelled + stats.waiting


@pytest.mark.parametrize("kind", RAISED)
def test_callbacks_that_raise(fleet: Fleet, alone: Alone, kind: type[BaseException]) -> None:
    """As many as there are workers, and more; later requests, and later callbacks, have their turn."""

    def fail(*_: object) -> None:
        raise kind

    with Service(fleet, workers=2) as service:
        heard: list[Future[Any]] = []
        futures = []
        for _ in range(5):
            future = service.submit(TEXTS, model="m0", on_line=fail)
            with contextlib.suppress(KeyboardInterrupt):  # of a future that is done: it runs here, on the main thread
                future.add_done_callback(fail)
            future.add_done_callback(heard.append)
            futures.append(future)
        for future in futures:
            assert future.result(10) == [alone["m0", text] for text in TEXTS]
        late = service.submit(TEXTS[0], model="m1", timeout=0.0001, on_line=fail)
        with contextlib.suppress(KeyboardInterrupt):
            late.add_done_callback(fail)
        assert late.exception(10) is None or late.exception(0) is not None
        assert service.translate(TEXTS, model="m1") == [alone["m1", text] for text in TEXTS]
        wait_for(lambda: len(heard) == 5)
        assert all(worker.is_alive() for worker in service._dispatcher.workers) and balanced(service)


@pytest.mark.parametrize("kind", RAISED)
def test_loaders_that_raise(folders: Path, alone: Alone, kind: type[BaseException], monkeypatch: Any) -> None:
    """Also what is no model at all. The model is usable as soon as its loader is."""
    monkeypatch.setattr("dragoman.fleet.holdings._FIRST_RETRY_S", 0.01)
    answers: list[Any] = [kind(), None, object(), "model", kind()]

    def loader(path: Any, **options: Any) -> Any:
        answer = answers.pop(0) if answers else load(path)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    with Fleet(loader=loader) as fleet, Service(fleet, workers=1) as service:
        fleet.add("m0", folders / "m0")
        for number in range(5):
            with pytest.raises(ModelError, match="m0: loading failed"):
                if number == 4:
                    with fleet.lease("m0"):
                        pass
                else:
                    service.translate("abc", model="m0")
            wait_for(lambda: not fleet.entries()[0].loading)
            threading.Event().wait(0.3 if number else 0.02)
        assert service.translate(TEXTS, model="m0") == [alone["m0", text] for text in TEXTS]
        assert fleet.resident_bytes > 0


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Call it with how many threads can be started from now on."""
    start, left = threading.Thread.start, [1 << 30]

    def limited(thread: threading.Thread) -> None:
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)

    def limit(count: int) -> None:
        left[0] = count

    yield limit
    limit(1 << 30)


def test_services_without_threads(fleet: Fleet, alone: Alone, no_threads: Callable[[int], None]) -> None:
    """No thread is left over of a service that could not be made."""
    for count in range(5):
        no_threads(count)
        with pytest.raises(UnavailableError, match="no thread can be started"):
            Service(fleet, workers=4)
        assert not own_threads()
    no_threads(1 << 30)
    with Service(fleet, workers=4) as service:
        assert service.translate(TEXTS[0], model="m0") == alone["m0", TEXTS[0]]


def test_loading_without_threads(folders: Path, alone: Alone, no_threads: Callable[[int], None]) -> None:
    """An error at once, and the model works as soon as there are threads again."""
    for count in (0, 1):
        with Fleet.from_directory(folders) as fleet, Service(fleet, workers=1) as service:
            no_threads(count)
            for _ in range(2):
                with pytest.raises(UnavailableError):
                    service.submit("abc", model="m0").result(5)
            with pytest.raises(UnavailableError), fleet.lease("m1"):
                pass
            assert not any(one.loading or one.holds or one.leases for one in fleet.entries())
            wait_for(lambda fleet=fleet: not any(one.users for one in fleet.entries()))  # type: ignore[misc]
            no_threads(1 << 30)
            assert service.translate(TEXTS, model="m0") == [alone["m0", text] for text in TEXTS]
            with fleet.lease("m1") as model:
                assert model.weights_bytes > 0
            assert balanced(service)


def test_a_worker_that_dies(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect beyond a batch: the service fails as a whole, at once, and says so."""
    service = Service(fleet, workers=3)
    service.translate("abc", model="m0")

    def defect(*_: object) -> None:
        raise SystemError("a defect")

    monkeypatch.setattr(service._dispatcher.ledger, "conclude", defect)
    futures = [service.submit(TEXTS, model="m0") for _ in range(5)]
    for future in futures:
        with pytest.raises(ServiceClosedError, match=r"worker-\d failed \(SystemError\)"):
            future.result(5)
    wait_for(lambda: not [name for name in own_threads() if "worker" in name])
    with pytest.raises(ServiceClosedError, match="failed"):
        service.translate("abc", model="m0")
    service.close()
    assert not any(entry.users or entry.leases or entry.holds for entry in fleet.entries())


def test_waiting_in_a_callback(service: Service, alone: Alone) -> None:
    """On each of our threads it is refused, since it would wait for itself; submitting is fine."""
    service.translate("abc", model="m0")
    heard: list[object] = []
    more: list[Future[Any]] = []

    def wait_here(*_: object) -> None:
        pending: Future[Any] = service.submit(TEXTS * 20, model="m2", beam_size=4)
        more.append(pending)
        for call in (
            lambda: service.translate("abc", model="m0"),
            lambda: list(service.stream(["abc"], model="m0")),
            service.drain,
            pending.result,
            lambda: service.fleet.lease("m0").__enter__(),
        ):
            try:
                call()
            except ServiceError as error:
                heard.append(str(error))

    future = service.submit("abc", model="m0", on_line=wait_here)
    future.add_done_callback(wait_here)
    broken = service.submit("abc", model="m3", timeout=0.0001)
    broken.add_done_callback(wait_here)
    assert future.result(10).source == "abc"
    wait_for(lambda: len(more) >= 2 and all(one.done() for one in more), 20)
    assert len(heard) >= 10 and all("callback" in str(one) for one in heard)
    assert service.translate(TEXTS[0], model="m0") == alone["m0", TEXTS[0]]


def test_closing_in_a_callback(fleet: Fleet) -> None:
    service = Service(fleet, workers=2)
    future = service.submit(TEXTS, model="m0", on_line=lambda number, result: service.close())
    future.exception(10)
    wait_for(lambda: not [name for name in own_threads() if "worker" in name])
    with pytest.raises(ServiceClosedError):
        service.translate("abc", model="m0")
    service.close()


def test_one_long_request_does_not_keep_the_queue(fleet: Fleet) -> None:
    """The queue counts characters: a text of a million is a million."""
    from dragoman import QueueFullError

    with Service(fleet, workers=1, queue_limit=10_000) as service:
        with pytest.raises(QueueFullError, match="in portions") as caught:
            service.submit("a" * 10_000, model="m0")
        assert caught.value.size == 10_001 > caught.value.limit
        found = list(service.stream((text for text in TEXTS * 30), model="m0"))
        assert len(found) == 30 * len(TEXTS) and service.stats().refused == 1
