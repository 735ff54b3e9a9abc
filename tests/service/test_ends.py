"""How services and fleets end: closed, dropped, forked, interrupted, with the interpreter; and wrong arguments."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fleet_tools import TEXTS, wait_for

from dragoman import Fleet, OptionsError, Service, ServiceClosedError, Translation

Alone = dict[tuple[str, str], Translation]
LONG = "abc de fghi " * 600
SLOW: dict[str, Any] = {"max_length": 2000, "beam_size": 2, "split": "none", "model": "m1"}


def own_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("dragoman-")]


def test_dropped_services(folders: Path) -> None:
    """By reference counting alone, with a warning; what was sent gets an error, threads and descriptors are gone."""
    descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    gc.disable()
    try:
        for _ in range(10):
            fleet = Fleet.from_directory(folders)
            service = Service(fleet, workers=3)
            gone = weakref.ref(service)
            futures = [service.submit([LONG] * 20, **SLOW) for _ in range(3)]
            with pytest.warns(ResourceWarning, match="dropped without close"):
                del service
            assert gone() is None
            for future in futures:
                with pytest.raises(ServiceClosedError, match="dropped"):
                    future.result(5)
            del fleet, future, futures
    finally:
        gc.enable()
    wait_for(lambda: (gc.collect(), not own_threads())[1])  # of the fleets
    if descriptors:
        assert len(os.listdir("/proc/self/fd")) <= descriptors + 2


def test_dropped_fleets(folders: Path) -> None:
    fleet = Fleet.from_directory(folders)
    with fleet.lease("m0"):
        pass
    assert own_threads()
    gone = weakref.ref(fleet)
    del fleet
    gc.collect()
    assert gone() is None
    wait_for(lambda: not own_threads())


def test_an_interrupt_ends_a_request(service: Service, alone: Alone) -> None:
    """Ctrl-C while it waits: the request is cancelled, its batch stops, and all is given back."""

    def handle(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        for number in range(4):
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            with pytest.raises(KeyboardInterrupt):
                if number % 2:
                    list(service.stream([LONG] * 20, **SLOW))
                else:
                    service.translate([LONG] * 20, **SLOW)
            assert service.drain(5) and service.stats().depth == 0
            assert service.translate(TEXTS[0], model="m0") == alone["m0", TEXTS[0]]
    finally:
        signal.signal(signal.SIGUSR1, before)
    stats = service.stats()
    assert stats.submitted == stats.done + stats.cancelled and stats.cancelled >= 4
    wait_for(lambda: not any(one.users or one.leases or one.holds for one in service.fleet.entries()))


def test_forked_children(service: Service) -> None:
    """Each way into an inherited service or fleet says what is wrong; each way out of it is silent."""
    service.translate("abc", model="m0")
    busy = service.submit([LONG] * 20, **SLOW)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        answers = []
        fleet = service.fleet
        calls = [
            lambda: service.translate("abc", model="m0"),
            lambda: service.submit("abc", model="m0"),
            lambda: service.stream(["abc"], model="m0"),
            service.drain,
            service.stats,
            service.memory,
            lambda: fleet.add("x", "x"),
            lambda: fleet.remove("m0"),
            lambda: fleet.names(),
            lambda: fleet.lease("m0").__enter__(),
        ]
        for call in calls:
            try:
                call()
                answers.append("nothing")
            except ServiceClosedError as error:
                answers.append("fork" if "inherited by a fork" in str(error) else str(error))
            except BaseException as error:
                answers.append(repr(error))
        try:
            repr(service), repr(fleet)
            service.close()
            fleet.close()
            with service, fleet:
                pass
        except BaseException as error:
            answers.append(repr(error))
        os.write(write, " ".join(answers).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read().decode().split() == ["fork"] * 10
    assert os.waitpid(child, 0)[1] == 0
    busy.cancel()
    assert service.translate("abc", model="m0").source == "abc"


EXIT = """
import sys, threading, time, dragoman
fleet = dragoman.Fleet.from_directory(sys.argv[1])
service = dragoman.Service(fleet, workers=3)
how = sys.argv[2]
def work():
    while True:
        service.translate(["abc de fghi " * 600] * 20, model="m1", max_length=2000, split="none")
service.translate("abc", model="m0")
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
future = service.submit(["abc de fghi " * 600] * 20, model="m4", max_length=2000, split="none")
future.add_done_callback(lambda done: print(type(done.exception()).__name__, flush=True))
time.sleep(0.2)
if how == "raise":
    raise SystemExit(3)
if how == "loading":
    for name in ("m2", "m3", "m5"):
        service.submit("abc", model=name)
