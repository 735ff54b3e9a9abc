"""A request and its parts, on their way through queues, workers and models: records, without locks."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from dragoman.errors import DragomanError, OptionsError, TranslationError
from dragoman.fleet.entries import Entry
from dragoman.fleet.threads import call_back, check_may_wait
from dragoman.options import Constraint, DecodingChanges, DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.run.flights import Found
from dragoman.service.scheduler import Ticket
from dragoman.service.texts import Text, Texts, WantedLine
from dragoman.text.dialogue import PLAIN_ASK, Ask, AskKind
from dragoman.text.lines import Line

__all__ = ["Answer", "Failures", "LineJob", "Part", "Request", "Work", "make_works", "own_copy"]

Failures = Literal["raise", "keep"]
OnLine = Callable[[int, Translation | FailedLine], None]

_OF_TEXTS = ("target_prefix", "constraints")
"""Options that may be other ones for each text."""
_OF_OUTPUT = ("n_best", "alignment", "word_scores", "weights", *_OF_TEXTS)
"""Options that only make sense for the last model of a route."""
_PIECES_A_LETTER = 0.3
_PLAIN = DecodingOptions()


class Work:
    """What segments must share to run in one batch: the models (several: an ensemble) and the options."""

    __slots__ = ("_hash", "changes", "entries", "kind", "options")

    def __init__(
        self,
        entries: tuple[Entry, ...],
        options: DecodingOptions | None,
        changes: DecodingOptions,
        kind: AskKind = PLAIN_ASK,
    ) -> None:
        self.entries, self.options, self.changes, self.kind = entries, options, changes, kind
        self._hash = hash((entries, options, changes, kind))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Work)
            and self._hash == other._hash
            and self.entries == other.entries
            and self.options == other.options
            and self.changes == other.changes
            and self.kind == other.kind
        )

    @property
    def cost(self) -> float:
        """Predicted multiply-adds for each source piece."""
        beam = self.changes.beam_size if "beam_size" in self.changes.stated else 1
        return sum(entry.cost for entry in self.entries) * (1 + beam) / 2

    def asked(self, kind: AskKind) -> Work:
        """The same for questions of another kind."""
        return Work(self.entries, self.options, self.changes, kind)

    @property
    def generation(self) -> tuple[int, ...]:
        return tuple(entry.generation for entry in self.entries)

    def resolve(self, defaults: DecodingOptions) -> DecodingOptions:
        """As `DecodingOptions.of`: the changes, before the options, before the model's defaults."""
        base = defaults if self.options is None else self.options.over(defaults)
        return self.kind.options(self.changes.over(base) if self.changes.stated else base)


@dataclass(eq=False, slots=True)
class LineJob:
    """A question about a line of a request, on its way through a model.

    Attributes:
        wanted: the line.
        ask: the question.
        text: what the model of this step translates.
        step: which model of the route.
        steps: what the models before said.
        line: with its segments, once a worker has encoded it; ``generation`` of the vocabularies it used.
        found: of each segment; ``missing``, how many are not done.
        done: it was answered.
    """

    request: Request
    wanted: WantedLine
    ask: Ask
    text: str
    step: int = 0
    steps: tuple[Translation, ...] = ()
    line: Line | None = None
    generation: tuple[int, ...] = ()
    found: list[Found | None] = field(default_factory=list)
    missing: int = 0
    done: bool = False

    @property
    def work(self) -> Work:
        return self.request.works_of(self.ask)[self.step]

    @property
    def prefix(self) -> str:
        return self.ask.prefix

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """For the model that writes the translation. Behind others their spans mean nothing."""
        if not self.last or not self.step:
            return self.ask.constraints if self.last else ()
        return tuple(Constraint(one.text) for one in self.ask.constraints)

    @property
    def last(self) -> bool:
        """Whether no further model follows."""
        return self.step + 1 == len(self.request.works)

    def part(self) -> Part:
        """The whole line, not encoded yet."""
        return Part(self, -1, int(len(self.text) * _PIECES_A_LETTER) + 2)


@dataclass(eq=False, slots=True)
class Part:
    """What waits in a queue: a line not encoded yet (``segment`` is -1), or a segment of one that was."""

    job: LineJob
    segment: int
    tokens: int


class Answer(Future[Any]):
    """A request's future. What it calls back does no harm to its thread, nor to others that are to be called."""

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        super().add_done_callback(lambda future: call_back(fn, future))

    def result(self, timeout: float | None = None) -> Any:
        self._check(timeout)
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._check(timeout)
        return super().exception(timeout)

    def _check(self, timeout: float | None) -> None:
        if timeout != 0 and not self.done():
            check_may_wait("result")


