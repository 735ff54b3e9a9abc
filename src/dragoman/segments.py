"""Texts to segments that fit a model, and the segments' results back to translations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dragoman.backends.protocol import RawHypothesis
from dragoman.options import DecodingOptions
from dragoman.result import AlignmentLinks, Hypothesis, Translation
from dragoman.text.alignment import links
from dragoman.text.cutting import cut
from dragoman.text.pieces import Pieces

__all__ = ["Segment", "assemble", "make_segments"]


@dataclass(frozen=True)
class Segment:
    """A part of a text that is translated as one sentence.

    Attributes:
        text: number of the text it belongs to.
        ids: source ids as the model reads them, EOS last.
        prefix: forced first target ids.
    """

    text: int
    ids: list[int]
    prefix: list[int]


def make_segments(
    pieces: Pieces, texts: Sequence[str], prefixes: Sequence[str | None] | None, max_length: int
) -> list[Segment]:
    """One segment for each text; none for an empty one, several for one of more than ``max_length`` pieces (with EOS)."""
    segments = []
    for number, ids in enumerate(pieces.encode(texts)):
        if not ids:
            continue
        prefix = prefixes[number] if prefixes is not None else None
        forced = pieces.encode_target(prefix) if prefix else []
        parts = [ids] if len(ids) < max_length else cut(ids, max_length - 1, pieces.source_piece)
        for part in parts:
            segments.append(Segment(number, pieces.for_model(part), forced))
            forced = []
    return segments


def assemble(
    pieces: Pieces,
    texts: Sequence[str],
    segments: Sequence[Segment],
    results: Sequence[list[RawHypothesis]],
    options: DecodingOptions,
) -> list[Translation]:
    """Translations of all texts from the hypotheses of their segments, in the order of both."""
    decoded = iter(pieces.decode([raw.ids.tolist() for hypotheses in results for raw in hypotheses]))
    by_text: list[list[list[Hypothesis]]] = [[] for _ in texts]
    for segment, hypotheses in zip(segments, results, strict=True):
        by_text[segment.text].append([_hypothesis(pieces, raw, next(decoded), options) for raw in hypotheses])
    return [
        Translation(text, _join(parts, options) if parts else (_empty(options),))
        for text, parts in zip(texts, by_text, strict=True)
    ]


def _hypothesis(pieces: Pieces, raw: RawHypothesis, text: str, options: DecodingOptions) -> Hypothesis:
    return Hypothesis(
        text=text,
        tokens=pieces.tokens(raw.ids.tolist()),
        score=raw.score,
        path_score=raw.path_score,
        word_scores=raw.word_scores,
        alignment=_alignment(raw.alignment, options),
        soft_alignment=raw.alignment,
    )


def _alignment(
    matrix: NDArray[np.float32] | None, options: DecodingOptions
) -> NDArray[np.float32] | AlignmentLinks | None:
    if matrix is None or options.alignment is None:
        return None
    if options.alignment == "soft":
        return matrix
    return links(matrix, options.alignment if isinstance(options.alignment, float) else None)


def _empty(options: DecodingOptions) -> Hypothesis:
    """Marian answers an empty line with the end symbol alone, at score 0."""
    matrix = np.ones((1, 1), np.float32) if options.alignment is not None else None
    words = np.zeros(1, np.float32) if options.word_scores else None
    return Hypothesis("", (), 0.0, 0.0, words, _alignment(matrix, options), matrix)


def _join(parts: list[list[Hypothesis]], options: DecodingOptions) -> tuple[Hypothesis, ...]:
    """The hypotheses of a text from those of its parts, rank by rank; a part with fewer gives its last again."""
    if len(parts) == 1:
        return tuple(parts[0])
    ranks = max(len(part) for part in parts)
    return tuple(_join_rank([part[min(rank, len(part) - 1)] for part in parts], options) for rank in range(ranks))


def _join_rank(parts: list[Hypothesis], options: DecodingOptions) -> Hypothesis:
    """Texts joined by spaces, scores added, alignments side by side: a part's end symbol stays a piece of its own."""
    words = [part.word_scores for part in parts if part.word_scores is not None]
    matrices = [part.soft_alignment for part in parts if part.soft_alignment is not None]
    matrix = None
    if matrices:
        matrix = np.zeros(np.sum([own.shape for own in matrices], axis=0), np.float32)
        row = column = 0
        for own in matrices:
            matrix[row : row + own.shape[0], column : column + own.shape[1]] = own
            row, column = row + own.shape[0], column + own.shape[1]
    return Hypothesis(
        text=" ".join(part.text for part in parts if part.text),
        tokens=tuple(token for part in parts for token in part.tokens),
        score=sum(part.score for part in parts),
        path_score=sum(part.path_score for part in parts),
        word_scores=np.concatenate(words) if words else None,
        alignment=_alignment(matrix, options),
        soft_alignment=matrix,
    )
