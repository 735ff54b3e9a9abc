"""From what batches answered to further questions, to whole texts, and to requests that have all of theirs."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from dragoman.result import FailedLine, Translation
from dragoman.service.ledger import Ledger
from dragoman.service.requests import LineJob, Part, Request, Work
from dragoman.service.scheduler import Scheduler
from dragoman.service.texts import Text

__all__ = ["Answered", "Delivery"]

Answered = list[tuple[LineJob, Translation | FailedLine]]


class Delivery:
    """On the service's own threads.

    Args:
        lock: of the service; ``work_there``: a condition of it, for workers.
        scheduler: gets what is to be asked next.
        ledger: hears of requests that are complete.
    """

    def __init__(
        self,
        lock: threading.RLock,
        work_there: threading.Condition,
        scheduler: Scheduler[Work, Part],
        ledger: Ledger,
    ) -> None:
        self._lock, self._work_there = lock, work_there
        self._scheduler, self._ledger = scheduler, ledger

    def sort(self, answers: Sequence[tuple[LineJob, Translation | FailedLine]]) -> Answered:
        """Under the lock: queue the next steps of routes. Returns the questions that have an answer now."""
        answered: Answered = []
        for job, answer in answers:
            if job.done or job.request.ticket.done:
                continue
            job.done = True
            following = job.request.following(job, answer)
            if following is None:
                answered.append((job, answer))
            else:
                self._ask(following)
        return answered

    def advance(self, answered: Answered) -> None:
        """Without the lock: what follows from answers, further questions or complete texts."""
        complete: list[Text] = []
        for job, answer in answered:
            request, wanted = job.request, job.wanted
            if request.ticket.done:
                continue
            wanted.dialogue.answer(answer)
            with self._lock:
                following = None if request.ticket.done else request.job(wanted)
                if following is not None:
                    self._ask(following)
                elif not request.ticket.done:
                    complete = wanted.done()
            self.write(request, complete)
            complete = []

    def write(self, request: Request, complete: Sequence[Text]) -> None:
        """Without the lock: put texts together, tell who listens, and end the request if there are no others."""
        for text in complete:
            if request.ticket.done:
                return
            result = request.write(text)
            request.tell(text.number, result)
            with self._lock:
                self._ledger.counts.told(result)
                request.open -= 1
                ended = not request.open
            if ended:
                self._ledger.conclude(request)

    def _ask(self, job: LineJob) -> None:
        self._scheduler.add(job.request.ticket, job.work, [job.part()], time.monotonic())
        self._work_there.notify()
