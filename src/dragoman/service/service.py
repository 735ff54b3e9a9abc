"""What callers talk to: many callers, many models, few workers."""

from __future__ import annotations

import asyncio
import atexit
import warnings
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Unpack, overload

from dragoman.arguments import check_integer, check_seconds, check_texts
from dragoman.errors import OptionsError
from dragoman.fleet.fleet import Fleet
from dragoman.fleet.threads import check_may_wait
from dragoman.options import DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.run.batching import MAX_BATCH_SENTENCES, MAX_BATCH_TOKENS
from dragoman.service.admission import Admission
from dragoman.service.calls import Call, make_request
from dragoman.service.dispatcher import Dispatcher
from dragoman.service.entrance import Entrance
from dragoman.service.reports import MemoryReport, ServiceStats, memory_report, service_stats
from dragoman.service.requests import Failures, OnLine, Request
from dragoman.service.streams import Stream
from dragoman.units import parse_bytes

if TYPE_CHECKING:
    from dragoman.memory.memory import TranslationMemory

__all__ = ["Service"]

_UNLIMITED = 1 << 40
_PAGE = 4096


class Service:
    """Translates for many callers with the models of a fleet, on a few workers. Thread-safe.

    A context manager, also an asynchronous one: leaving it without an error waits for all requests.

    Args:
        fleet: of models. It is not closed with the service.
        workers: threads, each with one workspace; any worker runs any model next.
        workspace: most bytes of scratch memory of each worker, such as "64 MB". It grows to that as batches
            need it, between batches; a batch that would not fit is split, and a sentence that does not fit
            even alone fails. None: it grows to whatever is needed. An idle worker gives it back.
        cores: processors to pin the workers to, in turn; None: the system decides.
        queue_limit: most characters that may wait or run at once; a text counts one more than it has.
        fill_s: how long a text may wait for others to share a batch with. 0: workers take what there is.
        batch_sentences, batch_tokens: most of a batch.
        age_s: requests of any priority get a turn at least so often; see `dragoman.service.scheduler`.
        memory: sentences that are in it are not translated again, and others go into it. It is not closed with the
            service; its `stats` say how often that helped.

    Raises:
        OptionsError: a number out of range, or no memory.
        UnavailableError: this system cannot pin threads, or has none left.
    """

    def __init__(
        self,
        fleet: Fleet,
        workers: int = 2,
        workspace: int | str | None = None,
        *,
        cores: Sequence[int] | None = None,
        queue_limit: int = 2_000_000,
        fill_s: float = 0.0,
        batch_sentences: int = MAX_BATCH_SENTENCES,
        batch_tokens: int = MAX_BATCH_TOKENS,
        age_s: float = 1.0,
        memory: TranslationMemory | None = None,
    ) -> None:
        if not isinstance(fleet, Fleet):
            raise OptionsError("fleet", fleet, "a Fleet")
        check_integer("workers", workers, 1, 1024)
        check_integer("queue_limit", queue_limit, 1, 1 << 40)
        check_integer("batch_sentences", batch_sentences, 1, 1 << 16)
        check_integer("batch_tokens", batch_tokens, 1, 1 << 24)
        check_seconds("fill_s", fill_s, least=-1, most=60)
        check_seconds("age_s", age_s)
        limit = _UNLIMITED if workspace is None else parse_bytes("workspace", workspace)
        if limit < _PAGE:
            raise OptionsError("workspace", workspace, f"at least {_PAGE} bytes")
        if memory is not None:
            from dragoman.run.remembering import check_memory  # brings SQLite, which few need

            check_memory(memory)
        self.fleet = fleet
        self._closed = False
        self._admission = Admission(queue_limit)
        self._dispatcher = Dispatcher(
            fleet,
            self._admission,
            workers=workers,
            workspace_limit=limit // _PAGE * _PAGE,
            cores=cores,
            fill_s=fill_s,
            batch_sentences=batch_sentences,
            batch_tokens=batch_tokens,
            memory=memory,
            age_s=age_s,
        )
        self._entrance = Entrance(fleet, self._admission, self._dispatcher)
        _living.add(self)

    # -- translating -----------------------------------------------------------------------------------------

    @overload
    def translate(  # type: ignore[overload-overlap]  # a str is an iterable of str too: the first one holds
        self, texts: str, options: DecodingOptions | None = None, **call: Unpack[Call]
    ) -> Translation: ...
    @overload
    def translate(
        self,
        texts: Iterable[str],
        options: DecodingOptions | None = None,
        *,
        failures: Literal["raise"] = "raise",
        **call: Unpack[Call],
    ) -> list[Translation]: ...
    @overload
    def translate(
        self,
        texts: Iterable[str],
        options: DecodingOptions | None = None,
        *,
        failures: Literal["keep"],
        **call: Unpack[Call],
    ) -> list[Translation | FailedLine]: ...
    def translate(
        self,
        texts: str | Iterable[str],
        options: DecodingOptions | None = None,
        *,
        failures: Failures = "raise",
        **call: Unpack[Call],
    ) -> Translation | list[Translation] | list[Translation | FailedLine]:
        """Translate, and wait for it. Waits also for room in the queue.

        Args:
            texts: one text, or several.
            options: what it states goes before the models' defaults.
            model: name of a model; several names: an ensemble.
            route: languages, or names of models, to go through one after the other.
            split, format, glossary, keep, source_language: as in `Translator.translate`. The language of the texts is
                known if the route or the model's entry says it.
            priority: -100 to 100; higher goes first.
            timeout: seconds after which the request is given up; None: never.
            caller: on whose behalf; callers share the workers equally.
            failures: "raise": the error of the first text that failed; "keep": a `FailedLine` in its place.
            **changes: single fields of `DecodingOptions`, before ``options``.

        Raises:
            OptionsError: an argument is out of range.
            ModelNotFoundError, ModelError: there is no such model, or it cannot be loaded.
            DeadlineExceededError: it took longer than ``timeout``.
            QueueFullError: there are more characters than may ever wait.
            ServiceClosedError: the service was closed, or belongs to another process.
            ServiceError: this is a callback's thread, which it would wait for.
        """
        request = self._request(texts, options, failures=failures, **call)
        with self._entrance.wanted(request):  # Ctrl-C, for one: nobody waits for it any more
            result: Translation | list[Translation] = self._entrance.wait(request, "translate").result()
            return result

    @overload
    async def translate_async(  # type: ignore[overload-overlap]
        self, texts: str, options: DecodingOptions | None = None, **call: Unpack[Call]
    ) -> Translation: ...
    @overload
    async def translate_async(
        self, texts: Iterable[str], options: DecodingOptions | None = None, **call: Unpack[Call]
    ) -> list[Translation]: ...
    async def translate_async(
        self,
        texts: str | Iterable[str],
        options: DecodingOptions | None = None,
        *,
        failures: Failures = "raise",
        **call: Unpack[Call],
    ) -> Translation | list[Translation] | list[Translation | FailedLine]:
        """As `translate`, for asyncio. Cancelling the task cancels the request."""
        request = self._request(texts, options, failures=failures, **call)
        with self._entrance.wanted(request):
            return await asyncio.wrap_future(await self._entrance.wait_async(request))

    @overload
    def submit(  # type: ignore[overload-overlap]
        self,
        texts: str,
        options: DecodingOptions | None = None,
        *,
        on_line: OnLine | None = None,
        **call: Unpack[Call],
    ) -> Future[Translation]: ...
    @overload
    def submit(
        self,
        texts: Iterable[str],
        options: DecodingOptions | None = None,
        *,
        on_line: OnLine | None = None,
        **call: Unpack[Call],
    ) -> Future[list[Translation]]: ...
    def submit(
        self,
        texts: str | Iterable[str],
        options: DecodingOptions | None = None,
        *,
        on_line: OnLine | None = None,
        failures: Failures = "raise",
        **call: Unpack[Call],
    ) -> Future[Translation] | Future[list[Translation]]:
        """Have texts translated without waiting. Cancelling the future cancels the request.

        Args:
            on_line: called with the number and result of each text as it is done, on a worker's thread.
            others: as in `translate`.

        Raises:
            QueueFullError: there is no room; nothing was queued.
            others: as in `translate`, for what is known at once.
        """
        request = self._request(texts, options, failures=failures, on_line=on_line, **call)
        return self._entrance.enter(request)

    def stream(
        self,
        texts: Iterable[str | None],
        options: DecodingOptions | None = None,
        *,
        ordered: bool = True,
        ahead: int = 256,
        **call: Unpack[Call],
    ) -> Stream:
        """Translate texts as they come, and give results out as they are done.

        For ``for`` and ``async for``. Texts are read as results are taken, at most ``ahead`` more than that.
        A text that fails gives a `FailedLine`. Leaving the loop early cancels the rest.

        Args:
            texts: from anything that can be iterated. ``None`` among them means "nothing more for
                now: answer what there is".
            ordered: in the order of the texts; else as they are done (``source`` says which it is).
            ahead: most texts under way.
            others: as in `translate`; ``timeout`` is for each text, from when it was read.
        """
        if isinstance(texts, str):
            raise OptionsError("texts", texts, "several texts; for one there is `translate`")
        check_texts(texts)
        check_integer("ahead", ahead, 1, 1 << 24)
        self._request([], options, **call)  # errors are heard now, not later

        def request(lines: list[str], on_line: OnLine) -> Request:
            return self._request(lines, options, failures="keep", on_line=on_line, **call)

        return Stream(
            lambda lines, on_line: self._entrance.wait(request(lines, on_line), "stream"),
            lambda lines, on_line: self._entrance.wait_async(request(lines, on_line)),
            texts,
            ordered,
            ahead,
            most=max(1, self._admission.limit // 4),
        )

    def _request(
        self,
        texts: str | Iterable[str],
        options: DecodingOptions | None,
        *,
        failures: Failures = "raise",
        on_line: OnLine | None = None,
        **call: Unpack[Call],
    ) -> Request:
        self._dispatcher.check_open()
        return make_request(self.fleet, texts, options, failures=failures, on_line=on_line, **call)

    # -- looking ---------------------------------------------------------------------------------------------

    def memory(self) -> MemoryReport:
        """Who holds which bytes, now."""
        return memory_report(self.fleet, self._dispatcher.workers)

    def stats(self) -> ServiceStats:
        """Counts and times since the service began."""
        return service_stats(self.fleet, self._dispatcher, self._admission)

    def prometheus(self) -> str:
        """All figures in Prometheus' text format. Needs ``dragoman[metrics]``.

        Raises:
            UnavailableError: prometheus-client is not installed.
        """
        from dragoman.service.metrics import prometheus_text

        return prometheus_text(self.stats(), self.memory())

    # -- the end ---------------------------------------------------------------------------------------------

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until nothing waits or runs. Returns False if that took longer than ``timeout`` seconds."""
        check_may_wait("drain")
        return self._dispatcher.drain(None if timeout is None else check_seconds("timeout", timeout, least=-1))

    def shutdown(self, *, wait: bool = True, timeout: float | None = None) -> None:
        """Take no more requests, finish those there are, and close.

        Args:
            wait: False gives up all requests at once: they raise ServiceClosedError.
            timeout: seconds after which the rest is given up.
        """
        self._admission.close("the service is closed")
        self._dispatcher.tick()
        try:
            if wait and not self._dispatcher.inherited:
                self.drain(timeout)
        finally:
            self.close()

    def close(self) -> None:
        """Give up all requests, end the workers, and free their workspaces. May be called twice; from a callback it
        waits for nothing."""
        self._closed = True
        self._dispatcher.close()

    def __repr__(self) -> str:
        if self._closed:
            return "<dragoman.Service: closed>"
        workers, waiting = len(self._dispatcher.workers), self._dispatcher.ledger.waiting
        return (
            f"<dragoman.Service: {workers} worker{'s' * (workers != 1)}, {waiting} request{'s' * (waiting != 1)} "
            f"under way, {self.fleet!r}>"
        )

    def __del__(self) -> None:
        if not getattr(self, "_closed", True) and hasattr(self, "_dispatcher"):
            self._dispatcher.abandon("the service was dropped without close()")
            warnings.warn(f"dropped without close(): {self!r}", ResourceWarning, stacklevel=2, source=self)

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown(wait=error is None)

    async def __aenter__(self) -> Service:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.get_running_loop().run_in_executor(None, lambda: self.shutdown(wait=error is None))


_living: weakref.WeakSet[Service] = weakref.WeakSet()


def _close_all() -> None:
    for service in list(_living):
        service.close()


atexit.register(_close_all)
