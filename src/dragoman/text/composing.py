"""Lines to the text that they make up: one hypothesis of the whole, with the spans, scores and alignment of its lines.

Used twice: segments of a line that was too long, and sentences of a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from dragoman.options import DecodingOptions
from dragoman.result import Hypothesis, Link, Sentence, SoftAlignment, Span, Translation
from dragoman.text.linking import Place
from dragoman.text.whole import copied_sentence, make_sentence

__all__ = ["Composed", "Part", "Shift", "combine", "compose"]


@dataclass(frozen=True, slots=True)
class Shift:
    """Where the characters of a line stand in a text that holds it unchanged."""

    by: int

    def __call__(self, span: Span) -> Span:
        return Span(span.start + self.by, span.stop + self.by)


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence in a text and in its translation.

    Attributes:
        source, target: where it stands.
        line: what a model was given and said; None: it was copied.
        source_place, target_place: from the line's characters, or those of the copy, to the text's.
    """

    source: Span
    target: Span
    line: Translation | None
    source_place: Place
    target_place: Place


@dataclass(frozen=True, slots=True)
class Composed:
    """The recipe of a text of several sentences.

    Attributes:
        parts: in order.
        probable: as of `dragoman.text.whole.Whole`.
    """

    parts: tuple[Part, ...]
    probable: bool

    def sentences(self, translation: Translation, /) -> tuple[Sentence, ...]:
        return tuple(
            copied_sentence(translation, part.source, part.target)
            if part.line is None
            else make_sentence(
                translation,
                part.line,
                part.source,
                part.target,
                part.source_place,
                part.target_place,
                self.probable,
            )
            for part in self.parts
        )


def compose(
    source: str,
    parts: Sequence[Part],
    ranked: Sequence[tuple[str, Sequence[Place]]],
    options: DecodingOptions,
    warnings: Sequence[str] = (),
) -> Translation:
    """The translation of a text.

    Args:
        source: the text.
        parts: its sentences.
        ranked: the whole translation by the best hypotheses, by the second best, and so on; and of each line's
            translation, where its characters stand in that.
        options: that the lines were translated with.
        warnings: of the whole.
    """
    read = [part for part in parts if part.line is not None]
    lines = [part.line for part in read if part.line is not None]
    columns = [len(line.source_tokens) for line in lines]
    hypotheses = [
        combine([line.n_best[min(rank, len(line.n_best) - 1)] for line in lines], columns, text, places, options)
        for rank, (text, places) in enumerate(ranked)
    ]
    spans: list[Span] | None = []
    for part, line in zip(read, lines, strict=True):
        if spans is None or line.source_spans is None:
            spans = None
            break
        spans += [part.source_place(span) for span in line.source_spans]
    return Translation(
        source=source,
        source_tokens=tuple(token for line in lines for token in line.source_tokens),
        n_best=tuple(hypotheses),
        source_spans=None if spans is None else tuple(spans),
        warnings=tuple(warnings) + tuple(warning for line in lines for warning in line.warnings),
        recipe=Composed(tuple(parts), not options.skip_cost),
    )


def combine(
    hypotheses: Sequence[Hypothesis],
    columns: Sequence[int],
    text: str,
    places: Sequence[Place],
    options: DecodingOptions,
) -> Hypothesis:
    """Several hypotheses, one behind the other, as one.

    Args:
        hypotheses: of each line; none: the text was copied.
        columns: source tokens of each line.
        text: of all.
        places: where the characters of each hypothesis' text stand in it.
        options: that they were found with.
    """
    tokens = tuple(token for one in hypotheses for token in one.tokens)
    path_score = sum(one.path_score for one in hypotheses)
    score = (path_score - options.word_penalty * len(tokens)) / max(1, len(tokens)) ** options.normalize
    models = zip(*(one.model_scores for one in hypotheses), strict=True)
    asked = options.word_scores or options.alignment is not None
    return Hypothesis(
        text=text,
        tokens=tokens,
        score=hypotheses[0].score if len(hypotheses) == 1 else score,
        path_score=path_score,
        model_scores=tuple(map(sum, models)) or (0.0,) * max(1, len(options.weights)),
        word_scores=tuple(_word_scores(hypotheses)) if options.word_scores else None,
        alignment=_alignment(hypotheses, columns, options),
        spans=tuple(_spans(hypotheses, places)) if asked else None,
    )


def _word_scores(hypotheses: Sequence[Hypothesis]) -> Iterator[float]:
    for one in hypotheses:
        yield from one.word_scores or ()


def _spans(hypotheses: Sequence[Hypothesis], places: Sequence[Place]) -> Iterator[Span]:
    for one, place in zip(hypotheses, places, strict=True):
        yield from map(place, one.spans or ())


def _alignment(
    hypotheses: Sequence[Hypothesis], columns: Sequence[int], options: DecodingOptions
) -> SoftAlignment | tuple[Link, ...] | None:
    """By numbers of the tokens of the whole."""
    if options.alignment is None or any(one.alignment is None for one in hypotheses):
        return None
    first_columns = list(accumulate(columns, initial=0))
    first_rows = accumulate((len(one.tokens) for one in hypotheses), initial=0)
    if options.alignment == "soft":
        blocks = [
            (column + start, rows)
            for column, one in zip(first_columns, hypotheses, strict=False)
            if isinstance(one.alignment, SoftAlignment)
            for start, rows in one.alignment.blocks
        ]
        return SoftAlignment(first_columns[-1], tuple(blocks))
    return tuple(
        (column + source, row + target)
        for column, row, one in zip(first_columns, first_rows, hypotheses, strict=False)
        for source, target in (one.alignment if isinstance(one.alignment, tuple) else ())
    )
