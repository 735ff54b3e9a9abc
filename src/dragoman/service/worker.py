"""A thread with a workspace. It runs any model next, and holds one only while it runs a batch."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dragoman.errors import OptionsError, UnavailableError
from dragoman.fleet.threads import OwnThread
from dragoman.model import Model
from dragoman.run.scratch import Scratch
from dragoman.service.jobs import Outcome, fail_parts, run_parts
from dragoman.service.requests import Part, Work

if TYPE_CHECKING:
    from dragoman.memory.memory import TranslationMemory

__all__ = ["Job", "Worker", "core_of"]

_log = logging.getLogger("dragoman")


@dataclass(eq=False)
class Job:
    """A batch, and the models it runs on: given up as soon as the batch is done."""

    work: Work
    parts: Sequence[Part]
    models: tuple[Model, ...]


class Worker(OwnThread):
    """Takes jobs until there are no more.

    Args:
        number: of the worker.
        limit: most bytes of its workspace, which grows as batches need it, between batches.
        core: processor it stays on, or None.
        next_job: blocks; None: there is nothing more to do.
        finish: takes what became of a job.
        died: told why, if a defect ends the thread.
        max_sentences, max_tokens: of a batch.
    """

    def __init__(
        self,
        number: int,
        limit: int,
        core: int | None,
        next_job: Callable[[Worker], Job | None],
        finish: Callable[[Worker, Work, Outcome], None],
        died: Callable[[str], None],
        max_sentences: int,
        max_tokens: int,
        memory: TranslationMemory | None,
    ) -> None:
        super().__init__(f"dragoman-worker-{number}")
        self.scratch = Scratch(limit)
        self.parts: Sequence[Part] = ()
        """Of the batch that runs now; the service's lock guards it."""
        self.batches = 0
        self.busy_s = 0.0
        self._last_job = 0.0
        self.number = number
        self._core, self._next_job, self._finish, self._died = core, next_job, finish, died
        self._limits = {"max_sentences": max_sentences, "max_tokens": max_tokens}
        self._memory = memory

    @property
    def grown(self) -> bool:
        """Whether the workspace has more than it began with."""
        return self.scratch.grown

    def shrink_if_idle(self, seconds: float) -> None:
        """Give back what the workspace grew by, if there was no job for so long. Only between jobs."""
        if time.monotonic() - self._last_job >= seconds:
            self.scratch.free()

    def run(self) -> None:
        try:
            if self._core is not None:
                os.sched_setaffinity(0, {self._core})  # of this thread only
            self._work()
        except BaseException as error:
            _log.exception("%s failed", self.name)
            self._died(f"{self.name} failed ({type(error).__name__})")

    def _work(self) -> None:
        while True:
            job = self._next_job(self)
            if job is None:
                return
            started = time.monotonic()
            work = job.work
            try:
                outcome = run_parts(work, job.parts, job.models, self.scratch, **self._limits, memory=self._memory)
            except BaseException as error:  # a defect; but the other requests go on
                _log.exception("a batch failed")
                outcome = fail_parts(job.parts, error)
            del job  # before anybody hears of it: a model that was removed is gone when its last answer comes
            seconds = time.monotonic() - started
            self.batches += 1
            self.busy_s += seconds
            self._last_job = started + seconds
            self._finish(self, work, outcome)
            del work, outcome  # nor are results kept while there is nothing to do


def core_of(cores: Sequence[int] | None, number: int) -> int | None:
    """The processor of a worker, of those that the service may use; None: any."""
    if cores is None:
        return None
    if not hasattr(os, "sched_setaffinity"):
        raise UnavailableError("this system cannot pin threads to cores: leave `cores` out.")
    allowed = os.sched_getaffinity(0)
    if not isinstance(cores, (tuple, list, range, set, frozenset)) or not cores or not set(cores) <= allowed:
        raise OptionsError("cores", cores, f"some of {sorted(allowed)}")
    cores = sorted(cores) if isinstance(cores, (set, frozenset)) else cores
    return cores[number % len(cores)]
