"""Writes translated blocks back between the untouched bytes of their source."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence

from dragoman.text.codes import CodedText, Span
from dragoman.text.format import Block, Written

__all__ = ["Escapes", "Renderer", "render", "write_blocks"]

Escapes = Mapping[str, str]
"""How characters are written that a format does not let stand for themselves."""

Renderer = Callable[[int, CodedText, int], tuple[str, "array[int]"]]
"""A translated block by its number, and the offset where it will stand, to its bytes and its origins."""


def render(coded: CodedText, offset: int, escapes: Escapes) -> tuple[str, array[int]]:
    """A text with its codes.

    Returns:
        What is written, and of each character of the text, and of its end, the offset (from ``offset`` on) where it
        is; of a stand-in's characters that is the place of what took their place.
    """
    written: list[str] = []
    origins: array[int] = array("I")
    place = offset
    for start, stop, raw, width in _stretches(coded):
        for character in coded.text[start:stop]:
            shown = escapes.get(character, character)
            written.append(shown)
            origins.append(place)
            place += len(shown)
        origins.extend([place] * width)
        written.append(raw)
        place += len(raw)
    if not coded.codes or coded.codes[-1].at < len(coded.text) or coded.codes[-1].width:
        origins.append(place)
    else:
        origins.append(_end_of_text(coded, place))
    return "".join(written), origins


def _stretches(coded: CodedText) -> Iterator[tuple[int, int, str, int]]:
    """The text between two codes, and what is written behind it for how many characters."""
    place = 0
    for code in coded.codes:
        yield place, code.at, code.raw, code.width
        place = code.at + code.width
    yield place, len(coded.text), "", 0


def _end_of_text(coded: CodedText, end: int) -> int:
    """Where the last character ends if codes stand behind it."""
    for code in reversed(coded.codes):
        if code.at < len(coded.text) or code.width:
            break
        end -= len(code.raw)
    return end


def write_blocks(
    source: str,
    blocks: Sequence[Block],
    translated: Sequence[CodedText | None],
    renderer: Renderer,
    edits: Sequence[tuple[Span, str]] = (),
) -> Written:
    """The source with blocks replaced whose translation is not what they were.

    Args:
        source: what the blocks' spans count in.
        blocks: ascending by their beginning. One may lie in another, which then takes it along in its marks.
        translated: one for each block.
        renderer: of the format.
        edits: what else is replaced, outside the blocks, ascending.
    """
    pieces: list[str] = []
    origins: list[array[int] | None] = []
    waiting = iter([*edits, (Span(len(source), len(source)), "")])
    edit = next(waiting)
    place = length = 0

    def put(span: Span, shown: str) -> None:
        nonlocal place, length
        pieces.extend((source[place : span.start], shown))
        length += span.start - place + len(shown)
        place = span.stop

    for number, (block, coded) in enumerate(zip(blocks, translated, strict=True)):
        while edit[0].start < block.span.start:
            put(*edit)
            edit = next(waiting)
        if block.span.start < place:
            origins.append(None)
        elif coded is None or coded.text == block.coded.text:
            origins.append(array("I", (origin - place + length for origin in block.origins)))
        else:
            shown, own = renderer(number, coded, length + block.span.start - place)
            put(block.span, shown)
            origins.append(own)
    put(*edit)
    for edit in waiting:
        put(*edit)
    return Written("".join(pieces), tuple(origins))
