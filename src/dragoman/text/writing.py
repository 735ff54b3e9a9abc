"""Writes translated blocks back between the untouched bytes of their source."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from dragoman.text.codes import Code, CodedText, Span
from dragoman.text.format import Block, Places, Written
from dragoman.text.words import has_no_spaces

__all__ = ["Escapes", "Renderer", "render", "write_blocks"]

Escapes = Mapping[str, str]
"""How characters are written that a format does not let stand for themselves."""

Renderer = Callable[[int, CodedText, int], tuple[str, Places]]
"""A translated block by its number, and the offset where it will stand, to its bytes and its places."""


def render(
    coded: CodedText, offset: int, escapes: Escapes, special: Mapping[int, str] = MappingProxyType({})
) -> tuple[str, Places]:
    """A text with its codes.

    Args:
        offset: where it will stand.
        escapes: how characters are written.
        special: how the characters at some places are written.

    Returns:
        What is written, and where the characters of the text stand in it; those of a stand-in at what took their
        place.
    """
    written: list[str] = []
    starts: array[int] = array("I")
    place = offset
    stops: array[int] = array("I")
    for start, stop, raw, width in _stretches(coded):
        chunk = coded.text[start:stop]
        if not special and not any(map(chunk.__contains__, escapes)):  # most have nothing to escape
            written.append(chunk)
            starts.extend(range(place, place + len(chunk)))
            place += len(chunk)
            stops.extend(range(place - len(chunk) + 1, place + 1))
            chunk = ""
        for number, character in enumerate(chunk, start):
            shown = special.get(number) or escapes.get(character, character)
            written.append(shown)
            starts.append(place)
            place += len(shown)
            stops.append(place)
        written.append(raw)
        starts.extend([place] * width)
        place += len(raw)
        stops.extend([place] * width)
    return "".join(written), Places(starts, stops)


def _stretches(coded: CodedText) -> Iterator[tuple[int, int, str, int]]:
    """The text between two codes, and what is written behind it for how many characters."""
    place = 0
    for code in coded.codes:
        yield place, code.at, code.raw, code.width
        place = code.at + code.width
    yield place, len(coded.text), "", 0


def write_blocks(
    source: str,
    blocks: Sequence[Block],
    translated: Sequence[CodedText | None],
    renderer: Renderer,
    insets: Mapping[int, Span] = MappingProxyType({}),
) -> Written:
    """The source with blocks replaced whose translation is not what they were.

    Args:
        source: what the blocks' spans count in.
        blocks: ascending by their beginning.
        translated: one for each block.
        renderer: of the format.
        insets: blocks that are part of a mark, such as attributes, by number: what of the source is the mark.
    """
    marks = _written_marks(source, blocks, translated, renderer, insets)
    pieces: list[str] = []
    places: list[Places | None] = []
    place = length = 0

    for number, (block, coded) in enumerate(zip(blocks, translated, strict=True)):
        if block.span.start < place:
            places.append(None)
        elif coded is None or coded.text == block.coded.text:
            places.append(block.places.moved(length - place))
        else:
            coded = _with_spaces(coded, block.coded)
            if marks:
                coded = replace(coded, codes=tuple(_with_mark(code, marks) for code in coded.codes))
            shown, own = renderer(number, coded, length + block.span.start - place)
            pieces += (source[place : block.span.start], shown)
            length += block.span.start - place + len(shown)
            place = block.span.stop
            places.append(own)
    pieces.append(source[place:])
    return Written("".join(pieces), tuple(places))


def _with_spaces(coded: CodedText, source: CodedText) -> CodedText:
    """With spaces around what is kept and was not found in the translation, where it would touch a word."""
    wide = {code.raw for code in source.codes if code.width}
    if not wide:
        return coded
    codes: list[Code] = []
    last, end = "", 0  # the character before a code, and where the text is written to
    for code in coded.codes:
        last = coded.text[code.at - 1] if code.at > end else last
        raw, is_kept = code.raw, code.raw in wide
        if is_kept and not code.width:
            raw = f" {raw}" if _touches(last) else raw
            raw = f"{raw} " if _touches(coded.text[code.at : code.at + 1]) else raw
        codes.append(replace(code, raw=raw))
        last, end = ("x" if is_kept and not raw.endswith(" ") else last), code.at + code.width
    return replace(coded, codes=tuple(codes))


def _touches(character: str) -> bool:
    return character.isalnum() and not has_no_spaces(character)


def _written_marks(
    source: str,
    blocks: Sequence[Block],
    translated: Sequence[CodedText | None],
    renderer: Renderer,
    insets: Mapping[int, Span],
) -> dict[str, str]:
    """The marks with translated insets: what is written for each."""
    changed: dict[Span, list[int]] = {}
    for number, mark in insets.items():
        coded = translated[number]
        if coded is not None and coded.text != blocks[number].coded.text:
            changed.setdefault(mark, []).append(number)
    marks: dict[str, str] = {}
    for (start, stop), numbers in changed.items():
        pieces: list[str] = []
        place = start
        for number in numbers:
            coded = translated[number]
            assert coded is not None
            pieces += (source[place : blocks[number].span.start], renderer(number, coded, 0)[0])
            place = blocks[number].span.stop
        marks[source[start:stop]] = "".join(pieces) + source[place:stop]
    return marks


def _with_mark(code: Code, marks: Mapping[str, str]) -> Code:
    raw = code.raw.removesuffix(" ")  # white space that the mark took along
    return replace(code, raw=marks[raw] + code.raw[len(raw) :]) if raw in marks else code
