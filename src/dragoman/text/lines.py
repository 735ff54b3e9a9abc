"""Lines of text to segments that a model can read, and what it wrote for them to translations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from dragoman.errors import OptionsError, TextTooLongError
from dragoman.options import Alignment, DecodingOptions
from dragoman.result import Hypothesis, Link, SoftAlignment, Span, Translation
from dragoman.text.composing import Shift, combine
from dragoman.text.constraining import phrases_of
from dragoman.text.cutting import cut
from dragoman.text.joints import joint
from dragoman.text.pieces import Pieces, clean
from dragoman.text.whole import LOGITS, WHOLE, Whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dragoman.backends.constraints import Phrase
    from dragoman.text.quality import Estimator

__all__ = ["Line", "RawHypothesis", "make_lines", "make_translations", "realigned"]


class RawHypothesis(Protocol):
    """What a back end returns: see `dragoman.backends.protocol`."""

    @property
    def ids(self) -> NDArray[np.int32] | memoryview: ...
    @property
    def path_score(self) -> float: ...
    @property
    def score(self) -> float: ...
    @property
    def word_scores(self) -> NDArray[np.float32] | None: ...
    @property
    def alignment(self) -> NDArray[np.float32] | None: ...
    @property
    def model_scores(self) -> tuple[float, ...]: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One text on its way.

    Attributes:
        text: as given, but clean.
        segments: ids that the model reads, the end symbol included; none for a line without pieces.
        prefix: target ids that the first segment's translation begins with.
        phrases: of each segment what its translation must contain; empty: nothing.
    """

    text: str
    segments: tuple[list[int], ...]
    prefix: tuple[int, ...] = ()
    phrases: tuple[tuple[Phrase, ...], ...] = ()


def make_lines(texts: Sequence[str], pieces: Pieces, options: DecodingOptions) -> list[Line]:
    """Encode, and cut what is too long.

    Raises:
        OptionsError: something is not a text, prefixes or constraints do not match the texts, or the model writes
            backwards and so cannot begin with a prefix.
        TextTooLongError: a line is too long, and ``long_lines`` is "refuse".
    """
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise OptionsError(f"texts[{number}]", text, "a str")
    cleaned = [clean(text) for text in texts]
    prefixes = _prefixes(len(texts), pieces, options)
    lines = [
        Line(text, _segments(ids, pieces, options), prefix)
        for text, ids, prefix in zip(cleaned, pieces.encode(cleaned), prefixes, strict=True)
    ]
    constraints = options.constraints_of(len(texts))
    if constraints is None:
        return lines
    return [
        replace(line, phrases=phrases_of(line.text, line.segments, own, pieces)) if own else line
        for line, own in zip(lines, constraints, strict=True)
    ]


def _prefixes(count: int, pieces: Pieces, options: DecodingOptions) -> list[tuple[int, ...]]:
    texts = options.prefixes(count)
    if texts is None:
        return [()] * count
    if pieces.right_to_left:
        raise OptionsError("target_prefix", options.target_prefix, "None: this model writes from the end")
    return [tuple(ids) for ids in pieces.encode_prefixes([clean(text) for text in texts])]


def _segments(ids: list[int], pieces: Pieces, options: DecodingOptions) -> tuple[list[int], ...]:
    if not ids:
        return ()
    most = options.max_length - 1
    if len(ids) <= most:
        return (pieces.finish(ids),)
    if options.long_lines == "refuse":
        raise TextTooLongError(len(ids) + 1, options.max_length)
    if options.long_lines == "crop":
        return (pieces.finish(ids[:most]),)
    spans = cut(pieces.source_tokens(ids), most, words=pieces.words)
    return tuple(pieces.finish(ids[first:last]) for first, last in spans)


def make_translations(
    lines: Sequence[Line],
    found: Sequence[Sequence[RawHypothesis]],
    pieces: Pieces,
    options: DecodingOptions,
    estimator: Estimator | None = None,
) -> list[Translation]:
    """The results of some lines.

    Args:
        lines: from `make_lines`.
        found: the hypotheses of each segment, best first; all segments of the first line, then of the next.
        pieces: of the model.
        options: as given to the back end.
        estimator: of the model, if it has one.
    """
    ids = [[raw.ids.tolist() for raw in segment] for segment in found]
    texts = iter(pieces.decode([one for segment in ids for one in segment]))
    segments = iter(
        [_hypothesis(raw, one, next(texts), pieces, options) for raw, one in zip(raws, lists, strict=True)]
        for raws, lists in zip(found, ids, strict=True)
    )
    recipe = LOGITS if options.skip_cost else WHOLE if estimator is None else Whole(estimator=estimator)
    return [_translation(line, segments, pieces, options, recipe) for line in lines]


def realigned(translation: Translation, options: DecodingOptions) -> Translation:
    """A translation made with soft alignments as if the options had asked for what they ask for."""
    wanted = _wants_spans(options)
    soft = isinstance(translation.n_best[0].alignment, SoftAlignment)
    if options.alignment == "soft" or (not soft and wanted == (translation.source_spans is not None)):
        return translation
    hypotheses = [
        replace(
            one,
            alignment=_hardened(one.alignment, options.alignment),
            spans=one.spans if wanted else None,
        )
        for one in translation.n_best
    ]
    spans = translation.source_spans if wanted else None
    return replace(translation, n_best=tuple(hypotheses), source_spans=spans)


