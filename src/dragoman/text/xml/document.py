"""XML, documents and fragments: read into blocks and written back with every other byte as it was.

No attribute is translated; ``translate="no"`` keeps an element as it is; the text of CDATA is translated between its
delimiters, as HTML if there are tags in it (feeds, resources of apps).
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Sequence

from dragoman.text.blocks import BlockBuilder
from dragoman.text.codes import CodedText, CodeKind, Span
from dragoman.text.format import Block, Places, Written
from dragoman.text.html.layout import lay_out
from dragoman.text.references import ESCAPES, read_xml_references
from dragoman.text.writing import render, write_blocks
from dragoman.text.xml.structure import Structure, find_structure
from dragoman.text.xml.tokens import Kind, Token, attributes_of, tokenize

__all__ = ["Document", "read_xml"]

_CDATA, _CDATA_END = "<![CDATA[", "]]>"
_TAG_IN_CDATA = re.compile(r"</?[A-Za-z][^<>]*>")
_LONGEST_STAND_IN = 200


def read_xml(source: str) -> Document:
    """A document or a fragment. Anything is accepted: what is no XML stays as it is."""
    return Document(source)


class Document:
    """A `dragoman.text.format.MarkedText` over the bytes of its source."""

    def __init__(self, source: str) -> None:
        tokens = list(tokenize(source))
        self._source = source
        walk = _Walk(source, tokens, find_structure(source, tokens))
        self._blocks = tuple(walk.run())
        self._verbatim = walk.verbatim

    @property
    def blocks(self) -> Sequence[Block]:
        """In the order of the source."""
        return self._blocks

    def write(self, translated: Sequence[CodedText | None]) -> Written:
        """See `dragoman.text.format.MarkedText.write`."""

        def renderer(number: int, coded: CodedText, offset: int) -> tuple[str, Places]:
            start = self._blocks[number].span.start
            turn = bisect_right(self._verbatim, start, key=lambda span: span.start) - 1
            return _render(coded, offset, inside=turn >= 0 and start < self._verbatim[turn].stop)

        return write_blocks(self._source, self._blocks, translated, renderer)


def _render(coded: CodedText, offset: int, *, inside: bool) -> tuple[str, Places]:
    """What is between the delimiters of CDATA is not escaped, and cannot end it.

    Args:
        inside: the delimiters are around the block.
    """
    if not inside and not any(code.raw == _CDATA for code in coded.codes):
        return render(coded, offset, ESCAPES)
    written: list[str] = []
    starts: array[int] = array("I")
    stops: array[int] = array("I")
    place, length = 0, offset
    escapes = {} if inside else ESCAPES
    for code in (*coded.codes, None):
        stop = len(coded.text) if code is None else code.at
        shown, own = render(CodedText(coded.text[place:stop]), length, escapes)
        if not escapes and _CDATA_END in shown:
            shown = shown.replace(_CDATA_END, f"]]{_CDATA_END}{_CDATA}>")
            own = Places(array("I", [length] * len(own.starts)), array("I", [length + len(shown)] * len(own.starts)))
        starts.extend(own.starts)
        stops.extend(own.stops)
        written.append(shown)
        length += len(shown)
        if code is None:
            break
        starts.extend([length] * code.width)
        written.append(code.raw)
        length += len(code.raw)
        stops.extend([length] * code.width)
        place = code.at + code.width
        escapes = {} if inside or code.raw == _CDATA else ESCAPES
    return "".join(written), Places(starts, stops)


class _Walk:
    """One way through the tokens."""

    def __init__(self, source: str, tokens: Sequence[Token], structure: Structure) -> None:
        self._source = source
        self._tokens = tokens
        self._structure = structure
        self._starts = {end: start for start, end in structure.ends.items()}
        self._builder = BlockBuilder(source)
        self._blocks: list[Block] = []
        self.verbatim: list[Span] = []
        """Texts of CDATA."""

    def run(self) -> list[Block]:
        preserved: list[tuple[int, bool]] = [(len(self._tokens), False)]  # until where white space counts
        number = 0
        while number < len(self._tokens):
            token = self._tokens[number]
            while preserved[-1][0] <= number:
                preserved.pop()
            self._builder.collapse = not preserved[-1][1]
            if token.kind in (Kind.START, Kind.EMPTY):
                values = self._values(token)
                extent = self._structure.extents.get(number, number + 1)
                if values.get("translate") == "no":
                    self._keep(number, extent)
                    number = extent
                    continue
                if "xml:space" in values:
                    preserved.append((extent, values["xml:space"] == "preserve"))
            self._add(number, token)
            number += 1
        self._break()
        return self._blocks

    def _values(self, token: Token) -> dict[str, str]:
        if token.stop - token.start < len(token.name) + len("< translate='no'>"):
            return {}
        return {name: self._source[start:stop] for name, start, stop in attributes_of(self._source, token)}

    def _break(self) -> None:
        block = self._builder.take()
        if block is not None:
            self._blocks.append(block)

    def _keep(self, number: int, extent: int) -> None:
        start, stop = self._tokens[number].start, self._tokens[extent - 1].stop
        if number not in self._structure.inline:
            self._break()
            return
        texts = [token for token in self._tokens[number:extent] if token.kind is Kind.TEXT]
        pieces = [
            self._source[begin:end] if meant is None else meant
            for token in texts
            for begin, end, meant in read_xml_references(self._source, token.start, token.stop)
        ]
        shown = " ".join("".join(pieces).split())
        if 0 < len(shown) <= _LONGEST_STAND_IN:
            self._builder.add_stand_in(shown, start, stop)
        else:
            self._builder.add_mark(CodeKind.EMPTY, start, stop)

    def _add(self, number: int, token: Token) -> None:
        builder, start, stop = self._builder, token.start, token.stop
        if token.kind is Kind.TEXT:
            self._add_text(start, stop)
        elif token.kind is Kind.CDATA:
            self._add_cdata(number, start, stop)
        elif token.kind is Kind.OTHER:
            builder.add_mark(CodeKind.EMPTY, start, stop)
        elif token.kind is Kind.BREAK:
            self._break()
        elif token.kind is Kind.END:
            begin = self._starts.get(number, -1)
            if begin in self._structure.inline:
                builder.add_mark(CodeKind.CLOSE, start, stop, begin)
            else:
                self._break()
        elif number not in self._structure.inline:
            self._break()
        elif token.kind is Kind.EMPTY:
            builder.add_mark(CodeKind.EMPTY, start, stop)
        else:
            builder.add_mark(CodeKind.OPEN, start, stop, number if number in self._structure.ends else -1)

    def _add_text(self, start: int, stop: int) -> None:
        for begin, end, meant in read_xml_references(self._source, start, stop):
            if meant is None:
                self._builder.add_text(begin, end)
            elif meant:
                self._builder.add_reference(meant, begin, end)
            else:
                self._builder.add_stand_in(self._source[begin + 1 : end - 1], begin, end)

    def _add_cdata(self, number: int, start: int, stop: int) -> None:
        begin, end = start + len(_CDATA), stop - len(_CDATA_END)
        if _TAG_IN_CDATA.search(self._source, begin, end):
            self._break()
            self._blocks += (_moved(block, begin) for block in lay_out(self._source[begin:end]).texts)
            return
        self.verbatim.append(Span(begin, end))
        self._builder.add_mark(CodeKind.OPEN, start, begin, number)
        self._builder.add_text(begin, end)
        self._builder.add_mark(CodeKind.CLOSE, end, stop, number)


def _moved(block: Block, by: int) -> Block:
    span = Span(block.span.start + by, block.span.stop + by)
    return Block(block.coded, block.places.moved(by), span)
