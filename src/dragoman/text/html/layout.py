"""HTML in blocks that a person reads, with inline tags as codes: elements that break sentences end a block."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dragoman.text.blocks import BlockBuilder
from dragoman.text.codes import CodeKind, Span
from dragoman.text.format import Block
from dragoman.text.html.elements import (
    BLOCKS,
    OPAQUE,
    PRESERVED,
    READ_INLINE,
    SILENT,
    VOID,
    is_translated_attribute,
)
from dragoman.text.html.structure import Structure, find_structure
from dragoman.text.html.tokens import Kind, Token, attributes_of, tokenize
from dragoman.text.references import read_references

__all__ = ["Attribute", "Layout", "lay_out"]

_LONGEST_STAND_IN = 200


@dataclass(frozen=True, slots=True)
class Attribute:
    """A block that is an attribute's value.

    Attributes:
        block: its text.
        quote: around it in the source; none if empty.
        tag: what of the source moves with it, the tag or an element that is kept as it is.
    """

    block: Block
    quote: str
    tag: Span


@dataclass(frozen=True, slots=True)
class Layout:
    """A page.

    Attributes:
        texts, attributes: the blocks, each ascending.
        torn: a quote in a tag never ends, so that none may be written.
    """

    texts: Sequence[Block]
    attributes: Sequence[Attribute]
    torn: bool


def lay_out(source: str) -> Layout:
    """The blocks of a page or a fragment. Linear time; anything is accepted."""
    self_closing = source.lstrip("\ufeff \t\r\n").startswith("<?xml")
    tokens = list(tokenize(source, self_closing=self_closing))
    return _Walk(source, tokens, find_structure(tokens, self_closing=self_closing)).run()


class _Walk:
    """One way through the tokens."""

    def __init__(self, source: str, tokens: Sequence[Token], structure: Structure) -> None:
        self._source = source
        self._tokens = tokens
        self._ends = structure.ends
        self._starts = {end: start for start, end in structure.ends.items()}
        self._extents = structure.extents
        self._builder = BlockBuilder(source)
        self._texts: list[Block] = []
        self._attributes: list[Attribute] = []
        self._switched_on: list[int] = []
        self._switches: dict[int, bool] = {}
        self._torn = any(token.kind is Kind.TORN for token in tokens)
        self._find_switches()

    def _find_switches(self) -> None:
        """Which elements say themselves whether they are translated."""
        for number, token in enumerate(self._tokens):
            if token.kind is not Kind.START:
                continue
            tag = self._source[token.start : token.stop].lower()
            if "translate" not in tag:
                continue
            values = self._values(token)
            if "notranslate" in values.get("class", "").split():
                self._switches[number] = False
            if values.get("translate", "-").strip().lower() in ("no", "yes", ""):
                self._switches[number] = values["translate"].strip().lower() != "no"
            if self._switches.get(number):
                self._switched_on.append(number)

    def _values(self, token: Token) -> dict[str, str]:
        values: dict[str, str] = {}
        for name, start, stop, _ in attributes_of(self._source, token):
            values.setdefault(name, self._source[start:stop])
        return values

    def run(self) -> Layout:
        tokens, builder = self._tokens, self._builder
        regions = [(len(tokens), True)]  # where the elements end that switched translation, and whether it is on
        preserved = 0
        number = 0
        while number < len(tokens):
            token = tokens[number]
            while regions[-1][0] <= number:
                regions.pop()
                self._break()
            builder.collapse = number >= preserved
            if token.kind is Kind.START:
                extent = self._extents.get(number, number + 1)
                switch = self._switches.get(number, token.name not in OPAQUE and regions[-1][1])
                has_island = self._has_island(number, extent)
                if not regions[-1][1] or not switch:
                    if has_island or switch:
                        self._break()
                        regions.append((extent, switch))
                    else:
                        self._keep(number, extent)
                        number = extent
                        continue
                if token.name in PRESERVED and switch:
                    preserved = max(preserved, extent)
            if regions[-1][1]:
                self._add(number, token)
            number += 1
        self._break()
        self._attributes.sort(key=lambda attribute: attribute.block.span)
        return Layout(self._texts, self._attributes, self._torn)

    def _has_island(self, number: int, extent: int) -> bool:
        """Whether an element inside switches translation on."""
        turn = bisect_left(self._switched_on, number + 1)
        return turn < len(self._switched_on) and self._switched_on[turn] < extent

    def _break(self) -> None:
        block = self._builder.take()
        if block is not None:
            self._texts.append(block)

    def _keep(self, number: int, extent: int) -> None:
        """An element that stays as it is: part of its sentence, or what breaks one."""
        token = self._tokens[number]
        stop = self._tokens[extent - 1].stop
        if number not in self._switches:
            self._add_attributes(token, Span(token.start, stop))
        is_open = number in self._extents and number not in self._ends  # it may end in half a tag: it must not move
        if token.name in BLOCKS or is_open:
            self._break()
            return
        shown = ""
        if token.name not in SILENT and (token.name in READ_INLINE or token.name not in OPAQUE):
            shown = self._shown(number + 1, extent)
        if shown:
            self._builder.add_stand_in(shown, token.start, stop)
        else:
            self._builder.add_mark(CodeKind.EMPTY, token.start, stop)

    def _shown(self, first: int, last: int) -> str:
        """The text of some tokens on one line; empty if that is too long to be read as a word."""
        pieces: list[str] = []
        length = 0
        for token in self._tokens[first:last]:
            if token.kind is Kind.TEXT:
                pieces += self._decoded(token)
                length += token.stop - token.start
                if length > 10 * _LONGEST_STAND_IN:
                    return ""
        shown = " ".join("".join(pieces).split())
        return shown if len(shown) <= _LONGEST_STAND_IN else ""

    def _decoded(self, token: Token) -> Iterator[str]:
        for start, stop, meant in read_references(self._source, token.start, token.stop):
            yield self._source[start:stop] if meant is None else meant

    def _add(self, number: int, token: Token) -> None:
        """A token that is translated, or marks what is."""
        builder, name = self._builder, token.name
        if token.kind is Kind.TEXT or token.kind is Kind.RAW:
            _add_text(builder, self._source, token.start, token.stop)
        elif token.kind is Kind.TORN:
            self._break()  # no quote may come behind it that is in front of it now
        elif token.kind is Kind.OTHER:
            builder.add_mark(CodeKind.EMPTY, token.start, token.stop)
        elif name in BLOCKS:
            self._break()
        elif token.kind is Kind.END:
            builder.add_mark(CodeKind.CLOSE, token.start, token.stop, self._starts.get(number, -1))
        elif name in VOID or (token.closed and number not in self._ends):
            builder.add_mark(CodeKind.EMPTY, token.start, token.stop)
        else:
            builder.add_mark(CodeKind.OPEN, token.start, token.stop, number if number in self._ends else -1)
        if token.kind is Kind.START:
            self._add_attributes(token, Span(token.start, token.stop))

    def _add_attributes(self, token: Token, tag: Span) -> None:
        if token.stop - token.start < len(token.name) + 6:
            return
        values = self._values(token)
        seen: set[str] = set()
        for name, start, stop, quote in attributes_of(self._source, token):
            if (
                start == stop
                or name in seen
                or (self._torn and not quote)
                or not is_translated_attribute(token.name, name, values)
            ):
                continue
            seen.add(name)
            builder = BlockBuilder(self._source)
            _add_text(builder, self._source, start, stop)
            block = builder.take()
            if block is not None:
                self._attributes.append(Attribute(block, quote, tag))


def _add_text(builder: BlockBuilder, source: str, start: int, stop: int) -> None:
    for begin, end, meant in read_references(source, start, stop):
        if meant is None:
            builder.add_text(begin, end)
        else:
            builder.add_reference(meant, begin, end)
