"""A fleet's threads: some load models, one tells those who wait. None of them knows the fleet while it is idle."""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable
from queue import SimpleQueue

from dragoman.errors import UnavailableError
from dragoman.fleet.threads import OwnThread, start_thread

__all__ = ["Loading"]

_log = logging.getLogger("dragoman")
_EXIT_S = 10.0
"""A load that takes longer is cut off by the end of the process."""

Task = Callable[[], None]


class Loading:
    """Runs tasks. What one raises is logged; it never ends a thread.

    Args:
        loaders: most tasks of `load` at once.
    """

    def __init__(self, loaders: int) -> None:
        self._loaders = loaders
        self._loads: SimpleQueue[Task | None] = SimpleQueue()
        self._calls: SimpleQueue[Task | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = False
        _living.add(self)

    def start(self) -> None:
        """From now on a task of each kind finds a thread. Raises UnavailableError; nothing has changed then."""
        if len(self._threads) > self._loaders:
            return
        with self._lock:
            while len(self._threads) <= self._loaders and not self._closed:
                number = len(self._threads)  # the first one tells
                name = f"dragoman-loader-{number}" if number else "dragoman-teller"
                tasks = self._loads if number else self._calls
                thread = OwnThread(name, lambda tasks=tasks: _run(tasks))  # type: ignore[misc]
                try:
                    start_thread(thread)
                except UnavailableError:
                    if number < 2:
                        raise
                    return
                self._threads.append(thread)

    def load(self, task: Task) -> None:
        """To be called after `start`; tasks begin in turn."""
        self._loads.put(task)

    def tell(self, task: Task) -> None:
        """For what takes no time, without any lock held. To be called after `start`; tasks run in turn."""
        self._calls.put(task)

    def stop(self) -> None:
        """No further tasks; those that were given run to their end. Takes no lock: a finaliser may call it."""
        self._closed = True
        for _ in range(self._loaders):
            self._loads.put(None)
        self._calls.put(None)

    def join(self, timeout: float | None = None) -> None:
        """After `stop`, wait until all threads have ended, unless one of them calls."""
        end = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(None if end is None else max(0.0, end - time.monotonic()))


def _run(tasks: SimpleQueue[Task | None]) -> None:
    while (task := tasks.get()) is not None:
        try:
            task()
        except BaseException:
            _log.exception("a task of the fleet failed")
        del task  # nor is anything of it kept while there is nothing to do


_living: weakref.WeakSet[Loading] = weakref.WeakSet()


def _stop_all() -> None:
    for loading in list(_living):
        loading.stop()
        loading.join(_EXIT_S)


atexit.register(_stop_all)
