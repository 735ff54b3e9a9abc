"""Lines of text to segments that a model can read, and what it wrote for them to translations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dragoman.errors import OptionsError, TextTooLongError
from dragoman.options import Alignment, DecodingOptions
from dragoman.result import Hypothesis, Link, SoftAlignment, Span, Translation
from dragoman.text.cutting import cut
from dragoman.text.joints import joint
from dragoman.text.pieces import Pieces, clean
from dragoman.text.whole import LOGITS, WHOLE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Line", "RawHypothesis", "make_lines", "make_translations"]


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
    """

    text: str
    segments: tuple[list[int], ...]
    prefix: tuple[int, ...] = ()


def make_lines(texts: Sequence[str], pieces: Pieces, options: DecodingOptions) -> list[Line]:
    """Encode, and cut what is too long.

    Raises:
        OptionsError: something is not a text, prefixes do not match the texts, or the model writes backwards
            and so cannot begin with a prefix.
        TextTooLongError: a line is too long, and ``long_lines`` is "refuse".
    """
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise OptionsError(f"texts[{number}]", text, "a str")
    cleaned = [clean(text) for text in texts]
    prefixes = _prefixes(len(texts), pieces, options)
    return [
        Line(text, _segments(ids, pieces, options), prefix)
        for text, ids, prefix in zip(cleaned, pieces.encode(cleaned), prefixes, strict=True)
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
) -> list[Translation]:
    """The results of some lines.

    Args:
        lines: from `make_lines`.
        found: the hypotheses of each segment, best first; all segments of the first line, then of the next.
        pieces: of the model.
        options: as given to the back end.
    """
    ids = [[raw.ids.tolist() for raw in segment] for segment in found]
    texts = iter(pieces.decode([one for segment in ids for one in segment]))
    segments = iter(
        [_part(raw, one, next(texts), pieces, options) for raw, one in zip(raws, lists, strict=True)]
        for raws, lists in zip(found, ids, strict=True)
    )
    return [_translation(line, segments, pieces, options) for line in lines]


def _wants_spans(options: DecodingOptions) -> bool:
    return options.word_scores or options.alignment is not None


@dataclass(frozen=True, slots=True)
class _Part:
    """A hypothesis of one segment."""

    raw: RawHypothesis
    text: str
    tokens: tuple[str, ...]
    spans: tuple[Span, ...] | None


def _part(raw: RawHypothesis, ids: list[int], text: str, pieces: Pieces, options: DecodingOptions) -> _Part:
    spans = pieces.target_spans(ids, text) if _wants_spans(options) else None
    return _Part(raw, text, pieces.target_tokens(ids), spans)


def _translation(
    line: Line, segments: Iterator[list[_Part]], pieces: Pieces, options: DecodingOptions
) -> Translation:
    recipe = LOGITS if options.skip_cost else WHOLE
    if not line.segments:
        eos = pieces.source_tokens([pieces.source.eos_id])
        none = (Span(len(line.text), len(line.text)),) if _wants_spans(options) else None
        return Translation(line.text, eos, (_nothing(pieces, options),), none, recipe=recipe)
    source_tokens = tuple(token for ids in line.segments for token in pieces.source_tokens(ids))
    parts = [next(segments) for _ in line.segments]
    lengths = [len(ids) for ids in line.segments]
    count = min(max(len(ranked) for ranked in parts), options.n_best)
    # The best of a cut line is the best of each segment, and so on; one with fewer repeats its last.
    rows = [[ranked[min(rank, len(ranked) - 1)] for ranked in parts] for rank in range(count)]
    spans = _source_spans(line, pieces) if _wants_spans(options) else None
    hypotheses = tuple(_hypothesis(row, lengths, options) for row in rows)
    return Translation(line.text, source_tokens, hypotheses, spans, recipe=recipe)


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
        alignment=None if options.alignment is None else _alignment([_certain()], [1], options.alignment),
        spans=(Span(0, 0),) if _wants_spans(options) else None,
    )


def _hypothesis(parts: Sequence[_Part], lengths: Sequence[int], options: DecodingOptions) -> Hypothesis:
    raws = [part.raw for part in parts]
    scores = [raw.model_scores or (raw.path_score,) for raw in raws]
    if len(parts) == 1:
        text, tokens, path_score, score = parts[0].text, parts[0].tokens, raws[0].path_score, raws[0].score
        spans = parts[0].spans
    else:
        text, spans = _joined(parts)
        tokens = tuple(token for part in parts for token in part.tokens)
        path_score = sum(raw.path_score for raw in raws)
        score = (path_score - options.word_penalty * len(tokens)) / len(tokens) ** options.normalize
    return Hypothesis(
        text=text,
        tokens=tokens,
        score=score,
        path_score=path_score,
        model_scores=tuple(map(sum, zip(*scores, strict=True))),
        word_scores=_word_scores(raws) if options.word_scores else None,
        alignment=_alignment([raw.alignment for raw in raws], lengths, options.alignment),
        spans=spans,
    )


def _joined(parts: Sequence[_Part]) -> tuple[str, tuple[Span, ...] | None]:
    """The translations of a line's segments as one text, with a blank between them where the script has blanks."""
    text, spans = "", []
    for part in parts:
        text += joint(text, part.text)
        spans += [Span(len(text) + start, len(text) + stop) for start, stop in part.spans or ()]
        text += part.text
    return text, None if parts[0].spans is None else tuple(spans)


def _word_scores(raws: Sequence[RawHypothesis]) -> tuple[float, ...] | None:
    scores: list[float] = []
    for raw in raws:
        if raw.word_scores is None:
            return None
        scores.extend(raw.word_scores.tolist())
    return tuple(scores)


def _alignment(
    matrices: Sequence[NDArray[np.float32] | None], lengths: Sequence[int], kind: Alignment
) -> SoftAlignment | tuple[Link, ...] | None:
    """The segments' alignments as one, by numbers of the line's tokens."""
    if kind is None:
        return None
    blocks: list[tuple[int, NDArray[np.float32]]] = []
    links: list[Link] = []
    column = row = 0
    for matrix, length in zip(matrices, lengths, strict=True):
        if matrix is None:
            return None
        if kind == "soft":
            blocks.append((column, _read_only(matrix)))
        else:
            threshold = kind if isinstance(kind, float) else None
            links += [(column + source, row + target) for source, target in _links(matrix, threshold)]
        column += length
        row += len(matrix)
    return SoftAlignment(column, tuple(blocks)) if kind == "soft" else tuple(links)


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