@dataclass(eq=False)
class Request:
    """A caller's texts, and what became of them.

    Attributes:
        texts: taken apart.
        works: one for each model of the route, as the call says.
        linked: all alignments are needed.
        failures: "raise": the first text that failed is the request's error; "keep": a `FailedLine` each.
        single: one text was given, and one result is wanted.
        on_line: told of each text as it is done, from any thread.
        results: by number of the text.
        open: texts that are not done.
        timeout_s: for messages.
        defaults: of the last model, once one worker has it.
    """

    texts: Texts
    works: tuple[Work, ...]
    ticket: Ticket
    failures: Failures
    single: bool
    on_line: OnLine | None = None
    timeout_s: float = 0.0
    future: Answer = field(default_factory=Answer)
    started: float = field(default_factory=time.monotonic)
    results: list[Translation | FailedLine | None] = field(default_factory=list)
    open: int = 0
    defaults: DecodingOptions = _PLAIN
    linked: bool = False
    other_works: dict[AskKind, tuple[Work, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.open = len(self.texts.all)
        self.results = [None] * self.open

    @property
    def size(self) -> int:
        """Characters; a text counts one more."""
        return sum(len(text.passage.source) + 1 for text in self.texts.all)

    def parts(self) -> dict[Work, list[Part]]:
        """The lines, longest first: neighbours in a batch should be of like length."""
        jobs = [job for wanted in self.texts.lines if (job := self.job(wanted)) is not None]
        parts: dict[Work, list[Part]] = {}
        for job in sorted(jobs, key=lambda job: -len(job.text)):
            parts.setdefault(job.work, []).append(job.part())
        return parts

    def job(self, wanted: WantedLine) -> LineJob | None:
        """The open question of a line; None: its dialogue is over."""
        ask = wanted.dialogue.ask
        return None if ask is None else LineJob(self, wanted, ask, ask.text)

    def works_of(self, ask: Ask) -> tuple[Work, ...]:
        """What runs for a question."""
        kind = ask.kind._replace(linked=True) if self.linked else ask.kind
        if kind == PLAIN_ASK:
            return self.works
        if kind not in self.other_works:
            self.other_works[kind] = tuple(work.asked(kind) for work in self.works)
        return self.other_works[kind]

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(entry for work in self.works for entry in work.entries)

    def following(self, job: LineJob, answer: Translation | FailedLine) -> LineJob | None:
        """A step of a route is done. Returns the next one; None: there is the answer."""
        if isinstance(answer, Translation) and not job.last:
            return LineJob(self, job.wanted, job.ask, answer.text, job.step + 1, (*job.steps, answer))
        return None

    def write(self, text: Text) -> Translation | FailedLine:
        """The result of a complete text. Takes its time: not under a lock."""
        try:
            result = text.write(self.works[-1].resolve(self.defaults))
        except DragomanError as error:
            result = FailedLine(text.passage.source, error.with_traceback(None))
        except Exception as error:  # a defect; others wait for their texts
            known = TranslationError(f"a defect of dragoman: {type(error).__name__}: {error}")
            result = FailedLine(text.passage.source, known)
        self.results[text.number] = result
        return result

    def tell(self, number: int, result: Translation | FailedLine) -> None:
        """Who listens hears of a text."""
        if self.on_line is not None:
            call_back(self.on_line, number, result)

    def outcome(self) -> Any:
        """What the caller gets. Raises the error of the first text that failed, unless it is to be kept."""
        if self.failures == "raise":
            for result in self.results:
                if isinstance(result, FailedLine):
                    raise own_copy(result.error)
        return self.results[0] if self.single else self.results


def make_works(
    route: Sequence[tuple[Entry, ...]], options: DecodingOptions | None, changes: DecodingChanges, texts: int
) -> tuple[tuple[Work, ...], DecodingOptions, bool]:
    """One `Work` for each step of a route, what was asked for, and whether all steps need alignments.

    Raises OptionsError if an option is unknown, out of range, or does not fit the number of texts.
    """
    if options is None and not changes:  # most requests
        return tuple(Work(entries, None, _PLAIN) for entries in route), _PLAIN, False
    asked = DecodingOptions.of(options, changes, _PLAIN)
    changed = _PLAIN.replace(**changes)
    if asked.prefixes(texts) is not None and len(route) > 1:
        raise OptionsError("target_prefix", "given", "None for a route of several models")
    options, changed = _without(options, _OF_TEXTS), _without(changed, _OF_TEXTS)
    early, early_changes = _without(options, _OF_OUTPUT), _without(changed, _OF_OUTPUT)
    works = [Work(entries, early, early_changes) for entries in route[:-1]]
    linked = asked.alignment is not None and len(route) > 1
    return (*works, Work(route[-1], options, changed)), asked, linked


def _without(options: Any, names: Sequence[str]) -> Any:
    """Options as if some had not been stated."""
    if options is None or not options.stated.intersection(names):
        return options
    return DecodingOptions(**{name: getattr(options, name) for name in options.stated.difference(names)})


def own_copy(error: DragomanError) -> DragomanError:
    """The same error for another caller: raising one object twice would mix their tracebacks."""
    return copy.copy(error).with_traceback(None)
