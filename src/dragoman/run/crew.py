"""Who runs batches: a few workers' scratch memory, and threads that help whoever calls. No text, no models.

A caller works on its own batches; threads help with what it has not begun. So one thread needs no other, nothing is
lost where no thread can be started, and a signal finds its handler: on the main thread it ends the batch.

Seats go back to their queue when the last reference is dropped, whatever exception came between: a KeyboardInterrupt
may, after any call.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from dragoman.errors import TranslatorClosedError
from dragoman.host import stop_flag
from dragoman.run.scratch import Scratch

__all__ = ["Crew"]

_log = logging.getLogger("dragoman")
_LOST_S = 0.5
"""After so long without a free seat it is worth while to count them."""
_CLOSING_S = 5.0
"""A batch ends within 100 ms of being told to; this is for what no stop flag reaches."""

_Batch = TypeVar("_Batch")
_Result = TypeVar("_Result")
Run = Callable[[_Batch, Scratch], _Result | None]
"""A batch to what became of it; None if it was stopped."""


class _Seats:
    """Scratch memory that nobody uses now."""

    def __init__(self, count: int, limit: int) -> None:
        self._free: SimpleQueue[_Seat | None] = SimpleQueue()
        self._count, self._limit = count, limit
        self._living: weakref.WeakSet[_Seat] = weakref.WeakSet()
        self._closed = False
        for _ in range(count):
            self.put(Scratch(limit))

    def put(self, scratch: Scratch) -> None:
        if not self._closed:
            seat = _Seat(scratch, self)
            self._living.add(seat)
            self._free.put(seat)

    def take(self) -> _Seat | None:
        """Waits for a free one; None: there are none any more. Drop it to give it back."""
        while True:
            try:
                seat = self._free.get(timeout=_LOST_S)
                break
            except Empty:
                if len(self._living) < self._count:  # an interrupt came while one went home
                    self.put(Scratch(self._limit))
        if seat is None:
            self._free.put(None)  # for the next who waits
        return seat

    def close(self) -> None:
        self._closed = True
        while not self._free.empty():
            self._free.get()
        self._free.put(None)


class _Seat:
    __slots__ = ("__weakref__", "_home", "scratch")

    def __init__(self, scratch: Scratch, home: _Seats) -> None:
        self.scratch, self._home = scratch, home

    def __del__(self) -> None:
        self._home.put(self.scratch)


class _Call(Generic[_Batch, _Result]):
    """The batches of one caller."""

    def __init__(self, batches: Sequence[_Batch], run: Run[_Batch, _Result], seats: _Seats) -> None:
        self._run, self._seats = run, seats
        self._todo = deque(enumerate(batches))
        self._done: SimpleQueue[tuple[int, _Result | None, BaseException | None]] = SimpleQueue()
        self._open = len(batches)
        self._results: dict[int, _Result] = {}
        self._stop = stop_flag()

    def help(self) -> None:
        """On a thread of the crew's: take part until nothing is left to begin."""
        while self._todo and (seat := self._seats.take()) is not None:
            try:
                number, batch = self._todo.popleft()
            except IndexError:
                return
            try:
                self._done.put((number, self._fly(batch, seat.scratch), None))
            except BaseException as error:
                self._done.put((number, None, error.with_traceback(None)))
            del seat, batch

    def finish(self) -> list[_Result] | None:
        """On the caller's thread: take part, then wait for the others. None if it was stopped."""
        while self._todo:
            seat = self._seats.take()
            if seat is None:
                return None
            try:
                number, batch = self._todo.popleft()
            except IndexError:
                break
            try:
                found = self._fly(batch, seat.scratch)
            finally:
                del seat  # a traceback would keep it from the next caller
            if not self._take(number, found):
                return None
            while not self._done.empty():
                if not self._take_next():
                    return None
        while self._open:
            if not self._take_next():
                return None
        return [self._results[number] for number in sorted(self._results)]

    def give_up(self) -> None:
        self._todo.clear()
        self._stop.set()
        self._done.put((-1, None, None))  # the caller may wait for what nobody will begin

    def _fly(self, batch: _Batch, scratch: Scratch) -> _Result | None:
        scratch.stop = self._stop
        return self._run(batch, scratch)

    def _take_next(self) -> bool:
        number, found, error = self._done.get()
        if error is not None:
            raise error
        return self._take(number, found)

    def _take(self, number: int, found: _Result | None) -> bool:
        if found is None:
            return False
        self._results[number] = found
        self._open -= 1
        return True


