"""A translation with some of its characters written over."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from dragoman.result import Span, Translation

__all__ = ["edited"]


def edited(translation: Translation, edits: Sequence[tuple[Span, str]]) -> Translation:
    """The translation with stretches of its best hypothesis replaced, which is the only one then.

    Args:
        edits: spans of its text, ascending, without overlap, and what is written there.
    """
    best = translation.n_best[0]
    pieces: list[str] = []
    edges = [(0, 0)]
    done = length = 0
    for (start, stop), text in edits:
        pieces += (best.text[done:start], text)
        length += start - done
        edges.append((start, length))
        length += len(text)
        edges.append((stop, length))
        done = stop
    pieces.append(best.text[done:])
    whole = "".join(pieces)

    def moved(offset: int) -> int:
        number = bisect_right(edges, (offset, len(whole))) - 1
        before, after = edges[number]
        following = edges[number + 1][1] if number + 1 < len(edges) else len(whole)
        return min(after + offset - before, following)

    spans = best.spans
    if spans is not None:
        spans = tuple(Span(moved(start), max(moved(start), moved(stop))) for start, stop in spans)
    return replace(translation, n_best=(replace(best, text=whole, spans=spans),))
