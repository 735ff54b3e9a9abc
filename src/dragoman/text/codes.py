"""Text and the marks in it, in one form for HTML, XML, Markdown, XLIFF, office formats and what is not translated.

A segment is what a person reads, plus inline codes in their order. A model sees the text alone;
`dragoman.text.projection` puts the codes into its translation; a format writes the result back where the segment stood.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dragoman.result import Span

__all__ = ["AlignedPart", "Code", "CodeKind", "CodedText", "Span", "TokenLinks"]


class CodeKind(StrEnum):
    OPEN = "open"
    CLOSE = "close"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Code:
    """One mark.

    Attributes:
        kind: the begin or the end of a pair, or a mark without content.
        raw: what is written for it, exactly.
        at: offset in the segment's text of the character it stands before.
        pair: number that an OPEN and its CLOSE share within the segment; -1 for others, and for an end without a begin.
        width: of an EMPTY code: how many characters of the text, from ``at``, are its stand-in. The model reads them;
            ``raw`` takes their place in the result.
    """

    kind: CodeKind
    raw: str
    at: int
    pair: int = -1
    width: int = 0


@dataclass(frozen=True, slots=True)
class CodedText:
    """A text with its codes, ascending by ``at``; codes of one place in their order of the source."""

    text: str
    codes: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenLinks:
    """Soft alignment of one sentence.

    Attributes:
        source: of each source token its span in the sentence, ascending; the end symbol has an empty span at the end.
        target: the same of the target.
        weights: [target tokens][source tokens], each row sums to about 1.
    """

    source: tuple[Span, ...]
    target: tuple[Span, ...]
    weights: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class AlignedPart:
    """One stretch of a segment and what became of it; parts follow each other without gaps on both sides.

    Attributes:
        source, target: where it stands in the segment's text and in its translation.
        links: of a translated sentence, with spans from its own beginning. None: the two are equal (white space
            between sentences, lines that are copied), or nothing is known.
    """

    source: Span
    target: Span
    links: TokenLinks | None = None