"""


@pytest.mark.parametrize("how", ["end", "raise", "loading"])
def test_the_interpreter_ends(folders: Path, how: str) -> None:
    """No hang, no crash, and every accepted request hears of it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-W", "error", "-c", EXIT, str(folders), how]
    begun = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == (3 if how == "raise" else 0), done.stderr
    assert done.stdout == "ServiceClosedError\n" and time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("timeout", value) for value in ("5", 10**400, float("inf"), float("nan"), True, 0, -1, [1], b"5")],
        *[("priority", value) for value in ("1", 1.5, True, 101, 10**30, None)],
        *[("caller", value) for value in (3, None, b"x")],
        *[("model", value) for value in (5, "", (), (5,), b"m0", ("m0", None))],
        *[("route", value) for value in (5, "de", (), (None,), {"de": "en"})],
        *[("on_line", value) for value in (5, "print")],
        *[("failures", value) for value in ("ignore", None, 1)],
    ],
)
def test_wrong_arguments(service: Service, name: str, value: object) -> None:
    arguments: dict[str, Any] = {"model": "m0", name: value}
    if name == "route":
        del arguments["model"]
    with pytest.raises(OptionsError) as caught:
        service.submit("abc", **arguments)
    assert caught.value.name == name and service.stats().submitted == 0


@pytest.mark.parametrize("texts", [None, 0, False, 5, b"abc", {"a": "b"}, np.array("abc"), [None], ["abc", 5]])
def test_wrong_texts(service: Service, texts: Any) -> None:
    calls: list[Any] = [service.translate, service.submit]
    if texts != [None]:  # which means "answer what there is" in a stream
        calls.append(lambda texts, model: list(service.stream(texts, model=model)))
    for call in calls:
        with pytest.raises(OptionsError, match=r"^texts"):
            call(texts, model="m0")


def test_all_that_gives_texts(service: Service, alone: Alone) -> None:
    expected = [alone["m0", text] for text in TEXTS]
    for texts in (tuple(TEXTS), iter(TEXTS), (text for text in TEXTS), np.array(TEXTS)):
        assert service.translate(texts, model="m0") == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("age_s", value) for value in ("x", 0, -1, None, True, float("nan"), 10**400)],
        *[("fill_s", value) for value in ("x", -1, 61, None, float("nan"))],
        *[("workers", value) for value in ("2", 0, True, 2.0, None)],
        *[("queue_limit", value) for value in ("2", 0, True, 1.5)],
        *[("workspace", value) for value in ("many", 0, 100, 1.5)],
        *[("batch_sentences", value) for value in (0, "1")],
        *[("batch_tokens", value) for value in (0, None)],
        *[("cores", value) for value in (5, "ab", [], [4096], ["0"], [True, None])],
        ("fleet", "models"),
    ],
)
def test_wrong_settings(fleet: Fleet, name: str, value: object) -> None:
    arguments: dict[str, Any] = {"fleet": fleet, name: value}
    with pytest.raises(OptionsError) as caught:
        Service(**arguments)
    assert caught.value.name == name and not [one for one in own_threads() if "worker" in one]


@pytest.mark.parametrize(
    "arguments",
    [
        *[{"loaders": value} for value in ("2", 0, True, 65, None)],
        *[{"idle_s": value} for value in ("2", 0, True, float("inf"))],
        *[{"policy": value} for value in ("best", None, 5)],
        *[{"weights_budget": value} for value in ("many", 0, True, [1])],
        *[{"loader": value} for value in (None, "load")],
    ],
)
def test_wrong_fleets(arguments: dict[str, Any]) -> None:
    with pytest.raises(OptionsError) as caught:
        Fleet(**arguments)
    assert caught.value.name == next(iter(arguments))
    with Fleet() as fleet:
        wrongs: list[dict[str, Any]] = [{"name": 5}, {"name": ""}, {"languages": "ende"}, {"languages": ("en", 1)}]
        for wrong in wrongs:
            with pytest.raises(OptionsError):
                fleet.add(**{"name": "a", "path": "x", **wrong})


def test_one_line_says_what_it_is(folders: Path) -> None:
    fleet = Fleet.from_directory(folders, weights_budget="2 MB")
    assert repr(fleet) == "<dragoman.Fleet: 6 models, 0 in memory (0 B of 2.00 MB)>"
    service = Service(fleet, workers=2)
    service.translate("abc", model="m0")
    assert repr(service).startswith("<dragoman.Service: 2 workers, 0 requests under way, <dragoman.Fleet: 6 models, 1 ")
    service.close()
    fleet.close()
    assert (repr(service), repr(fleet)) == ("<dragoman.Service: closed>", "<dragoman.Fleet: closed>")


def test_priorities_have_their_turns(fleet: Fleet) -> None:
    """A flood of the highest priority, and one of the lowest beside it: it is answered while the flood goes on."""
    with Service(fleet, workers=1, age_s=0.05) as service:
        flood = [
            service.submit([f"{text} {n}" for text in TEXTS for n in range(20)], model="m1", priority=100)
            for _ in range(8)
        ]
        low = service.submit("abc de", model="m0", priority=-100)
        assert low.result(20).source == "abc de"
        assert not all(one.done() for one in flood)
        for one in flood:
            one.cancel()
