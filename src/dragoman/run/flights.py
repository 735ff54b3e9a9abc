"""A batch through a model, or an ensemble, on one worker's workspace; and from hypotheses back to texts.

What `dragoman.run.translator` and the workers of a service share. No threads here, and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dragoman.backends.batch import RawHypothesis, SearchOptions
from dragoman.backends.protocol import Member
from dragoman.errors import DragomanError, OptionsError, WorkspaceError
from dragoman.model import Model
from dragoman.options import DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.run.batching import Segment, make_batch
from dragoman.run.scratch import Scratch
from dragoman.text.lines import Line, make_translations

__all__ = ["Found", "answer_lines", "check_ensemble", "run_segments", "search_options", "segments_of"]

Found = list[RawHypothesis] | DragomanError
"""Hypotheses of a segment, best first, or why there are none."""

MOST_MEMBERS = 16


def check_ensemble(models: Sequence[Model]) -> None:
    """Raises OptionsError unless the models can be an ensemble: 1 to 16, of the same vocabularies."""
    if not models or len(models) > MOST_MEMBERS:
        raise OptionsError("model", len(models), f"1 to {MOST_MEMBERS} models")
    first = models[0]
    for other in models[1:]:
        if (
            other.vocabularies != first.vocabularies
            or other.right_to_left != first.right_to_left
            or other.backend is not first.backend
        ):
            raise OptionsError(
                "model", other.files.model.name, f"of the vocabularies of {first.files.model.name}"
            )


def search_options(model: Model, options: DecodingOptions, models: int) -> SearchOptions:
    """What the back end is told. Raises OptionsError if there is not one weight for each of the models."""
    target = model.vocabularies[1]
    if len(options.weights) not in (0, models):
        raise OptionsError("weights", options.weights, f"{models} numbers, one for each model")
    return SearchOptions(
        beam_size=options.beam_size,
        normalize=options.normalize,
        word_penalty=options.word_penalty,
        eos_id=target.eos_id,
        unk_id=target.unk_id,
        allow_unk=options.allow_unk,
        never=() if options.allow_special or model.weights.facts.compat == "browsermt" else target.control_ids,
        n_best=options.n_best,
        alignment=options.alignment is not None,
        word_scores=options.word_scores,
        skip_cost=options.skip_cost,
        weights=options.weights,
    )


def segments_of(lines: Iterable[Line]) -> list[Segment]:
    """All segments of some lines; a line's prefix belongs to its first."""
    return [
        Segment(ids, () if number else line.prefix, line.phrases[number] if line.phrases else ())
        for line in lines
        for number, ids in enumerate(line.segments)
    ]


def run_segments(
    models: Sequence[Model], scratch: Scratch, segments: Sequence[Segment], options: DecodingOptions
) -> list[Found] | None:
    """Translate the segments of one batch; split before it starts where it would not fit.

    Args:
        models: one, or an ensemble.
        scratch: of the worker; nothing else uses it now.
        segments: longest first.
        options: of the call, over the model's defaults.

    Returns:
        For each segment its hypotheses, or a WorkspaceError if it does not fit even alone; None if stopped.
    """
    loaded = [model.weights.ready() for model in models]
    backend = models[0].backend
    search = search_options(models[0], options, len(models))
    weights = options.weights or (1.0,) * len(models)
    try:
        found = backend.run(
            [Member(one.placed, weight) for one, weight in zip(loaded, weights, strict=True)],
            scratch.of(backend),
            make_batch(segments, options.max_length_factor),
            search,
            shortlist=models[0].placed_shortlist,
            stop=scratch.stop,
        )
    except WorkspaceError as error:
        if len(segments) == 1:
            # Without its traceback, whose frames would keep the model alive as long as the error.
            return [error.with_traceback(None)]
        middle = len(segments) // 2
        first = run_segments(models, scratch, segments[:middle], options)
        rest = None if first is None else run_segments(models, scratch, segments[middle:], options)
        return None if first is None or rest is None else [*first, *rest]
    if found is None:
        return None
    for model, one in zip(models, loaded, strict=True):
        model.weights.check(one)
    return list(found)


def answer_lines(
    lines: Sequence[Line], results: Sequence[Found], model: Model, options: DecodingOptions
) -> list[Translation | FailedLine]:
    """Translations, and a FailedLine where a segment of the line failed.

    Args:
        lines: from `dragoman.text.lines.make_lines`.
        results: of each segment; all segments of the first line, then of the next.
        model: whose vocabularies and pieces were used.
        options: as given to `run_segments`.
    """
    answers: list[Translation | FailedLine | None] = []
    sound: list[Line] = []
    found: list[list[RawHypothesis]] = []
    rest = iter(results)
    for line in lines:
        own = [next(rest) for _ in line.segments]
        error = next((result for result in own if isinstance(result, DragomanError)), None)
        answers.append(None if error is None else FailedLine(line.text, error))
        if error is None:
            sound.append(line)
            found.extend(result for result in own if not isinstance(result, DragomanError))
    translations = iter(make_translations(sound, found, model.pieces, options, model.estimator))
    return [next(translations) if answer is None else answer for answer in answers]
