"""The requests under way, and how each of them ends: exactly once, and counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from dragoman.errors import DeadlineExceededError, DragomanError
from dragoman.service.counts import Counts
from dragoman.service.requests import Request
from dragoman.service.scheduler import Ticket

__all__ = ["Ledger"]


class Ledger:
    """Submitted is what was opened: done, failed, cancelled, and `waiting`, which are still in here.

    All but `open` and `wait` run on the service's own threads.

    Args:
        lock: of the service; reentrant, since a condition of it may be waited for.
        forget: under the lock: no batch needs to run for this request any more.
        give_back: without it: what the request held is free for others. Before its caller hears of the end.
    """

    def __init__(
        self, lock: threading.RLock, forget: Callable[[Request], None], give_back: Callable[[Request], None]
    ) -> None:
        self.counts = Counts()
        self._lock, self._forget, self._give_back = lock, forget, give_back
        self._open: dict[Ticket, Request] = {}
        self._ending = 0
        self._nothing_left = threading.Condition(lock)

    @property
    def waiting(self) -> int:
        """Requests that have not ended."""
        return len(self._open)

    def open(self, request: Request) -> None:
        """Under the lock, on the caller's thread: without a call between, so that no signal leaves half of it."""
        self._open[request.ticket] = request
        self.counts.submitted += 1

    def find(self, ticket: Ticket) -> Request | None:
        return self._open.get(ticket)

    def all(self) -> list[Request]:
        """Under the lock."""
        return list(self._open.values())

    def conclude(self, request: Request) -> None:
        """All its texts have their results."""
        try:
            value = request.outcome()
        except DragomanError as error:
            self.fail(request, error)
            return
        if self._close(request, "done"):
            self._settle(request, lambda: request.future.set_result(value))

    def fail(self, request: Request, error: DragomanError) -> None:
        """Nothing more comes of it."""
        if self._close(request, "failed", expired=isinstance(error, DeadlineExceededError)):
            kept = error.with_traceback(None)
            self._settle(request, lambda: request.future.set_exception(kept))

    def cancel(self, request: Request) -> None:
        """Its caller does not want it any more."""
        if self._close(request, "cancelled"):
            self._settle(request, None)

    def wait(self, timeout: float | None) -> bool:
        """Until all have ended, and their callers know. False: it took longer."""
        with self._lock:
            return self._nothing_left.wait_for(lambda: not (self._open or self._ending), timeout)

    def _close(self, request: Request, end: str, *, expired: bool = False) -> bool:
        with self._lock:
            if self._open.pop(request.ticket, None) is None:
                return False
            request.ticket.done = True
            self._ending += 1
            self._forget(request)
            self.counts.ended(end, request.entries, time.monotonic() - request.started, expired=expired)
            return True

    def _settle(self, request: Request, settle: Callable[[], Any] | None) -> None:
        try:
            self._give_back(request)
            if settle is None:
                request.future.cancel()
            elif request.future.set_running_or_notify_cancel():
                settle()
        finally:
            with self._lock:
                self._ending -= 1
                if not self._open and not self._ending:
                    self._nothing_left.notify_all()
