"""Many files of many models at once, by a few threads; what fails does not stop the others."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dragoman.catalogue.store import StoredModel
from dragoman.errors import HubError
from dragoman.hub.install import Installation, installed
from dragoman.hub.offers import Offer, RemoteFile
from dragoman.hub.web import Web

__all__ = ["Progress", "ProgressCallback", "Pulled", "pull_offers"]


@dataclass(frozen=True)
class Progress:
    """How far a pull is.

    Attributes:
        model: the name of the model that this is about.
        file: the file that some bytes of came, or "" when the model is in its place.
        file_bytes, file_size: of that file, fetched and in all (None: unknown).
        bytes: fetched in all, of all models.
        size: of all models; None where a catalogue does not say.
        models_done, models: how many are in their place, of how many.
    """

    model: str
    file: str
    file_bytes: int
    file_size: int | None
    bytes: int
    size: int | None
    models_done: int
    models: int


ProgressCallback = Callable[[Progress], object]


@dataclass(frozen=True)
class Pulled:
    """What became of the offers, in their order; each either in the store or with an error."""

    models: tuple[StoredModel | None, ...]
    errors: tuple[Exception | None, ...]
    fetched: tuple[bool, ...]


class _Stopped(Exception):
    """Somebody else failed, or the caller has gone."""


def pull_offers(
    web: Web, store: Path, offers: Sequence[Offer], *, jobs: int = 4, progress: ProgressCallback | None = None
) -> Pulled:
    """Put offers into the store; those that are there already cost nothing.

    An exception of ``progress``, or KeyboardInterrupt, ends everything at once and is raised; what has come stays.
    """
    work = _Work(web, store, offers, progress)
    work.start(jobs)
    try:
        while not work.finished.wait(0.1):
            pass
    except BaseException:
        work.stop.set()
        raise
    if work.broken is not None:
        raise work.broken
    return Pulled(tuple(work.models), tuple(work.errors), tuple(work.fetched))


class _Work:
    """What is to be done and what is done; threads take from it. ``_lock`` guards all of it."""

    def __init__(self, web: Web, store: Path, offers: Sequence[Offer], progress: ProgressCallback | None) -> None:
        count = len(offers)
        self.models: list[StoredModel | None] = [installed(store, offer) for offer in offers]
        self.errors: list[Exception | None] = [None] * count
        self.fetched = [model is None for model in self.models]
        self.broken: BaseException | None = None
        self.stop, self.finished = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._progress = progress
        self._installations = [Installation(web, store, offer, self._pause) for offer in offers]
        self._tasks: deque[tuple[int, RemoteFile]] = deque()
        sizes: list[int | None] = []
        for place, offer in enumerate(offers):
            if self.models[place] is None:
                self._tasks += [(place, file) for file in offer.files]
                sizes.append(offer.size)
        self._size = None if any(size is None for size in sizes) else sum(size for size in sizes if size is not None)
        self._bytes: dict[tuple[int, str], int] = {}
        self._total = 0
        self._threads = 0

    def start(self, jobs: int) -> None:
        """Daemon threads: one that waits for a silent server must not keep the process."""
        self._threads = max(1, min(jobs, len(self._tasks)))
        for number in range(self._threads):
            threading.Thread(target=self._run, name=f"dragoman-pull-{number}", daemon=True).start()

    def _run(self) -> None:
        try:
            while not self.stop.is_set():
                with self._lock:
                    task = self._tasks.popleft() if self._tasks else None
                if task is None:
                    break
                self._do(*task)
        except _Stopped:
            pass
        except BaseException as error:
            with self._lock:
                self.broken = self.broken or error
            self.stop.set()
        finally:
            with self._lock:
                self._threads -= 1
                last = self._threads == 0
            if last:
                for installation in self._installations:
                    installation.close()
                self.finished.set()

    def _do(self, place: int, file: RemoteFile) -> None:
        if self.errors[place] is not None or self.models[place] is not None:
            return
        installation = self._installations[place]
        try:
            found = installation.start()
            if found is not None:
                self.models[place] = found
            elif not installation.fetch(file, lambda done, size: self._tell(place, file.name, done, size)):
                return
            else:
                self.models[place] = installation.finish()
            installation.close()
        except (HubError, OSError) as error:  # its lock is held to the end: other files of it are still on their way
            with self._lock:
                self.errors[place] = self.errors[place] or _readable(error, installation.offer)
            return
        self._tell(place, "", 0, None)

    def _tell(self, place: int, file: str, done: int, size: int | None) -> None:
        if self.stop.is_set():
            raise _Stopped
        with self._lock:
            if file:
                self._total += done - self._bytes.get((place, file), 0)
                self._bytes[place, file] = done
            if self._progress is None:
                return
            ready = sum(model is not None for model in self.models)
            name = self._installations[place].offer.name
            counts = (self._total, self._size, ready, len(self.models))
            try:
                self._progress(Progress(name, file, done, size, *counts))
            except BaseException as error:
                self.broken = self.broken or error
                self.stop.set()
                raise _Stopped from None

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.stop.wait(min(left, 0.5)):
                raise _Stopped
        if self.stop.is_set():
            raise _Stopped


def _readable(error: Exception, offer: Offer) -> Exception:
    """Errors of the disk say which model they kept away."""
    if isinstance(error, HubError):
        return error
    return HubError(f"{offer.name} cannot be kept: {error}")
