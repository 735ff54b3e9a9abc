"""Random sequences of everything that may happen to a translator, a service and a fleet, interrupts at any instant
included: what was accepted ends, right or with an error, and nothing is left over.

``DRAGOMAN_SEQUENCES`` sets how many (the release check is 1000), ``DRAGOMAN_FIRST_SEQUENCE`` the first seed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import signal
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

import pytest
from fleet_tools import TEXTS, wait_for

from dragoman import (
    DragomanError,
    FailedLine,
    Fleet,
    Service,
    ServiceClosedError,
    Translation,
    Translator,
    UnavailableError,
    load,
)

Alone = dict[tuple[str, str], Translation]
LONG = "abc de fghi " * 300
SLOW: dict[str, Any] = {"max_length": 2000, "beam_size": 2, "split": "none"}
NAMES = ("m0", "m1", "m2", "m3")


class Interrupts:
    """A signal at a random instant of an action, as Ctrl-C would come."""

    def __init__(self) -> None:
        self._armed = False
        signal.signal(signal.SIGALRM, self._handle)

    def _handle(self, *_: object) -> None:
        if self._armed:
            self._armed = False
            raise KeyboardInterrupt

    def during(self, seconds: float, action: Callable[[], object]) -> bool:
        """Returns whether it came to its end."""
        try:
            self._armed = True
            signal.setitimer(signal.ITIMER_REAL, seconds)
            action()
            self._armed = False
            return True
        except KeyboardInterrupt:
            return False
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)


class Life:
    """One sequence."""

    def __init__(self, seed: int, folders: Path, alone: Alone, counts: Counter[str]) -> None:
        self.rng = random.Random(seed)
        self.folders, self.alone, self.counts = folders, alone, counts
        self.interrupts = Interrupts()
        self.fleet = Fleet(weights_budget=self.rng.choice((None, 400_000)), loaders=self.rng.choice((1, 2)))
        for name in NAMES:
            self.fleet.add(name, folders / name)
        self.service: Service | None = None
        self.translator = Translator(load(folders / "m1"), threads=self.rng.choice((1, 2)))
        self.futures: list[tuple[Future[Any], str, list[str], bool]] = []
        self.threads_left: int | None = None
        self.born()

    def born(self) -> None:
        try:
            self.service = Service(self.fleet, workers=self.rng.choice((1, 2, 3)), queue_limit=20_000, age_s=0.01)
        except UnavailableError:
            assert self.threads_left is not None
            self.threads_left = None
            self.service = Service(self.fleet, workers=1, queue_limit=20_000)

    # -- what may happen -------------------------------------------------------------------------------------

    def arguments(self) -> tuple[list[str], dict[str, Any]]:
        rng = self.rng
        texts = rng.choices(TEXTS, k=rng.choice((1, 1, 3, 8)))
        call: dict[str, Any] = {"model": rng.choice(NAMES), "priority": rng.choice((-100, 0, 100))}
        if rng.random() < 0.2:
            call["timeout"] = rng.choice((0.0001, 0.01, 5.0))
        if rng.random() < 0.15:
            texts, call = [LONG] * 3, {**call, **SLOW}
        return texts, call

    def raising(self, *_: object) -> None:
        raise self.rng.choice((ValueError, SystemExit, KeyboardInterrupt, CancelledError))

    def submit(self) -> None:
        texts, call = self.arguments()
        if self.rng.random() < 0.3:
            call["on_line"] = self.raising
        assert self.service is not None
        try:
            future = self.service.submit(texts, **call)
        except DragomanError as error:
            self.counts[f"refused {type(error).__name__}"] += 1
            return
        if self.rng.random() < 0.3 and threading.current_thread() is threading.main_thread():
            with contextlib.suppress(KeyboardInterrupt):  # of a future that is done already
                future.add_done_callback(lambda done: None if done.cancelled() else self.raising())
        self.futures.append((future, call["model"], texts, "split" in call))

    def translate(self) -> None:
        texts, call = self.arguments()
        self.attempt(lambda service: service.translate(texts, **call))

    def stream(self) -> None:
        texts, call = self.arguments()
        taken = self.rng.randrange(4)

        def take(service: Service) -> None:
            for number, _ in enumerate(service.stream(texts * 5, **call)):
                if number == taken:
                    break

        self.attempt(take)

    def attempt(self, action: Callable[[Service], object]) -> None:
        def run() -> None:
            assert self.service is not None
            try:
                action(self.service)
            except DragomanError as error:
                self.counts[f"heard {type(error).__name__}"] += 1

        ended = self.interrupts.during(self.rng.choice((0.0001, 0.001, 0.003, 0.01, 1.0)), run)
        self.counts["interrupted" if not ended else "waited"] += 1

    def translate_alone(self) -> None:
        texts = [LONG] * 3 if self.rng.random() < 0.2 else self.rng.choices(TEXTS, k=5)
        options = SLOW if texts[0] == LONG else {}

        def run() -> None:
            if self.rng.random() < 0.5:
                self.translator.translate(texts, **options)
            else:
                for _ in self.translator.translate_stream(texts, lines_ahead=2, **options):
                    break

        self.interrupts.during(self.rng.choice((0.0001, 0.001, 0.01, 0.05)), run)
        expected = [self.alone["m1", text] for text in TEXTS[:3]]
        assert self.translator.translate(TEXTS[:3]) == expected

    def cancel(self) -> None:
        if self.futures:
            self.rng.choice(self.futures)[0].cancel()

    def close(self) -> None:
        assert self.service is not None
        if self.rng.random() < 0.5:
            self.service.close()
        else:
            self.service.shutdown(timeout=self.rng.choice((0, 0.02)))
        self.check_counts(self.service)
        with pytest.raises(ServiceClosedError):
            self.service.translate("abc", model="m0")
        self.born()

    def drop(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            self.service = None
            gc.collect()
        self.born()

    def close_translator(self) -> None:
        self.translator.close()
        self.translator = Translator(load(self.folders / "m1"), threads=self.rng.choice((1, 2)))

    def fork(self) -> None:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                signal.alarm(20)
                right = self.translator.translate(TEXTS[0]) == self.alone["m1", TEXTS[0]]
                assert self.service is not None
                try:
                    self.service.translate("abc", model="m0")
                except ServiceClosedError:
                    status = 0 if right else 2
                self.service.close()
                self.fleet.close()
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0

    def remove(self) -> None:
        name = self.rng.choice(NAMES)
        if name in self.fleet:
            self.fleet.remove(name)

    def add(self) -> None:
        for name in NAMES:
            if name not in self.fleet:
                self.fleet.add(name, self.folders / name)

    def replace(self) -> None:
        self.remove()
        self.add()

    def unload(self) -> None:
        name = self.rng.choice(NAMES)
        if name in self.fleet:
            self.fleet.unload(name)

    def limit_threads(self) -> None:
        self.threads_left = None if self.threads_left is not None else self.rng.randrange(4)

    # -- what must hold --------------------------------------------------------------------------------------

    def check_counts(self, service: Service) -> None:
        stats = service.stats()
        assert stats.submitted == stats.done + stats.failed + stats.cancelled + stats.waiting, stats

    def run(self, steps: int) -> None:
        actions = [self.submit] * 6 + [self.translate] * 3 + [self.stream] * 2 + [self.cancel] * 2
        actions += [self.translate_alone, self.close, self.drop, self.close_translator, self.remove, self.add]
        actions += [self.replace, self.unload, self.limit_threads]
        actions += [self.fork] if self.rng.random() < 0.2 else []
        for _ in range(steps):
            action = self.rng.choice(actions)
            self.counts[action.__name__] += 1
            action()
            assert self.service is not None
            self.check_counts(self.service)
        self.threads_left = None
        self.end()

    def end(self) -> None:
        assert self.service is not None
        service = self.service
        if self.rng.random() < 0.5:
            service.drain(0.2)
        service.close()
        self.check_counts(service)
        assert service.stats().waiting == 0 and service.stats().depth == 0, service.stats()
        until = time.monotonic() + 5
        for future, name, texts, slow in self.futures:
            try:
                found = future.result(max(0.0, until - time.monotonic()))
            except CancelledError:
                self.counts["ended cancelled"] += 1
            except DragomanError as error:
                self.counts[f"ended {type(error).__name__}"] += 1
            else:
                self.counts["ended well"] += 1
                assert slow or found == [self.alone[name, text] for text in texts]
                assert not any(isinstance(one, FailedLine) for one in found)
        self.translator.close()
        wait_for(lambda: not any(one.users or one.leases or one.holds for one in self.fleet.entries()))
        assert not self.fleet._users
        for name in list(self.fleet):
            self.fleet.remove(name)
        wait_for(lambda: self.fleet.resident_bytes == 0)
        assert not self.fleet.entries()
        self.fleet.close()


@pytest.fixture
def limited_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Life]]:
    """Threads start as far as the life in the list allows."""
    start, lives = threading.Thread.start, []

    def limited(thread: threading.Thread) -> None:
        left = lives[-1].threads_left if lives else None
        if left is not None:
            if left <= 0:
                raise RuntimeError("can't start new thread")
            lives[-1].threads_left = left - 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    before = signal.getsignal(signal.SIGALRM)
    yield lives
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def run_lives(first: int, count: int, folders: Path, alone: Alone, lives: list[Life]) -> None:
    counts: Counter[str] = Counter()
    descriptors = None
    for seed in range(first, first + count):
        lives.clear()
        life = Life(seed, folders, alone, counts)
        lives.append(life)
        try:
            life.run(steps=15)
        except BaseException as error:
            error.add_note(f"sequence {seed}")
            raise
        del life
        lives.clear()
        gc.collect()
        wait_for(lambda: not [one for one in threading.enumerate() if one.name.startswith("dragoman")])
        now = len(os.listdir("/proc/self/fd"))
        descriptors = now if descriptors is None else descriptors
        assert now <= descriptors + 1, f"sequence {seed} leaves descriptors open"
    print(dict(sorted(counts.items())))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # an interrupt within a finaliser
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
def test_some_sequences(folders: Path, alone: Alone, limited_threads: list[Life]) -> None:
    run_lives(0, 12, folders, alone, limited_threads)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
def test_many_sequences(folders: Path, alone: Alone, limited_threads: list[Life]) -> None:
    count = int(os.environ.get("DRAGOMAN_SEQUENCES", "1000"))
    run_lives(int(os.environ.get("DRAGOMAN_FIRST_SEQUENCE", "0")), count, folders, alone, limited_threads)
