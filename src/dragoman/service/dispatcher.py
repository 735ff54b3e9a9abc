"""Between requests and workers: what runs next, what is done, what was given up. The service's one lock."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

from dragoman.errors import (
    DeadlineExceededError,
    DragomanError,
    ServiceClosedError,
)
from dragoman.fleet.entries import Claim
from dragoman.fleet.fleet import Fleet
from dragoman.model import Model
from dragoman.result import FailedLine, Translation
from dragoman.service.admission import Admission
from dragoman.service.jobs import Outcome
from dragoman.service.latency import Counts
from dragoman.service.requests import LineJob, Part, Request, Work, own_copy, setter_of
from dragoman.service.scheduler import Scheduler, Ticket
from dragoman.service.texts import Text
from dragoman.service.worker import Job, Worker, core_of

__all__ = ["Dispatcher"]

_log = logging.getLogger("dragoman")
_IDLE_S = 0.25
"""After so long without work a worker gives its workspace back."""
_SMALL_BATCH = 16
"""Below this a batch is not made smaller to give idle workers something to do."""


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
        age_s: float,
    ) -> None:
        self._fleet, self._admission = fleet, admission
        self._most_sentences, self._most_tokens = batch_sentences, batch_tokens
        # Reentrant: a future's callbacks may run while it is held, and cancel other requests.
        self._lock = threading.RLock()
        self._work_there = threading.Condition(self._lock)
        self._tick = threading.Condition(self._lock)
        self._nothing_left = threading.Condition(self._lock)
        self.scheduler: Scheduler[Work, Part] = Scheduler(lambda work: work.cost, age_s=age_s, fill_s=fill_s)
        self._requests: dict[Ticket, Request] = {}
        self._claims: dict[Work, Claim] = {}
        self._broken: list[tuple[Work, DragomanError]] = []
        self.counts = Counts()
        self._closing = False
        self._ending = 0
        self._pid = os.getpid()
        self.workers = [
            Worker(
                number,
                workspace_limit,
                core_of(cores, number),
                self._next_job,
                self._finish,
                batch_sentences,
                batch_tokens,
            )
            for number in range(workers)
        ]
        self._clock = threading.Thread(target=self._watch_clock, name="dragoman-clock", daemon=True)
        for thread in (*self.workers, self._clock):
            thread.start()

    def check_process(self) -> None:
        """Raises ServiceClosedError in a forked child, where there are no workers and locks may be held."""
        if self._pid != os.getpid():
            raise ServiceClosedError("this service belongs to the parent process and was inherited by a fork")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nothing changes meanwhile. For reports; must be short."""
        self.check_process()
        with self._lock:
            yield

    # -- for callers -----------------------------------------------------------------------------------------

    def start(self, request: Request) -> None:
        """Queue a request that was admitted."""
        ticket = request.ticket
        now = time.monotonic()
        with self._lock:
            if self._closing:
                self._admission.leave(request.size)
                self._fleet.leave(request.entries)
                raise ServiceClosedError
            self.counts.requests += 1
            self._requests[ticket] = request
            for work, parts in request.parts().items():
                self.scheduler.add(ticket, work, parts, now)
            self.scheduler.watch(ticket)
            if ticket.deadline <= self.scheduler.next_deadline() < math.inf:
                self._tick.notify()
            if len(request.texts.lines) > _SMALL_BATCH:
                self._work_there.notify_all()
            else:
                self._work_there.notify()
        if not request.size:
            self._end(request, lambda: request.future.set_result(request.outcome()))
            return
        # Weak: a future keeps its callbacks, and with the request it would be a cycle that only the collector
        # of garbage frees, results and all.
        reference = weakref.ref(request)
        request.future.add_done_callback(lambda future: self._cancelled(reference(), future))
        self._write([(request, text) for text in request.texts.without_lines])

    def drain(self, timeout: float | None) -> bool:
        self.check_process()
        with self._lock:
            return self._nothing_left.wait_for(lambda: not (self._requests or self._ending), timeout)

    def close(self) -> None:
        if self._pid != os.getpid():
            return
        with self._lock:
            self._closing = True
            requests = list(self._requests.values())
            for worker in self.workers:
                worker.scratch.stop.set()
            self._work_there.notify_all()
            self._tick.notify_all()
        for request in requests:
            self._give_up(request, ServiceClosedError())
        for thread in (*self.workers, self._clock):
            if thread is not threading.current_thread():
                thread.join()
        for worker in self.workers:
            worker.scratch.free()
        with self._lock:
            claims, self._claims = list(self._claims.values()), {}
        for claim in claims:
            self._fleet.release_claim(claim)

    # -- for workers -----------------------------------------------------------------------------------------

    def _next_job(self, worker: Worker) -> Job | None:
        """Blocks until there is a batch whose models are in memory."""
        with self._lock:
            while not self._closing:
                now = time.monotonic()
                models: list[tuple[Model, ...]] = []
                taken = self.scheduler.take(
                    now,
                    max_items=self._share(),
                    max_tokens=self._most_tokens,
                    prepare=lambda work, models=models: self._prepare(work, models),  # type: ignore[misc]
                )
                if self._broken:
                    self._tick.notify()
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

    def _share(self) -> int:
        """Texts for one batch: if there are few, enough are left for the other workers."""
        share = -(-self.scheduler.depth // len(self.workers))
        return min(self._most_sentences, max(_SMALL_BATCH, share))

    def _prepare(self, work: Work, models: list[tuple[Model, ...]]) -> bool:
        """Get the models of a batch. If they are not in memory have them loaded, and let others go first."""
        claim = self._claims.get(work)
        try:
            found = self._fleet.acquire(work.entries, claimed=claim is not None)
        except ServiceClosedError as error:  # the fleet was closed before the service
            self.scheduler.block(work)
            self._broken.append((work, error))
            return False
        if claim is not None and found is not None:
            del self._claims[work]
            self._fleet.release_claim(claim)
        if found is not None:
            models.append(found)
            return True
        self.scheduler.block(work)
        if claim is None:
            self._claims[work] = self._fleet.claim(work.entries, lambda error: self._arrived(work, error))
        return False

    def _arrived(self, work: Work, error: DragomanError | None) -> None:
        """The models of a key are in memory, or cannot be."""
        with self._lock:
            self.scheduler.unblock(work)
            if error is None:
                self._work_there.notify()
                return
            claim = self._claims.pop(work, None)
            requests = [self._requests[ticket] for ticket in self.scheduler.waiting(work)]
            answers = [
                (part.job, FailedLine(part.job.text, own_copy(error)))
                for request in requests
                for part in self.scheduler.drop_key(request.ticket, work)
            ]
            answered = self._deliver(answers)
        if claim is not None:
            self._fleet.release_claim(claim)
        self._advance(answered)

    def _finish(self, worker: Worker, work: Work, outcome: Outcome, seconds: float) -> None:
        """What a batch came to. No reference to a model is left here."""
        self._fleet.release(work.entries)
        with self._lock:
            worker.parts = ()
            self.counts.batches += 1
            self.counts.sentences += outcome.sentences
            self.counts.tokens += outcome.tokens
            again: dict[Ticket, list[Part]] = {}
            for part in outcome.again:
                if not part.job.request.ticket.done:
                    again.setdefault(part.job.request.ticket, []).append(part)
            for ticket, parts in again.items():
                self.scheduler.add(ticket, work, parts, time.monotonic(), first=True)
            answered = self._deliver(outcome.answers)
            if again:
                self._work_there.notify()
        self._advance(answered)

    def _deliver(
        self, answers: Sequence[tuple[LineJob, Translation | FailedLine]]
    ) -> list[tuple[LineJob, Translation | FailedLine]]:
        """Under the lock. Returns the questions that have an answer now."""
        answered: list[tuple[LineJob, Translation | FailedLine]] = []
        for job, answer in answers:
            request = job.request
            if job.done or request.ticket.done:
                continue
            job.done = True
            following = request.following(job, answer)
            if following is None:
                answered.append((job, answer))
            else:
                self._add(following)
        return answered

    def _add(self, job: LineJob) -> None:
        """Under the lock."""
        self.scheduler.add(job.request.ticket, job.work, [job.part()], time.monotonic())
        self._work_there.notify()

    def _advance(self, answered: Sequence[tuple[LineJob, Translation | FailedLine]]) -> None:
        """Without the lock: what follows from answers, further questions or complete texts."""
        complete: list[tuple[Request, Text]] = []
        for job, answer in answered:
            request, wanted = job.request, job.wanted
            if request.ticket.done:
                continue
            wanted.dialogue.answer(answer)
            with self._lock:
                following = None if request.ticket.done else request.job(wanted)
                if following is not None:
                    self._add(following)
                elif not request.ticket.done:
                    complete += [(request, text) for text in wanted.done()]
        self._write(complete)

    def _write(self, complete: Sequence[tuple[Request, Text]]) -> None:
        """Without the lock: put texts together, tell who listens, and end the requests that have all of theirs."""
        for request, text in complete:
            if request.ticket.done:
                continue
            result = request.write(text)
            request.tell(text.number, result)
            with self._lock:
                self.counts.texts += 1
                request.open -= 1
                ended = not request.open
            if ended:
                self._conclude(request)

    # -- how requests end: without the lock ------------------------------------------------------------------

    def _conclude(self, request: Request) -> None:
        try:
            value = request.outcome()
        except DragomanError as error:
            self._end(request, setter_of(request, error=error), failed=True)
        else:
            self._end(request, setter_of(request, value=value))

    def _end(self, request: Request, settle: Callable[[], Any], *, failed: bool = False) -> None:
        with self._lock:
            if request.closed:
                return
            self._close_request(request)
            self.counts.failed += failed
            seconds = time.monotonic() - request.started
            name = "+".join(entry.name for entry in request.entries)
            self.counts.add_latency(name, seconds)
        self._settle(request, settle)

    def _cancelled(self, request: Request | None, future: Future[Any]) -> None:
        """A future is done. Was it that its caller cancelled it?"""
        if request is None or not future.cancelled():
            return
        with self._lock:
            if request.closed:
                return
            self._close_request(request)
            self.counts.cancelled += 1
        self._settle(request, None)

    def _give_up(self, request: Request, error: DragomanError) -> None:
        with self._lock:
            if request.closed:
                return
            self._close_request(request)
            self.counts.failed += 1
            self.counts.expired += isinstance(error, DeadlineExceededError)
        self._settle(request, setter_of(request, error=error))

    def _settle(self, request: Request, settle: Callable[[], Any] | None) -> None:
        """Without the lock: tell the caller, after all that the request held was given back."""
        self._left(request)
        if settle is not None and request.future.set_running_or_notify_cancel():
            settle()
        with self._lock:
            self._ending -= 1
            if not self._requests and not self._ending:
                self._nothing_left.notify_all()

    def _close_request(self, request: Request) -> None:
        """Under the lock: forget a request; end the batches that run for it alone."""
        request.closed = True
        self._ending += 1
        self.scheduler.drop(request.ticket)
        del self._requests[request.ticket]
        for worker in self.workers:
            if worker.parts and all(part.job.request.ticket.done for part in worker.parts):
                worker.scratch.stop.set()

    def _left(self, request: Request) -> None:
        """Without the lock: room for others; models that nobody waits for any more may go."""
        unwanted = []
        with self._lock:
            for work in (*request.works, *(work for own in request.other_works.values() for work in own)):
                if work in self._claims and not self.scheduler.waiting(work):
                    unwanted.append(self._claims.pop(work))
                    self.scheduler.unblock(work)
        for claim in unwanted:
            self._fleet.release_claim(claim)
        self._fleet.leave(request.entries)
        self._admission.leave(request.size)

    def _watch_clock(self) -> None:
        """On a thread of its own: deadlines, and models that are idle."""
        sweep_at = 0.0
        while True:
            now = time.monotonic()
            if now >= sweep_at:
                try:
                    wait = self._fleet.sweep()
                except ServiceClosedError:
                    wait = None
                sweep_at = math.inf if wait is None else now + wait
            with self._lock:
                if self._closing:
                    return
                broken, self._broken = self._broken, []
                expired = [self._requests[ticket] for ticket in self.scheduler.expired(now)]
                if not (expired or broken):
                    until = min(self.scheduler.next_deadline(), sweep_at) - now
                    self._tick.wait(None if until == math.inf else max(0.0, min(until, 3600.0)))
            for work, error in broken:
                self._arrived(work, error)
            for request in expired:
                self._give_up(request, DeadlineExceededError(request.timeout_s))
