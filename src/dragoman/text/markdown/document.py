"""Markdown: read into blocks and written back with every other byte as it was."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from dragoman.text.blocks import BlockBuilder
from dragoman.text.codes import CodedText, CodeKind, Span
from dragoman.text.format import Block, Places, Written
from dragoman.text.html.layout import lay_out
from dragoman.text.markdown.escaping import escaped, inset_escapes
from dragoman.text.markdown.inlines import Item, Kind, read_inlines
from dragoman.text.markdown.regions import Region, find_regions
from dragoman.text.references import ESCAPES
from dragoman.text.writing import render, write_blocks

__all__ = ["Document", "read_markdown"]

_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]:[ \t]*")
_NOTE = re.compile(r"\[![A-Za-z]+\][-+]?[ \t]*")
_KEPT_LINE = re.compile(
    r"[ \t]*(?::{3,}|!{3}|\?{3}\+?)[^\n]*"  # of an admonition
    r"|[ \t]*\$\$[^\n]*|\\(?:begin|end)\{[^\n]*"
    r"|(?:import\s[^\n]*\sfrom\s|export\s+(?:default|const|function)\b)[^\n]*"  # MDX
    r"|[ \t]*(?:\{\{[^\n]*\}\}|\{%[^\n]*%\})[ \t]*\r?"  # short codes on a line of their own
)


def read_markdown(source: str) -> Document:
    """A document. Anything is accepted.

    Raises:
        UnavailableError: the parser is not installed.
    """
    return Document(source)


class Document:
    """A `dragoman.text.format.MarkedText` over the bytes of its source."""

    def __init__(self, source: str) -> None:
        self._source = source
        walk = _Walk(source)
        walk.run()
        order = sorted(range(len(walk.found)), key=lambda number: walk.found[number][0].span)
        found = [walk.found[number] for number in order]
        self._blocks = tuple(block for block, _, _ in found)
        self._kinds = [kind for _, kind, _ in found]
        self._insets = {number: mark for number, (_, _, mark) in enumerate(found) if mark is not None}
        self._labels = walk.labels

    @property
    def blocks(self) -> Sequence[Block]:
        """Text and descriptions of pictures, in the order of the source."""
        return self._blocks

    def write(self, translated: Sequence[CodedText | None]) -> Written:
        """See `dragoman.text.format.MarkedText.write`."""

        def renderer(number: int, coded: CodedText, offset: int) -> tuple[str, Places]:
            kind = self._kinds[number]
            if kind == "html":
                return render(coded, offset, ESCAPES)
            if number in self._insets:
                return render(coded, offset, inset_escapes(kind))
            return escaped(coded, offset, kind, self._labels)

        return write_blocks(self._source, self._blocks, translated, renderer, insets=self._insets)


class _Walk:
    """The regions one after the other."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._builder = BlockBuilder(source)
        self.found: list[tuple[Block, str, Span | None]] = []
        """Blocks, the kind of their region, and of a picture's description the mark that it is in."""
        self.labels: frozenset[str] = frozenset()

    def run(self) -> None:
        regions = find_regions(self._source)
        self.labels = regions.labels
        for region in regions.regions:
            if region.kind == "html":
                self._add_html(region)
            else:
                for part in _parts(self._source, region):
                    self._add_inlines(_Lines(self._source, part), region.kind)

    def _add_html(self, region: Region) -> None:
        if len(region.lines) == 1:  # in a quote or a list its tags would go over what lines begin with
            begin, end = region.lines[0]
            for block in lay_out(self._source[begin:end]).texts:
                span = Span(block.span.start + begin, block.span.stop + begin)
                self.found.append((Block(block.coded, block.places.moved(begin), span), "html", None))

    def _add_inlines(self, lines: _Lines, kind: str) -> None:
        place = 0
        for item in read_inlines(lines.text, self.labels):
            if item.start < place:
                continue
            for begin, end in lines.stretches(place, item.start):
                self._builder.add_text(begin, end)
            place = item.stop
            self._add(item, lines, kind)
        for begin, end in lines.stretches(place, len(lines.text)):
            self._builder.add_text(begin, end)
        self._break(kind)

    def _add(self, item: Item, lines: _Lines, kind: str) -> None:
        begin, end = lines.span(item.start, item.stop)
        match item.kind:
            case Kind.REFERENCE:
                self._builder.add_reference(item.shown, begin, end)
            case Kind.STAND_IN:
                self._builder.add_stand_in(item.shown, begin, end)
            case Kind.BREAK:
                self._break(kind)
            case Kind.MARK:
                self._builder.add_mark(CodeKind.EMPTY, begin, end)
                if item.inset:
                    self._add_inset(item.inset, lines, kind, Span(begin, end))
            case Kind.OPEN | Kind.CLOSE:
                way = CodeKind.OPEN if item.kind is Kind.OPEN else CodeKind.CLOSE
                self._builder.add_mark(way, begin, end, item.pair, item.raw)

    def _add_inset(self, inset: tuple[int, int], lines: _Lines, kind: str, mark: Span) -> None:
        builder = BlockBuilder(self._source)
        for begin, end in lines.stretches(*inset):
            builder.add_text(begin, end)
        block = builder.take()
        if block is not None:
            self.found.append((block, kind, mark))

    def _break(self, kind: str) -> None:
        block = self._builder.take()
        if block is not None:
            self.found.append((block, kind, None))


class _Lines:
    """The lines of a region as one text, and the way back to the source."""

    def __init__(self, source: str, lines: Sequence[tuple[int, int]]) -> None:
        self.text = "".join(source[start:stop] for start, stop in lines)
        self._lines = lines
        self._starts: list[int] = []
        place = 0
        for start, stop in lines:
            self._starts.append(place)
            place += stop - start

    def stretches(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """A stretch of the text as stretches of the source."""
        number = max(0, bisect_right(self._starts, start) - 1)
        while start < stop:
            begin, end = self._lines[number]
            shift = begin - self._starts[number]
            last = min(stop, end - shift)
            yield start + shift, last + shift
            start, number = last, number + 1

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """A stretch of the text, not empty, with what lines begin with in it."""
        stretches = list(self.stretches(start, stop))
        return stretches[0][0], stretches[-1][1]


def _parts(source: str, region: Region) -> Iterator[list[tuple[int, int]]]:
    """Lines that are read together: without labels of footnotes and of notes in quotes, and without lines that are
    kept."""
    part: list[tuple[int, int]] = []
    is_first = True
    for start, stop in region.lines:
        while start < stop:
            end = source.find("\n", start, stop) + 1 or stop
            label = _FOOTNOTE.match(source, start, end) or (_NOTE.match(source, start, end) if is_first else None)
            if label:
                if part:
                    yield part
                part, start = [], label.end()
            is_first = False
            if _KEPT_LINE.fullmatch(source, start, end - (source[end - 1] == "\n")):
                if part:
                    yield part
                part = []
            elif start < end:
                part.append((start, end))
            start = end
    if part:
        yield part