class Crew:
    """Runs the batches of any number of callers, on as many threads at once as there is scratch memory for.

    In a forked child it begins anew, with no threads. At the interpreter's exit what runs is stopped.

    Args:
        size: batches that run at once.
        workspace_limit: most bytes of each workspace.
    """

    def __init__(self, size: int, workspace_limit: int) -> None:
        self.size, self._workspace_limit = size, workspace_limit
        self.closed = False
        self._begin()
        _living.add(self)

    def _begin(self) -> None:
        self._seats = _Seats(self.size, self._workspace_limit)
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._helpers: list[threading.Thread] = []
        self._starting = threading.RLock()
        self._calls: dict[_Call[Any, Any], int] = {}

    def run(self, batches: Sequence[_Batch], run: Run[_Batch, _Result]) -> list[_Result]:
        """What became of each batch.

        Raises:
            TranslatorClosedError: the crew was closed, before or meanwhile.
            others: what ``run`` raised first; the other batches are stopped, as they are by an interrupt.
        """
        self.check()
        call = _Call(batches, run, self._seats)
        try:
            self._calls[call] = threading.get_ident()
            self._call_helpers(call, min(self.size, len(batches)) - 1)
            found = call.finish()
        finally:
            call.give_up()
            self._calls.pop(call, None)
        if found is None:
            raise TranslatorClosedError
        return found

    def check(self) -> None:
        """Raises TranslatorClosedError."""
        if self.closed:
            raise TranslatorClosedError

    def close(self) -> None:
        """Stop what runs, wait until it has ended, and free the memory. May be called twice."""
        self.closed = True
        self._seats.close()  # a call that has a seat is among those below
        for call in list(self._calls):
            call.give_up()
        with self._starting:
            helpers, self._helpers = self._helpers, []
        for _ in helpers:
            self._tasks.put(None)
        own = threading.get_ident()  # a signal's handler may close what it interrupts
        end = time.monotonic() + _CLOSING_S
        while any(thread != own for thread in list(self._calls.values())) and time.monotonic() < end:
            time.sleep(0.001)
        for helper in helpers:
            if helper is not threading.current_thread():
                helper.join(max(0.0, end - time.monotonic()))

    def __del__(self) -> None:
        for _ in getattr(self, "_helpers", ()):
            self._tasks.put(None)

    def _call_helpers(self, call: _Call[Any, Any], count: int) -> None:
        if count < 1:
            return
        with self._starting:
            while len(self._helpers) < count and not self.closed:
                helper = threading.Thread(target=_help, args=(self._tasks,), name="dragoman", daemon=True)
                self._helpers.append(helper)
                try:
                    helper.start()
                except (RuntimeError, MemoryError) as error:
                    self._helpers.pop()
                    _log.debug("no further thread can be started: %s", error)
                    break
        for _ in self._helpers[:count]:
            self._tasks.put(call.help)


def _help(tasks: SimpleQueue[Callable[[], None] | None]) -> None:
    while (task := tasks.get()) is not None:
        task()
        del task  # nor is its call kept while there is nothing to do


_living: weakref.WeakSet[Crew] = weakref.WeakSet()


def _begin_anew() -> None:
    for crew in list(_living):
        crew._begin()


def _close_all() -> None:
    for crew in list(_living):
        crew.close()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