def _hardened(
    found: SoftAlignment | tuple[Link, ...] | None, kind: Alignment
) -> SoftAlignment | tuple[Link, ...] | None:
    if kind is None or not isinstance(found, SoftAlignment):
        return None if kind is None else found
    links, first = [], 0
    for column, rows in found.blocks:
        own = _links(rows, kind if isinstance(kind, float) else None)
        links += [(column + source, first + target) for source, target in own]
        first += len(rows)
    return tuple(links)


def _wants_spans(options: DecodingOptions) -> bool:
    return options.word_scores or options.alignment is not None


def _translation(
    line: Line, segments: Iterator[list[Hypothesis]], pieces: Pieces, options: DecodingOptions, recipe: Whole
) -> Translation:
    if not line.segments:
        eos = pieces.source_tokens([pieces.source.eos_id])
        none = (Span(len(line.text), len(line.text)),) if _wants_spans(options) else None
        return Translation(line.text, eos, (_nothing(pieces, options),), none, recipe=recipe)
    parts = [next(segments) for _ in line.segments]
    return Translation(
        line.text,
        tuple(token for ids in line.segments for token in pieces.source_tokens(ids)),
        _joined(parts, [len(ids) for ids in line.segments], options),
        _source_spans(line, pieces) if _wants_spans(options) else None,
        recipe=recipe,
    )


def _joined(
    parts: Sequence[list[Hypothesis]], columns: Sequence[int], options: DecodingOptions
) -> tuple[Hypothesis, ...]:
    """Of a line that was cut: the best is the best of each segment, and so on; one with fewer repeats its last."""
    if len(parts) == 1:
        return tuple(parts[0][: options.n_best])
    found = []
    for rank in range(min(max(map(len, parts)), options.n_best)):
        row = [ranked[min(rank, len(ranked) - 1)] for ranked in parts]
        text, places = "", []
        for one in row:
            text += joint(text, one.text)
            places.append(Shift(len(text)))
            text += one.text
        found.append(combine(row, columns, text, places, options))
    return tuple(found)


def _source_spans(line: Line, pieces: Pieces) -> tuple[Span, ...]:
    """Of each token of the line's segments, in the order in which the model reads them."""
    reading = pieces.source_spans(line.text)
    spans: list[Span] = []
    start = 0
    for ids in line.segments:
        own = reading[start : start + len(ids) - 1]
        end = own[-1].stop if own else 0
        spans += reversed(own) if pieces.right_to_left else own
        spans.append(Span(end, end))
        start += len(ids) - 1
    return tuple(spans)


def _nothing(pieces: Pieces, options: DecodingOptions) -> Hypothesis:
    """The translation of nothing, as Marian forces it: the end symbol, at no cost."""
    return Hypothesis(
        text="",
        tokens=pieces.target_tokens([pieces.target.eos_id]),
        score=0.0 - options.word_penalty,
        path_score=0.0,
        model_scores=(0.0,) * max(1, len(options.weights)),
        word_scores=(0.0,) if options.word_scores else None,
        alignment=None if options.alignment is None else _alignment(_certain(), options.alignment),
        spans=(Span(0, 0),) if _wants_spans(options) else None,
    )


def _hypothesis(
    raw: RawHypothesis, ids: list[int], text: str, pieces: Pieces, options: DecodingOptions
) -> Hypothesis:
    return Hypothesis(
        text=text,
        tokens=pieces.target_tokens(ids),
        score=raw.score,
        path_score=raw.path_score,
        model_scores=tuple(raw.model_scores or (raw.path_score,)),
        word_scores=_word_scores(raw) if options.word_scores else None,
        alignment=_alignment(raw.alignment, options.alignment),
        spans=pieces.target_spans(ids, text) if _wants_spans(options) else None,
    )


def _word_scores(raw: RawHypothesis) -> tuple[float, ...] | None:
    return None if raw.word_scores is None else tuple(raw.word_scores.tolist())


def _alignment(
    matrix: NDArray[np.float32] | None, kind: Alignment
) -> SoftAlignment | tuple[Link, ...] | None:
    if kind is None or matrix is None:
        return None
    if kind == "soft":
        return SoftAlignment(matrix.shape[1], ((0, _read_only(matrix)),))
    return tuple(_links(matrix, kind if isinstance(kind, float) else None))


def _certain() -> NDArray[np.float32]:
    """One token aligned with one."""
    import numpy as np

    return np.ones((1, 1), np.float32)


def _links(matrix: NDArray[np.float32], threshold: float | None) -> list[Link]:
    """Sorted by source, then by target (marian-semantics 5.1). Without a threshold one for each target token,
    the first of equal weights."""
    if threshold is None:
        return sorted((int(source), target) for target, source in enumerate(matrix.argmax(axis=1)))
    import numpy as np

    above = np.argwhere(np.float32(threshold) < matrix.T)
    return [(source, target) for source, target in above.tolist()]


def _read_only(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    view = matrix.view()
    view.flags.writeable = False
    return view
