"""Which tags belong together, in HTML as people write it: end tags left out, stray, or out of order.

No tree is built, as the standard's would not have the tags of the source. Linear time, no recursion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dragoman.text.html.elements import BLOCKS, CLOSED_BY, VOID
from dragoman.text.html.tokens import Kind, Token

__all__ = ["Structure", "find_structure"]


@dataclass(frozen=True, slots=True)
class Structure:
    """By the number of a start tag's token.

    Attributes:
        ends: the number of its end tag's token, if it has one.
        extents: the number of the first token that is not in the element: behind its end tag, or where another tag
            ended it.
    """

    ends: dict[int, int] = field(default_factory=dict)
    extents: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Frame:
    """An open block, and the inline elements that began in it and are open, by name."""

    start: int
    name: str
    inline: dict[str, list[int]] = field(default_factory=dict)


def find_structure(tokens: Sequence[Token], *, self_closing: bool = False) -> Structure:
    """The elements of a text.

    Args:
        self_closing: ``<x/>`` has no content, whatever x is.
    """
    found = Structure()
    frames = [_Frame(-1, "")]
    open_blocks: dict[str, int] = {}  # how many of each name are open

    def close(end: int) -> None:
        frame = frames.pop()
        open_blocks[frame.name] -= 1
        found.extents[frame.start] = end
        for starts in frame.inline.values():
            found.extents.update(dict.fromkeys(starts, end))

    loose = 0  # no frame below this one has open inline elements
    for number, token in enumerate(tokens):
        name = token.name
        if token.kind is Kind.START:
            while frames[-1].name in CLOSED_BY.get(name, ()):
                close(number)
            if name in VOID or (self_closing and token.closed):
                continue
            if name in BLOCKS:
                frames.append(_Frame(number, name))
                open_blocks[name] = open_blocks.get(name, 0) + 1
            else:
                frames[-1].inline.setdefault(name, []).append(number)
                loose = min(loose, len(frames) - 1)
        elif token.kind is Kind.END:
            if name in BLOCKS and open_blocks.get(name):
                while frames[-1].name != name:
                    close(number)
                found.ends[frames[-1].start] = number
                close(number + 1)
            elif starts := frames[-1].inline.get(name):
                start = starts.pop()
                found.ends[start] = number
                found.extents[start] = number + 1
        elif token.kind is Kind.TORN:  # it must stay where it is, so nothing that moves may have it inside
            for frame in frames[loose:]:
                for starts in frame.inline.values():
                    found.extents.update(dict.fromkeys(starts, number))
                frame.inline.clear()
            loose = len(frames)
    while len(frames) > 1:
        close(len(tokens))
    for starts in frames[0].inline.values():
        found.extents.update(dict.fromkeys(starts, len(tokens)))
    return found
