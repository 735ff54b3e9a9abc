"""What a text format (HTML, XML, Markdown) gives: blocks that a person reads, and a way to write translations back."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dragoman.text.codes import CodedText, Span

__all__ = ["Block", "MarkedText", "Written"]


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading, cell or attribute: what stands between two breaks of sentences.

    Attributes:
        coded: what the model reads (references decoded, white space as the format makes of it), and the inline codes.
        origins: array of unsigned 32-bit: of each character of the text, and of its end, the offset in the source.
        span: what of the source it replaces.
    """

    coded: CodedText
    origins: array[int]
    span: Span


@dataclass(frozen=True, slots=True)
class Written:
    """A text written back.

    Attributes:
        text: in the format of the source.
        origins: for each block that was given, as `Block.origins`: of each character of its translated text, and of
            its end, the offset in ``text``.
        warnings: what could not be kept, for a person.
    """

    text: str
    origins: tuple[array[int] | None, ...]
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
