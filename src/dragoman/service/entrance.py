"""How a request comes in: its models are kept for it, there is room in the queue or it waits for some, it begins.

On the caller's thread. Whatever interrupts it, the dispatcher hears that nobody wants the request, and undoes the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError

from dragoman.errors import DeadlineExceededError
from dragoman.fleet.fleet import Fleet
from dragoman.fleet.threads import check_may_wait
from dragoman.service.admission import Admission
from dragoman.service.dispatcher import Dispatcher
from dragoman.service.requests import Answer, Request

__all__ = ["Entrance"]


class Entrance:
    """Arguments: of the service. Each method raises what `dragoman.Service.translate` says."""

    def __init__(self, fleet: Fleet, admission: Admission, dispatcher: Dispatcher) -> None:
        self._fleet, self._admission, self._dispatcher = fleet, admission, dispatcher

    @contextlib.contextmanager
    def wanted(self, request: Request) -> Iterator[None]:
        """What is raised inside ends the request."""
        try:
            yield
        except BaseException:
            self._dispatcher.drop(request.ticket)
            raise

    def enter(self, request: Request) -> Answer:
        """Begin now. Raises QueueFullError if there is no room."""
        with self.wanted(request):
            self._fleet.enter(request.ticket, request.entries)
            self._admission.enter(request.ticket, request.size)
            self._dispatcher.start(request)
        return request.future

    def wait(self, request: Request, what: str) -> Answer:
        """Begin as soon as there is room. ``what``: the method that was called, for messages."""
        check_may_wait(what)
        with self.wanted(request):
            room = self._room(request)
            if room is not None:
                try:
                    room.result(_left(request.ticket.deadline))
                except FutureTimeoutError:
                    raise DeadlineExceededError(request.timeout_s) from None
                finally:
                    room.cancel()
            self._dispatcher.start(request)
        return request.future

    async def wait_async(self, request: Request) -> Answer:
        """The same for asyncio."""
        with self.wanted(request):
            room = self._room(request)
            if room is not None:
                try:
                    await asyncio.wait_for(asyncio.wrap_future(room), _left(request.ticket.deadline))
                except TimeoutError:
                    raise DeadlineExceededError(request.timeout_s) from None
            self._dispatcher.start(request)
        return request.future

    def _room(self, request: Request) -> Future[None] | None:
        """None: there was some, and it was taken."""
        self._fleet.enter(request.ticket, request.entries)
        if self._admission.enter(request.ticket, request.size, refuse=False):
            return None
        room = self._admission.wait(request.ticket, request.size)
        self._dispatcher.tick()
        return room


def _left(deadline: float) -> float | None:
    return None if deadline == math.inf else max(0.0, deadline - time.monotonic())
