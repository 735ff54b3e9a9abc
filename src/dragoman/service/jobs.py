"""One batch of parts of many requests, from text to translations, on one worker. No queues."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dragoman.errors import DragomanError, ModelError, TranslationError, WeightsError
from dragoman.model import Model
from dragoman.options import DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.run.batching import Segment, make_batches
from dragoman.run.flights import Found, answer_lines, check_ensemble, run_segments
from dragoman.run.scratch import Scratch
from dragoman.service.requests import LineJob, Part, Work, own_copy
from dragoman.text.lines import Line, make_lines
from dragoman.text.pivoting import through

if TYPE_CHECKING:
    from dragoman.memory.memory import TranslationMemory
    from dragoman.run.remembering import LineMemory

__all__ = ["Outcome", "fail_parts", "run_parts"]

_SLACK = 1.25
"""Lengths are estimated before a line is encoded; a batch may be so much larger than wanted."""
_counting = threading.Lock()
"""Segments of one line may be done by several workers at once; who does the last one puts it together."""


@dataclass
class Outcome:
    """What became of a batch.

    Attributes:
        answers: lines that are done.
        again: parts that did not fit, or that were stopped for the sake of others.
        tokens, sentences: that were run.
    """

    answers: list[tuple[LineJob, Translation | FailedLine]] = field(default_factory=list)
    again: list[Part] = field(default_factory=list)
    tokens: int = 0
    sentences: int = 0


def run_parts(
    work: Work,
    parts: Sequence[Part],
    models: Sequence[Model],
    scratch: Scratch,
    *,
    max_sentences: int,
    max_tokens: int,
    memory: TranslationMemory | None = None,
) -> Outcome:
    """Encode what is not encoded, translate one batch, and put together the lines that are complete.

    Args:
        work: of all parts.
        parts: of any requests; those of requests that are over are left out.
        models: of the work, in memory.
        scratch: of the worker.
        max_sentences, max_tokens: of the batch.
        memory: lines that are in it are not run, and others go into it.
    """
    outcome = Outcome()
    parts = [part for part in parts if not (part.job.done or part.job.request.ticket.done)]
    try:
        check_ensemble(models)
        options = work.resolve(models[0].defaults)
        for part in parts:
            if part.job.last:
                part.job.request.defaults = models[0].defaults
        known = None if memory is None else _line_memory(memory, models, options)
        encoded = _encoded(work, parts, models[0], options, outcome, known)
        limits = int(max_sentences * _SLACK), int(max_tokens * _SLACK)
        complete = _run(encoded, models, scratch, options, outcome, *limits)
        _assemble(complete, models[0], options, outcome, known)
    except DragomanError as error:  # of the options or the ensemble: nothing of it can run
        _fail({part.job: None for part in parts}, error, outcome)
    return outcome


def _line_memory(memory: TranslationMemory, models: Sequence[Model], options: DecodingOptions) -> LineMemory:
    from dragoman.run.remembering import LineMemory  # brings SQLite, which few need

    return LineMemory(memory, models, options)


def _encoded(
    work: Work,
    parts: Sequence[Part],
    model: Model,
    options: DecodingOptions,
    outcome: Outcome,
    memory: LineMemory | None,
) -> list[Part]:
    """Parts that are segments; lines without any, and those that are remembered, go straight to the outcome."""
    fresh = [part.job for part in parts if part.segment < 0]
    segments = [part for part in parts if part.segment >= 0]
    stale = {part.job: None for part in segments if part.job.generation != work.generation}
    if stale:
        changed = ModelError(f"{work.entries[0].name}: the model changed on disk during a request: send it again")
        _fail(stale, changed, outcome)
        segments = [part for part in segments if part.job not in stale]
    lines = _lines(fresh, model, options)
    sound = [line for line in lines if isinstance(line, Line)]
    known = iter([None] * len(sound) if memory is None else memory.recall(sound))
    for job, line in zip(fresh, lines, strict=True):
        if isinstance(line, DragomanError):
            _fail({job: None}, line, outcome)
            continue
        answer = next(known)
        if answer is not None:
            outcome.answers.append((job, _whole(job, answer)))
            continue
        job.line, job.generation = line, work.generation
        job.found = [None] * len(line.segments)
        job.missing = len(line.segments)
        segments += [Part(job, number, len(ids)) for number, ids in enumerate(line.segments)]
        if not line.segments:
            outcome.answers.append((job, _whole(job, answer_lines([line], [], model, options)[0])))
    return segments


def _lines(jobs: Sequence[LineJob], model: Model, options: DecodingOptions) -> list[Line | DragomanError]:
    """Encode; if something is wrong with one line, the others do not suffer."""
    texts = [job.text for job in jobs]
    if any(job.prefix for job in jobs):
        options = options.replace(target_prefix=tuple(job.prefix for job in jobs))
    if any(job.constraints for job in jobs):
        options = options.replace(constraints=tuple(job.constraints for job in jobs))
    try:
        return list(make_lines(texts, model.pieces, options))
    except DragomanError as error:
        if len(jobs) == 1:
            return [error.with_traceback(None)]
        base = options.replace(target_prefix=None, constraints=())
        return [_lines([job], model, base)[0] for job in jobs]


def _run(
    parts: list[Part],
    models: Sequence[Model],
    scratch: Scratch,
    options: DecodingOptions,
    outcome: Outcome,
    max_sentences: int,
    max_tokens: int,
) -> list[LineJob]:
    """The longest segments that fit into a batch; the others go back to where they came from.

    Returns the lines that are complete now.
    """
    lengths = [part.tokens for part in parts]
    batches = make_batches(lengths, max_sentences=max_sentences, max_tokens=max_tokens)
    if not batches:
        return []
    chosen = [parts[number] for number in batches[0]]
    outcome.again += [parts[number] for batch in batches[1:] for number in sorted(batch)]
    found = _found(chosen, models, scratch, options)
    if found is None:
        outcome.again[:0] = chosen
        return []
    outcome.sentences, outcome.tokens = len(chosen), sum(part.tokens for part in chosen)
    complete = []
    with _counting:
        for part, result in zip(chosen, found, strict=True):
            part.job.found[part.segment] = result
            part.job.missing -= 1
            if not part.job.missing:
                complete.append(part.job)
    return complete


def _found(
    parts: list[Part],
    models: Sequence[Model],
    scratch: Scratch,
    options: DecodingOptions,
    *,
    again: bool = False,
) -> list[Found] | None:
    segments = [_segment(part) for part in parts]
    try:
        return run_segments(models, scratch, segments, options)
    except Exception as error:
        if len(parts) > 1:  # one of them may be to blame: each for itself
            found: list[Found] = []
            for part in parts:
                one = _found([part], models, scratch, options)
                if one is None:
                    return None
                found += one
            return found
        if isinstance(error, WeightsError) and not again:  # their file was damaged; they were made again
            return _found(parts, models, scratch, options, again=True)
        known = error if isinstance(error, DragomanError) else TranslationError(f"{type(error).__name__}: {error}")
        return [own_copy(known)]


def _segment(part: Part) -> Segment:
    line = part.job.line
    assert line is not None
    phrases = line.phrases[part.segment] if line.phrases else ()
    return Segment(line.segments[part.segment], () if part.segment else line.prefix, phrases)


def _assemble(
    jobs: Sequence[LineJob], model: Model, options: DecodingOptions, outcome: Outcome, memory: LineMemory | None
) -> None:
    """Translations of lines that are complete."""
    lines = [job.line for job in jobs if job.line is not None]
    found = [result for job in jobs for result in job.found if result is not None]
    answers = answer_lines(lines, found, model, options)
    if memory is not None:
        memory.keep(lines, found, answers)
    for job, answer in zip(jobs, answers, strict=True):
        if isinstance(answer, FailedLine):
            answer = FailedLine(answer.source, own_copy(answer.error))
        outcome.answers.append((job, _whole(job, answer)))


def _whole(job: LineJob, answer: Translation | FailedLine) -> Translation | FailedLine:
    """What the last model of a route says, as a translation of what the first one read."""
    if isinstance(answer, Translation) and job.last:
        for earlier in reversed(job.steps):
            answer = through(earlier, answer)
    return answer


def _fail(jobs: dict[LineJob, None], error: DragomanError, outcome: Outcome) -> None:
    outcome.answers += [(job, FailedLine(job.text, own_copy(error))) for job in jobs]


def fail_parts(parts: Sequence[Part], error: BaseException) -> Outcome:
    """The outcome of a batch that a defect ended."""
    outcome = Outcome()
    known = TranslationError(f"a defect of dragoman: {type(error).__name__}: {error}")
    _fail({part.job: None for part in parts}, known, outcome)
    return outcome
