"""Results as they are done, for ``for`` and ``async for``; texts are read as results are taken."""

from __future__ import annotations

import asyncio
import itertools
import queue
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any

from dragoman.errors import DragomanError, ServiceError
from dragoman.result import FailedLine, Translation
from dragoman.service.requests import OnLine, own_copy

__all__ = ["Stream"]

Result = Translation | FailedLine
Begin = Callable[[list[str], OnLine], "Future[Any]"]
BeginLater = Callable[[list[str], OnLine], "Awaitable[Future[Any]]"]
_Event = tuple["_Chunk", int, "Result | BaseException | None"]
_MOST_OF_CHUNK = 64


class _Chunk:
    """Texts that are one request. ``first`` is the number of its first text in the stream."""

    def __init__(self, first: int, texts: list[str]) -> None:
        self.first, self.texts = first, texts
        self.open = set(range(len(texts)))
        self.future: Future[Any] | None = None


class _Window:
    """The texts between reading and giving out."""

    def __init__(self, texts: Iterable[str | None], ordered: bool, ahead: int, most: int) -> None:
        self._source, self._ordered, self._ahead = iter(texts), ordered, ahead
        self._chunk_size, self._most = max(1, min(_MOST_OF_CHUNK, ahead // 4)), most
        self._done: dict[int, Result] = {}
        self._chunks: set[_Chunk] = set()
        self._read = self._given = self._open = 0
        self._ended = self._paused = False

    def next_chunk(self) -> _Chunk | None:
        """Texts to be sent now, or None if enough are under way, or there are no more."""
        room = self._ahead - (self._read - self._given)
        if self._ended or room < self._chunk_size or (self._paused and self._open):
            return None
        self._paused = False
        texts: list[str] = []
        size = 0
        for text in itertools.islice(self._source, self._chunk_size):
            if text is None:  # nothing more for now: answer what there is
                self._paused = True
                break
            texts.append(text)
            size += len(text) + 1 if isinstance(text, str) else 0  # others are refused later
            if size >= self._most:
                break
        if not texts:
            self._ended = not self._paused
            return None
        chunk = _Chunk(self._read, texts)
        self._chunks.add(chunk)
        self._read += len(texts)
        self._open += len(texts)
        return chunk

    @property
    def exhausted(self) -> bool:
        return self._ended and not self._open

    @property
    def idle(self) -> bool:
        return not self._open

    def take(self, chunk: _Chunk, number: int, result: Result | BaseException | None) -> None:
        """A text is done (``number`` is its own), or a request as a whole (-1).

        Raises what befell a request, unless that concerns its texts only.
        """
        if number >= 0:
            assert isinstance(result, Translation | FailedLine)
            self._close(chunk, number, result)
            return
        self._chunks.discard(chunk)
        chunk.future = None  # whose callback holds the chunk
        if result is None:
            return
        assert isinstance(result, BaseException)
        if not isinstance(result, DragomanError) or isinstance(result, ServiceError):
            raise result
        for other in sorted(chunk.open):
            self._close(chunk, other, FailedLine(chunk.texts[other], own_copy(result)))

    def _close(self, chunk: _Chunk, number: int, result: Result) -> None:
        if number in chunk.open:
            chunk.open.discard(number)
            self._open -= 1
            self._done[chunk.first + number] = result

    def ready(self) -> Iterator[Result]:
        """What can be given out now."""
        while self._done:
            number = self._given if self._ordered else next(iter(self._done))
            if number not in self._done:
                return
            self._given += 1
            yield self._done.pop(number)

    def cancel(self) -> None:
        for chunk in self._chunks:
            if chunk.open and chunk.future is not None:
                chunk.future.cancel()


class Stream:
    """What `dragoman.Service.stream` returns: iterate over it once, with ``for`` or ``async for``.

    Args:
        begin, begin_later: send texts, waiting for room in the queue; the second for asyncio.
        texts, ordered, ahead: see there.
        most: characters after which no further text is read for one request.
    """

    def __init__(
        self,
        begin: Begin,
        begin_later: BeginLater,
        texts: Iterable[str | None],
        ordered: bool,
        ahead: int,
        *,
        most: int,
    ) -> None:
        self._begin, self._begin_later = begin, begin_later
        self._window = _Window(texts, ordered, ahead, most)

    def __iter__(self) -> Iterator[Result]:
        events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        window = self._window
        try:
            while not window.exhausted:
                while (chunk := window.next_chunk()) is not None:
                    _watch(chunk, self._begin(chunk.texts, partial(_put, events.put, chunk)), events.put)
                if window.idle:
                    continue
                window.take(*events.get())
                yield from window.ready()
        finally:
            window.cancel()

    async def __aiter__(self) -> AsyncIterator[Result]:
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[_Event] = asyncio.Queue()
        window = self._window

        def put(event: _Event) -> None:
            try:
                loop.call_soon_threadsafe(events.put_nowait, event)
            except RuntimeError:  # the loop is closed: nobody listens any more
                return

        try:
            while not window.exhausted:
                while (chunk := window.next_chunk()) is not None:
                    _watch(chunk, await self._begin_later(chunk.texts, partial(_put, put, chunk)), put)
                if window.idle:
                    continue
                window.take(*await events.get())
                for result in window.ready():
                    yield result
        finally:
            window.cancel()


def _put(put: Callable[[_Event], object], chunk: _Chunk, number: int, result: Result) -> None:
    put((chunk, number, result))


def _watch(chunk: _Chunk, future: Future[Any], put: Callable[[_Event], object]) -> None:
    chunk.future = future
    future.add_done_callback(lambda done: put((chunk, -1, _error_of(done))))


def _error_of(future: Future[Any]) -> BaseException | None:
    return CancelledError() if future.cancelled() else future.exception()
