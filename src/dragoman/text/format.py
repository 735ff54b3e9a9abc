"""What a text format (HTML, XML, Markdown) gives: blocks that a person reads, and a way to write translations back."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dragoman.text.codes import CodedText, Span

__all__ = ["Block", "MarkedText", "Places", "Written"]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the characters of a text are written, in unsigned 32-bit offsets.

    Attributes:
        starts, stops: of each character what is written for it: itself, a reference, or what a stand-in stands for.
    """

    starts: array[int]
    stops: array[int]

    @classmethod
    def same(cls, length: int, offset: int = 0) -> Places:
        """Of a text that is written as it is, from ``offset`` on."""
        edges = array("I", range(offset, offset + length + 1))
        return cls(edges[:-1], edges[1:])

    def span(self, span: Span) -> Span:
        """Where a stretch of the text is written."""
        if not self.starts:
            return Span(0, 0)
        start = self.starts[span.start] if span.start < len(self.starts) else self.stops[-1]
        return Span(start, max(start, self.stops[span.stop - 1])) if span.start < span.stop else Span(start, start)

    def moved(self, by: int) -> Places:
        """The same, behind ``by`` more characters."""
        return Places(array("I", (at + by for at in self.starts)), array("I", (at + by for at in self.stops)))


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading, cell or attribute: what stands between two breaks of sentences.

    Attributes:
        coded: what the model reads (references decoded, white space as the format makes of it), and the inline codes.
        places: where the characters of the text stand in the source.
        span: what of the source it replaces.
    """

    coded: CodedText
    places: Places
    span: Span


@dataclass(frozen=True, slots=True)
class Written:
    """A text written back.

    Attributes:
        text: in the format of the source.
        places: for each block that was given, where the characters of its translated text stand in ``text``; None for
            one that went along in the marks of another.
        warnings: what could not be kept, for a person.
    """

    text: str
    places: tuple[Places | None, ...]
    warnings: tuple[str, ...] = ()


class MarkedText(Protocol):
    """A parsed text."""

    @property
    def blocks(self) -> Sequence[Block]:
        """In the order of the source."""
        ...

    def write(self, translated: Sequence[CodedText | None]) -> Written:
        """The source with its blocks replaced. None, or a block's own `coded`, leaves the source's bytes.

        Args:
            translated: one for each block, with every code of the block's `coded` once.
        """
        ...
