"""From the characters that a model read and wrote to those of the texts that people see."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass

from dragoman.result import Span
from dragoman.text.stand_ins import Restored, Substituted

__all__ = ["SourcePlace", "TargetPlace"]


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """From a line of a block, stand-ins in it, to the source.

    Attributes:
        by: where the line begins in the block.
        substituted: the block with stand-ins.
        origins: as of `dragoman.text.format.Block`.
        text: the source.
    """

    by: int
    substituted: Substituted
    origins: array[int]
    text: str

    def __call__(self, span: Span) -> Span:
        own = self.substituted.source_of(Span(span.start + self.by, span.stop + self.by))
        return _in_format(own, self.origins, self.text)


@dataclass(frozen=True, slots=True)
class TargetPlace:
    """From a line's translation, stand-ins in it, to the text that was written.

    Attributes:
        by: where the line's translation begins in that of the block.
        restored: the block's translation without stand-ins.
        origins: as of `dragoman.text.format.Written`; None: the two are the same.
        text: that was written.
    """

    by: int
    restored: Restored
    origins: array[int]
    text: str

    def __call__(self, span: Span) -> Span:
        start, stop = self._restored(span.start + self.by), self._restored(span.stop + self.by)
        return _in_format(Span(start, max(start, stop)), self.origins, self.text)

    def _restored(self, offset: int) -> int:
        edges = self.restored.edges
        number = bisect_right(edges, (offset, len(self.restored.coded.text))) - 1
        before, after = edges[number] if number >= 0 else (0, 0)
        there = after + offset - before
        return min(there, edges[number + 1][1]) if number + 1 < len(edges) else there


def _in_format(span: Span, origins: array[int], text: str) -> Span:
    """Characters of a block as what they are written as: a reference such as ``&amp;`` is one."""
    most = len(origins) - 1
    start = origins[min(span.start, most)]
    if span.start >= span.stop:
        return Span(start, start)
    last, following = origins[min(span.stop, most) - 1], origins[min(span.stop, most)]
    stop = last + 1
    if text[last] == "&":
        end = text.find(";", last, following)
        stop = end + 1 if end > 0 else stop
    elif text[last] == "\\" and following - last > 1:
        stop = last + 2
    return Span(start, max(stop, start))
