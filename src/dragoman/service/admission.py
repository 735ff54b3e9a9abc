"""How much may wait at once. Who finds no room is told so, or waits for it, first come first served."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

from dragoman.errors import QueueFullError, ServiceClosedError

__all__ = ["Admission"]


class Admission:
    """Counts what was let in. Thread-safe.

    Args:
        limit: most lines at once.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.depth = 0
        self.refused = 0
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, Future[None]]] = deque()
        self._closed: str | None = None

    def enter(self, lines: int) -> None:
        """Let lines in now. Raises QueueFullError, or ServiceClosedError."""
        with self._lock:
            self._check(lines)
            if self._waiting or self.depth + lines > self.limit:
                self.refused += 1
                raise QueueFullError(self.depth, self.limit)
            self.depth += lines

    def wait(self, lines: int) -> Future[None]:
        """Let lines in as soon as there is room: then the future is done. Cancel it to wait no more.

        Raises QueueFullError if there never is, or ServiceClosedError.
        """
        future: Future[None] = Future()
        with self._lock:
            self._check(lines)
            self._waiting.append((lines, future))
            admitted = self._admit()
        _tell(admitted)
        return future

    def leave(self, lines: int) -> None:
        """Lines are done with."""
        with self._lock:
            self.depth -= lines
            admitted = self._admit()
        _tell(admitted)

    def close(self, reason: str) -> None:
        """Let nobody in any more; those who wait hear a ServiceClosedError."""
        with self._lock:
            self._closed = reason
            waiting, self._waiting = list(self._waiting), deque()
        for _, future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(ServiceClosedError(reason))

    def _check(self, lines: int) -> None:
        if self._closed is not None:
            raise ServiceClosedError(self._closed)
        if lines > self.limit:
            self.refused += 1
            raise QueueFullError(self.depth + lines, self.limit)

    def _admit(self) -> list[Future[None]]:
        admitted = []
        while self._waiting:
            lines, future = self._waiting[0]
            if not future.cancelled():
                if self.depth + lines > self.limit:
                    break
                # From here on it cannot be cancelled: who waits owns the room.
                if future.set_running_or_notify_cancel():
                    self.depth += lines
                    admitted.append(future)
            self._waiting.popleft()
        return admitted


def _tell(admitted: list[Future[None]]) -> None:
    for future in admitted:
        future.set_result(None)
