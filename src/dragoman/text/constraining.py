"""Texts that a translation must contain, as pieces for the search."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.backends.constraints import MOST_PHRASE_IDS, MOST_PHRASES, Phrase
from dragoman.options import Constraint
from dragoman.text.pieces import Pieces, clean

__all__ = ["phrases_of"]


def phrases_of(
    text: str, segments: Sequence[Sequence[int]], constraints: Sequence[Constraint], pieces: Pieces
) -> tuple[tuple[Phrase, ...], ...]:
    """Of each segment of a line the phrases that its translation must contain.

    One with a span belongs to the segment where that begins, others to the first. Left out are those that the
    vocabulary cannot write, and those beyond what the search takes (16 of a segment, of 64 pieces together).

    Args:
        text: of the line.
        segments: ids, as the model reads them, with the end symbol.
        constraints: of the line.
        pieces: of the model.
    """
    found: list[list[Phrase]] = [[] for _ in segments]
    if not segments:
        return ()
    written = pieces.encode_prefixes([clean(one.text) for one in constraints])
    spans = pieces.source_spans(text) if any(one.span for one in constraints) else []
    for one, ids in zip(constraints, written, strict=True):
        if not ids or pieces.target.unk_id in ids:
            continue
        first, last = one.span or (0, 0)
        touched = [number for number, (start, stop) in enumerate(spans) if start < last and first < stop]
        segment, begin, end = _place(touched, segments, reverse=pieces.right_to_left)
        own = found[segment]
        if len(own) < MOST_PHRASES and sum(len(phrase.ids) for phrase in own) + len(ids) <= MOST_PHRASE_IDS:
            own.append(Phrase(tuple(reversed(ids) if pieces.right_to_left else ids), begin, end))
    return tuple(map(tuple, found))


def _place(touched: Sequence[int], segments: Sequence[Sequence[int]], *, reverse: bool) -> tuple[int, int, int]:
    """Segment, and first and last position in it (half-open), of pieces of a line, which are numbered as they are read.

    An empty span in the first segment if there are none.
    """
    start = 0
    for segment, ids in enumerate(segments):
        size = len(ids) - 1
        if touched and touched[0] < start + size:
            begin, end = touched[0] - start, min(touched[-1] + 1 - start, size)
            return (segment, size - end, size - begin) if reverse else (segment, begin, end)
        start += size
    return 0, 0, 0
