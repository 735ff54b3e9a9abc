"""Between requests and workers: what runs next, what is done, what was given up. The service's one lock.

Callers' threads only leave messages: a request that begins, a ticket that nobody wants any more. What follows happens
on the service's own threads, where no signal's handler can raise half-way.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from dragoman.errors import DeadlineExceededError, DragomanError, ServiceClosedError, UnavailableError
from dragoman.fleet.fleet import Fleet
from dragoman.fleet.threads import OwnThread, start_thread
from dragoman.model import Model
from dragoman.result import FailedLine
from dragoman.service.admission import Admission
from dragoman.service.claims import Claims
from dragoman.service.delivery import Delivery
from dragoman.service.jobs import Outcome
from dragoman.service.ledger import Ledger
from dragoman.service.requests import Part, Request, Work, own_copy
from dragoman.service.scheduler import Scheduler, Ticket
from dragoman.service.worker import Job, Worker, core_of

if TYPE_CHECKING:
    from dragoman.memory.memory import TranslationMemory

__all__ = ["Dispatcher"]

_log = logging.getLogger("dragoman")
_IDLE_S = 0.25
"""After so long without work a worker gives its workspace back."""
_SMALL_BATCH = 16
"""Below this a batch is not made smaller to give idle workers something to do."""
_LONGEST_S = 3600.0


class Dispatcher:
    """Queues, workers, and the requests under way. Arguments: see `dragoman.service.service.Service`."""

    def __init__(
        self,
        fleet: Fleet,
        admission: Admission,
        *,
        workers: int,
        workspace_limit: int,
        cores: Sequence[int] | None,
        fill_s: float,
        batch_sentences: int,
        batch_tokens: int,
        memory: TranslationMemory | None,
        age_s: float,
    ) -> None:
        self._fleet, self._admission = fleet, admission
        self._most_sentences, self._most_tokens = batch_sentences, batch_tokens
        self._lock = threading.RLock()
        self._work_there = threading.Condition(self._lock)
        self.scheduler: Scheduler[Work, Part] = Scheduler(lambda work: work.cost, age_s=age_s, fill_s=fill_s)
        self.ledger = Ledger(self._lock, self._forget, self._give_back)
        self._delivery = Delivery(self._lock, self._work_there, self.scheduler, self.ledger)
        self._begun: SimpleQueue[Request] = SimpleQueue()
        self._unwanted: SimpleQueue[Ticket] = SimpleQueue()
        self._ticks: SimpleQueue[None] = SimpleQueue()
        self._claims = Claims(fleet, self._arrived)
        self._broken: list[tuple[Work, DragomanError]] = []
        self._ready: list[Request] = []
        self._closing: str | None = None
        self._ended = self._over = False
        self._pid = os.getpid()
        sizes = batch_sentences, batch_tokens, memory
        self.workers = [
            Worker(number, workspace_limit, core_of(cores, number), self._next_job, self._finish, self.abandon, *sizes)
            for number in range(workers)
        ]
        self._clock = OwnThread("dragoman-clock", self._run_clock)
        try:
            for thread in (*self.workers, self._clock):
                start_thread(thread)
        except UnavailableError:
            self._end()
            raise

    @property
    def inherited(self) -> bool:
        """Whether this is a forked child, where there is nothing to do and nothing to wait for."""
        return self._pid != os.getpid()

    def check_process(self) -> None:
        """Raises ServiceClosedError in a forked child, where there are no workers and locks may be held."""
        if self.inherited:
            raise ServiceClosedError("this service belongs to the parent process and was inherited by a fork")

    def check_open(self) -> None:
        """Raises ServiceClosedError, also in a forked child."""
        self.check_process()
        if self._closing is not None:
            raise ServiceClosedError(self._closing)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nothing changes meanwhile. For reports; must be short."""
        self.check_process()
        with self._lock:
            yield

    # -- on callers' threads: messages only ------------------------------------------------------------------

    def start(self, request: Request) -> None:
        """Queue a request that was admitted. Raises ServiceClosedError; whatever is raised, `drop` it then."""
        # Weak: a future keeps its callbacks, and with the request it would be a cycle that only the collector
        # of garbage frees, results and all.
        reference, drop = weakref.ref(request), self.drop

        def cancelled(future: Future[Any]) -> None:
            wanted = reference()
            if future.cancelled() and wanted is not None:
                drop(wanted.ticket)

        request.future.add_done_callback(cancelled)
        with self._lock:
            self.check_open()
            self.ledger.open(request)
            self._begun.put(request)
            if len(request.texts.lines) > _SMALL_BATCH:
                self._work_there.notify_all()
            else:
                self._work_there.notify()
        if request.ticket.deadline < math.inf or request.texts.without_lines or not request.texts.all:
            self.tick()

    def drop(self, ticket: Ticket) -> None:
        """Its caller does not want a request any more, whether it began or not."""
        if not ticket.done:
            self._unwanted.put(ticket)
            self.tick()
            if self._over:
                self._drop_unwanted()

    def tick(self) -> None:
        """Have the clock look whether there is something to do. Takes no lock."""
        self._ticks.put(None)

    def drain(self, timeout: float | None) -> bool:
        self.check_process()
        return self.ledger.wait(timeout)

    def abandon(self, reason: str = "the service is closed") -> None:
        """Begin to end. Takes no lock, and waits for nothing: a finaliser may call it."""
        if not self.inherited:
            self._closing = self._closing or reason
            self._admission.close(reason)
            self.tick()

    def close(self) -> None:
        """Give up all requests and wait until the threads have ended, unless one of them calls."""
        self.abandon()
        if not self.inherited and not isinstance(threading.current_thread(), OwnThread):
            for thread in (*self.workers, self._clock):
                thread.join()

    # -- on workers ------------------------------------------------------------------------------------------

    def _next_job(self, worker: Worker) -> Job | None:
        """Blocks until there is a batch whose models are in memory. None: it is over."""
        with self._lock:
            while not self._ended:
                self._take_in()
                now = time.monotonic()
                models: list[tuple[Model, ...]] = []
                taken = self.scheduler.take(
                    now,
                    max_items=self._share(),
                    max_tokens=self._most_tokens,
                    prepare=lambda work, models=models: self._prepare(work, models),  # type: ignore[misc]
                )
                if self._broken:
                    self.tick()
                if taken is not None:
                    worker.scratch.stop.clear()
                    worker.parts = [part for _, part in taken.items]
                    if self.scheduler.depth:
                        self._work_there.notify()
                    return Job(taken.key, worker.parts, models.pop())
                wake = self.scheduler.wake_at() - now
                if worker.grown:
                    wake = min(wake, _IDLE_S)
                if not self._work_there.wait(None if wake == math.inf else max(0.0, wake)) and worker.grown:
                    worker.shrink_if_idle(_IDLE_S)
        return None

    def _take_in(self) -> None:
        """Under the lock: queue what began."""
        while True:
            try:
                request = self._begun.get_nowait()
            except Empty:
                return
            if self.ledger.find(request.ticket) is None:
                continue
            for work, parts in request.parts().items():
                self.scheduler.add(request.ticket, work, parts, time.monotonic())
            self.scheduler.watch(request.ticket)
            if request.texts.without_lines or not request.texts.all:
                self._ready.append(request)

    def _share(self) -> int:
        """Texts for one batch: if there are few, enough are left for the other workers."""
        share = -(-self.scheduler.depth // len(self.workers))
        return min(self._most_sentences, max(_SMALL_BATCH, share))

    def _prepare(self, work: Work, models: list[tuple[Model, ...]]) -> bool:
        """Get the models of a batch. If they are not in memory have them loaded, and let others go first."""
        try:
            found = self._claims.acquire(work)
        except DragomanError as error:
            found = None
            self._broken.append((work, error))
        if found is None:
            self.scheduler.block(work)
            return False
        models.append(found)
        return True

    def _arrived(self, work: Work, error: DragomanError | None) -> None:
        """The models of a key are in memory, or cannot be."""
        with self._lock:
            self.scheduler.unblock(work)
            if error is None:
                self._work_there.notify()
                return
            taken = self._claims.take([work])
            requests = [self.ledger.find(ticket) for ticket in self.scheduler.waiting(work)]
            answers = [
                (part.job, FailedLine(part.job.text, own_copy(error)))
                for request in requests
                if request is not None
                for part in self.scheduler.drop_key(request.ticket, work)
            ]
            answered = self._delivery.sort(answers)
        self._claims.release(taken)
        self._delivery.advance(answered)

    def _finish(self, worker: Worker, work: Work, outcome: Outcome) -> None:
        """What a batch came to. No reference to a model is left here."""
        self._fleet.release(work.entries)
        with self._lock:
            worker.parts = ()
            counts = self.ledger.counts
            counts.batches += 1
            counts.sentences += outcome.sentences
            counts.tokens += outcome.tokens
            again: dict[Ticket, list[Part]] = {}
            for part in outcome.again:
                if not part.job.request.ticket.done:
                    again.setdefault(part.job.request.ticket, []).append(part)
            for ticket, parts in again.items():
                self.scheduler.add(ticket, work, parts, time.monotonic(), first=True)
            answered = self._delivery.sort(outcome.answers)
            if again:
                self._work_there.notify()
        self._delivery.advance(answered)

    # -- how requests end ------------------------------------------------------------------------------------

    def _forget(self, request: Request) -> None:
        """Under the lock: nothing of it waits any more, and batches that run for it alone stop."""
        self.scheduler.drop(request.ticket)
        for worker in self.workers:
            if worker.parts and all(part.job.request.ticket.done for part in worker.parts):
                worker.scratch.stop.set()

    def _give_back(self, request: Request) -> None:
        """Without the lock: room for others; models that nobody waits for any more may go."""
        with self._lock:
            works = {*request.works, *(work for own in request.other_works.values() for work in own)}
            unwanted = self._claims.take(work for work in works if not self.scheduler.waiting(work))
            for work, _ in unwanted:
                self.scheduler.unblock(work)
        self._claims.release(unwanted)
        self._leave(request.ticket)

    def _leave(self, ticket: Ticket) -> None:
        self._fleet.leave(ticket)
        self._admission.leave(ticket)
        self._admission.admit()

    # -- on the clock's thread: deadlines, idle models, what callers dropped, the end -------------------------

    def _run_clock(self) -> None:
        sweep_at = 0.0
        try:
            while self._closing is None:
                sweep_at = self._look(sweep_at)
        except BaseException:
            _log.exception("the service failed")
            self.abandon("the service failed: see the log")
        finally:
            self._end()

    def _look(self, sweep_at: float) -> float:
        """Do what is to be done now, and if there was nothing, wait. Returns when to look for idle models."""
        now = time.monotonic()
        if now >= sweep_at:
            try:
                wait = self._fleet.sweep()
            except ServiceClosedError:
                wait = None
            sweep_at = math.inf if wait is None else now + wait
        with self._lock:
            self._take_in()
            broken, self._broken = self._broken, []
            ready, self._ready = self._ready, []
            expired = [self.ledger.find(ticket) for ticket in self.scheduler.expired(now)]
            until = min(self.scheduler.next_deadline(), sweep_at) - now
        for work, error in broken:
            self._arrived(work, error)
        for request in ready:
            self._delivery.write(request, request.texts.without_lines)
            if not request.texts.all:
                self.ledger.conclude(request)
        for late in expired:
            if late is not None:
                self.ledger.fail(late, DeadlineExceededError(late.timeout_s))
        if not (self._drop_unwanted() or broken or ready or expired):
            self._wait(until)
        return sweep_at

    def _drop_unwanted(self) -> bool:
        dropped = False
        while True:
            try:
                ticket = self._unwanted.get_nowait()
            except Empty:
                break
            dropped = True
            request = self.ledger.find(ticket)
            if request is not None:
                self.ledger.cancel(request)
            else:  # it never began, or has ended
                ticket.done = True
                self._leave(ticket)
        self._admission.admit()
        return dropped

    def _wait(self, seconds: float) -> None:
        with contextlib.suppress(Empty):
            self._ticks.get(timeout=max(0.0, min(seconds, _LONGEST_S)))
            while True:
                self._ticks.get_nowait()

    def _end(self) -> None:
        """Give up what there is, and wait for the workers."""
        with self._lock:
            reason = self._closing = self._closing or "the service is closed"
            self._ended = True
            for worker in self.workers:
                worker.scratch.stop.set()
            self._work_there.notify_all()
            requests = self.ledger.all()
        self._admission.close(reason)
        for request in requests:
            self.ledger.fail(request, ServiceClosedError(reason))
        self._over = True
        self._drop_unwanted()
        for worker in self.workers:
            if worker.is_alive():
                worker.join()
            worker.scratch.free()
        with self._lock:
            taken = self._claims.take_all()
        self._claims.release(taken)
