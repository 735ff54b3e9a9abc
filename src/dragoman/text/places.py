"""From the characters that a model read and wrote to those of the texts that people see."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from dragoman.result import Span
from dragoman.text.format import Places
from dragoman.text.stand_ins import Restored, Substituted

__all__ = ["SourcePlace", "TargetPlace"]


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """From a line of a block, stand-ins in it, to the source.

    Attributes:
        by: where the line begins in the block.
        substituted: the block with stand-ins.
        places: of the block.
    """

    by: int
    substituted: Substituted
    places: Places

    def __call__(self, span: Span) -> Span:
        own = self.substituted.source_of(Span(span.start + self.by, span.stop + self.by))
        return self.places.span(own)


@dataclass(frozen=True, slots=True)
class TargetPlace:
    """From a line's translation, stand-ins in it, to the text that was written.

    Attributes:
        by: where the line's translation begins in that of the block.
        restored: the block's translation without stand-ins.
        places: of the block in the text that was written.
    """

    by: int
    restored: Restored
    places: Places

    def __call__(self, span: Span) -> Span:
        start, stop = self._restored(span.start + self.by), self._restored(span.stop + self.by)
        return self.places.span(Span(start, max(start, stop)))

    def _restored(self, offset: int) -> int:
        edges = self.restored.edges
        number = bisect_right(edges, (offset, len(self.restored.coded.text))) - 1
        before, after = edges[number] if number >= 0 else (0, 0)
        there = after + offset - before
        return min(there, edges[number + 1][1]) if number + 1 < len(edges) else there
