"""How much may wait at once, in characters. Who finds no room is told so, or waits for it, first come first served.

Callers only take room that is there; giving it back, and letting in who waits, is for the service's own threads, which
no signal interrupts.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

from dragoman.errors import QueueFullError, ServiceClosedError

__all__ = ["Admission"]


class Admission:
    """Knows who is in, by any key. Thread-safe.

    Args:
        limit: most characters at once.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.depth = 0
        self.refused = 0
        self._lock = threading.Lock()
        self._inside: dict[object, int] = {}
        self._waiting: deque[tuple[object, int, Future[None]]] = deque()
        self._closed: str | None = None

    def enter(self, key: object, size: int, *, refuse: bool = True) -> bool:
        """Let somebody in now. Returns whether there was room.

        Args:
            key: of who comes; for `leave`.
            size: characters.
            refuse: if there is no room now, raise QueueFullError.

        Raises QueueFullError, if there never is room anyway; ServiceClosedError.
        """
        with self._lock:
            self._check(size)
            if not self._waiting and self.depth + size <= self.limit:
                # One after the other without a call: nothing can come between, and `leave` finds all or nothing.
                self._inside[key] = size
                self.depth += size
                return True
            if refuse:
                self.refused += 1
                raise QueueFullError(self.depth, self.limit, size)
            return False

    def wait(self, key: object, size: int) -> Future[None]:
        """Done as soon as there is room, and has been taken. To wait no more: cancel it, and `leave`.

        Nobody is let in before the next `admit`. Raises as `enter`.
        """
        room: Future[None] = Future()
        with self._lock:
            self._check(size)
            self._waiting.append((key, size, room))
        return room

    def leave(self, key: object) -> None:
        """Somebody is done with, or never came in."""
        with self._lock:
            self.depth -= self._inside.pop(key, 0)

    def admit(self) -> None:
        """Let in those who wait, as far as there is room; if it was closed, tell them that."""
        while True:
            with self._lock:
                if not self._waiting:
                    return
                key, size, room = self._waiting[0]
                closed = self._closed
                if closed is None and self.depth + size > self.limit and not room.cancelled():
                    return
                self._waiting.popleft()
                # From here on it cannot be cancelled: who waits owns the room.
                wanted = room.set_running_or_notify_cancel()
                if wanted and closed is None:
                    self._inside[key] = size
                    self.depth += size
            if wanted and closed is None:
                room.set_result(None)
            elif wanted and closed is not None:
                room.set_exception(ServiceClosedError(closed))

    def close(self, reason: str) -> None:
        """Let nobody in any more. Those who wait hear of it at the next `admit`."""
        self._closed = self._closed or reason

    def _check(self, size: int) -> None:
        if self._closed is not None:
            raise ServiceClosedError(self._closed)
        if size > self.limit:
            self.refused += 1
            raise QueueFullError(self.depth, self.limit, size)
