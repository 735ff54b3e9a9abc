"""Paragraphs made of runs with formats: WordprocessingML, DrawingML, SpreadsheetML, and spans of OpenDocument.

Neighbouring runs of one format are one, the most common format needs no mark, every other format is a pair around its
words, and whatever is no text is a mark that stays in its place. With the translation a paragraph's runs are made
anew; a paragraph that is not changed keeps its bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from dragoman.documents.inline import InlineText
from dragoman.documents.unit import Unit
from dragoman.documents.xml_elements import Element, XmlSource

__all__ = ["Dialect", "Paragraph", "read_paragraph"]

Raw = Callable[[int, int], str]
"""Source between two offsets, with the paragraphs in it translated."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Names of a format, without prefixes.

    Attributes:
        paragraphs: elements that hold runs.
        run, properties, text: a run, its format, its words.
        around: elements around runs that stay as pairs (links, insertions).
        dropped: what is removed when a paragraph is made anew (marks of spelling).
        hidden: what is no text though it holds some (deletions, field codes): kept as it is.
        leading: what stands at the begin of a paragraph and stays there.
        ignored: parts of a format that say nothing about how words look.
    """

    paragraphs: frozenset[str]
    run: str
    properties: str
    text: str
    around: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    leading: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


@dataclass(slots=True)
class Paragraph:
    """One paragraph's words as a unit, and the way back.

    Attributes:
        start, stop: what of the source is made anew.
        unit: to be translated.
    """

    start: int
    stop: int
    unit: Unit
    _prefix: str
    _dialect: Dialect
    _common: str
    _formats: dict[int, str] = field(default_factory=dict)
    _pairs: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)
    _alone: dict[int, list[tuple[int, int, str]]] = field(default_factory=dict)
    _bare: bool = False

    def write(self, translated: str, raw: Raw) -> str:
        """The runs of a translation."""
        written, formats = [], [self._common]
        for piece in InlineText.read(self.unit, translated):
            if isinstance(piece, str):
                if piece:
                    written.append(self._run(formats[-1], piece))
            elif piece.kind == "alone":
                written += [before + raw(start, stop) for start, stop, before in self._alone.get(piece.key, [])]
            elif piece.key in self._formats:
                if piece.kind == "open":
                    formats.append(self._formats[piece.key])
                elif len(formats) > 1:
                    formats.pop()
            elif piece.key in self._pairs:
                a, b, c, d = self._pairs[piece.key]
                written.append(raw(a, b) if piece.kind == "open" else raw(c, d))
        return "".join(written)

    def _run(self, properties: str, words: str) -> str:
        text = f"{self._prefix}{self._dialect.text}"
        space = ' xml:space="preserve"' if words != words.strip() and self._dialect.text == "t" else ""
        inner = f"<{text}{space}>{escape(words)}</{text}>"
        if self._bare and not properties:
            return inner
        run = f"{self._prefix}{self._dialect.run}"
        return f"<{run}>{properties}{inner}</{run}>"


@dataclass(frozen=True, slots=True)
class _Item:
    """A part of a paragraph, in order: "text" (its words and format), "alone" (with what goes before and after it, if
    it is taken out of its run), "open" and "close" of an element around runs."""

    kind: str
    start: int
    stop: int
    words: str = ""
    format: str = ""
    head: str = ""
    tail: str = ""


@dataclass(slots=True)
class _Reader:
    xml: XmlSource
    dialect: Dialect
    paragraph: Element
    items: list[_Item] = field(default_factory=list)

    def read(self) -> None:
        """Everything directly in the paragraph, and in elements around runs, without recursion."""
        xml, dialect = self.xml, self.dialect
        todo: list[tuple[str, Element]] = [("enter", child) for child in reversed(self._children(self.paragraph))]
        while todo:
            what, element = todo.pop()
            if what == "leave":
                self.items.append(_Item("close", element.inner_stop, element.stop))
            elif element.name in dialect.leading:
                continue
            elif element.name == dialect.run:
                self._run(element)
            elif element.name == dialect.text and element.parent == self.paragraph.number:
                self.items.append(_Item("text", element.start, element.stop, xml.text(element)))
            elif element.name in dialect.around:
                content = xml.child(element, "sdtContent")
                inner = content or element
                self.items.append(_Item("open", element.start, inner.inner))
                todo.append(("leave", element))
                todo += [("enter", child) for child in reversed(self._children(inner))]
            elif element.name not in dialect.dropped:
                self.items.append(_Item("alone", element.start, element.stop))

    def _children(self, element: Element) -> list[Element]:
        return list(self.xml.children(element))

    def _run(self, run: Element) -> None:
        xml, dialect = self.xml, self.dialect
        properties = xml.child(run, dialect.properties)
        shown = "" if properties is None else self._format(properties)
        for child in self._children(run):
            if child.name == dialect.text:
                self.items.append(_Item("text", child.start, child.stop, xml.text(child), shown))
            elif child is not properties and child.name not in dialect.dropped:
                head = xml.source[run.start : run.inner] + (
                    "" if properties is None else xml.source[properties.start : properties.stop]
                )
                self.items.append(_Item("alone", child.start, child.stop, head=head, tail=f"</{run.full}>"))

    def _format(self, properties: Element) -> str:
        """Without what says nothing about the look."""
        parts, at = [], properties.start
        for child in self._children(properties):
            if child.name in self.dialect.ignored:
                parts.append(self.xml.source[at : child.start])
                at = child.stop
        found = "".join([*parts, self.xml.source[at : properties.stop]])
        empty = found.partition(">")[2].strip() in ("", f"</{properties.full}>") and " " not in found.partition(">")[0]
        return "" if empty else found


def read_paragraph(xml: XmlSource, dialect: Dialect, element: Element) -> Paragraph | None:
    """None if it holds no words."""
    reader = _Reader(xml, dialect, element)
    reader.read()
    texts = [item for item in reader.items if item.kind == "text"]
    if not any(map(str.isalpha, "".join(item.words for item in texts))):
        return None
    weight: Counter[str] = Counter()
    for item in texts:
        weight[item.format] += len(item.words.strip()) or 1
    common = weight.most_common(1)[0][0]
    leading = [child.stop for child in xml.children(element) if child.name in dialect.leading]
    prefix = element.full.rpartition(":")[0]
    bare = xml.child(element, dialect.text) is not None
    paragraph = Paragraph(
        max([element.inner, *leading]), element.inner_stop, Unit(""), f"{prefix}:" if prefix else "", dialect, common,
        _bare=bare and all(xml.source.startswith(f"<{f'{prefix}:' if prefix else ''}{dialect.text}", item.start)
                           for item in texts),
    )  # fmt: skip
    _fill(paragraph, reader.items, common)
    return paragraph


def _fill(paragraph: Paragraph, items: Sequence[_Item], common: str) -> None:
    inline, key, open_format = InlineText(), 0, 0
    opened: list[int] = []
    last_alone = False

    def end_format() -> None:
        nonlocal open_format
        if open_format:
            inline.close(open_format)
            open_format = 0

    for item in items:
        if item.kind == "text":
            if item.format == common:
                end_format()
            elif not open_format or paragraph._formats[open_format] != item.format:
                end_format()
                key += 1
                open_format = key
                paragraph._formats[key] = item.format
                inline.open(key)
            inline.text(item.words)
        elif item.kind == "alone":
            if not last_alone:
                key += 1
                inline.alone(key)
            part = paragraph._alone.setdefault(key, [])
            part.append((item.start, item.stop, item.head))
            if item.tail:
                part.append((item.stop, item.stop, item.tail))
        elif item.kind == "open":
            end_format()
            key += 1
            inline.open(key)
            opened.append(key)
            paragraph._pairs[key] = (item.start, item.stop, item.stop, item.stop)
        else:
            end_format()
            number = opened.pop()
            paragraph._pairs[number] = (*paragraph._pairs[number][:2], item.start, item.stop)
            inline.close(number)
        last_alone = item.kind == "alone"
    end_format()
    paragraph.unit = inline.unit("wrapped_text")
