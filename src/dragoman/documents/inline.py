"""Inline marks of any format as elements of XML: ``<g id="1">`` around words, ``<x id="2"/>`` for what stands alone."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from dragoman.documents.unit import Unit
from dragoman.options import Split
from dragoman.text.xml.tokens import Kind, attributes_of, tokenize

__all__ = ["InlineText", "Mark"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One end of a pair, or a mark alone. ``key``: whatever the format knows it by."""

    kind: str
    key: int


@dataclass(slots=True)
class InlineText:
    """Collects words and marks; gives them as a unit; reads the translation back.

    Marks are numbered by the caller: pairs by `open` and `close` with one number, others by `alone`.
    """

    _parts: list[str] = field(default_factory=list)
    _open: list[int] = field(default_factory=list)
    _marks: int = 0

    def text(self, words: str) -> None:
        self._parts.append(escape(words))

    def open(self, key: int) -> None:
        self._open.append(key)
        self._marks += 1
        self._parts.append(f'<g id="{key}">')

    def close(self, key: int) -> bool:
        """Returns False, and does nothing, unless this pair was opened last."""
        if not self._open or self._open[-1] != key:
            return False
        self._open.pop()
        self._parts.append("</g>")
        return True

    def alone(self, key: int) -> None:
        self._marks += 1
        self._parts.append(f'<x id="{key}"/>')

    @property
    def marked(self) -> bool:
        return self._marks > 0

    def unit(self, split: Split = "paragraph") -> Unit:
        """What is collected; plain text if there are no marks. Pairs that are still open are closed."""
        while self._open:
            self.close(self._open[-1])
        whole = "".join(self._parts)
        return Unit(whole, "xml", split) if self.marked else Unit(html.unescape(whole), "text", split)

    @staticmethod
    def read(unit: Unit, translated: str) -> Iterator[str | Mark]:
        """Words and marks of a translation, in order."""
        if unit.format == "text":
            yield translated
            return
        opened: list[int] = []
        for token in tokenize(translated):
            piece = translated[token.start : token.stop]
            if token.kind in (Kind.TEXT, Kind.BREAK):
                yield html.unescape(piece)
            elif token.kind is Kind.END:
                if opened:
                    yield Mark("close", opened.pop())
            elif token.kind in (Kind.START, Kind.EMPTY):
                ids = [translated[a:b] for name, a, b in attributes_of(translated, token) if name == "id"]
                key = int(ids[0]) if ids else -1
                if token.kind is Kind.START:
                    opened.append(key)
                yield Mark("open" if token.kind is Kind.START else "alone", key)
