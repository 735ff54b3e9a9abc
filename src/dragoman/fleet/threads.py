"""Threads of our own: foreign code that they call may neither end them nor wait for what only they can do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import ParamSpec

from dragoman.errors import ServiceError, UnavailableError

__all__ = ["OwnThread", "call_back", "check_may_wait", "start_thread"]

_log = logging.getLogger("dragoman")
_Arguments = ParamSpec("_Arguments")


class OwnThread(threading.Thread):
    """A daemon, marked: `check_may_wait` knows it."""

    def __init__(self, name: str, run: Callable[[], None] | None = None) -> None:
        super().__init__(target=run, name=name, daemon=True)


def start_thread(thread: threading.Thread) -> None:
    """Raises UnavailableError if the system has none left."""
    try:
        thread.start()
    except (RuntimeError, MemoryError) as error:
        raise UnavailableError(f"no thread can be started for {thread.name}: {error}.") from None


def check_may_wait(what: str) -> None:
    """Raises ServiceError on a thread of a fleet or a service: there it would wait for itself, at the latest when all
    the others do the same."""
    if isinstance(threading.current_thread(), OwnThread):
        raise ServiceError(
            f"{what} was called in a callback, on {threading.current_thread().name}, which it would wait for: "
            "use submit, or another thread."
        )


def call_back(function: Callable[_Arguments, object], *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
    """Call what a user gave. Whatever it raises is logged; only an interrupt of the main thread goes on its way."""
    try:
        function(*args, **kwargs)
    except BaseException as error:
        _log.exception("a callback failed: %r", function)
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise
