"""HTML, pages and fragments: read into blocks and written back with every other byte as it was."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.text.codes import CodedText
from dragoman.text.format import Block, Places, Written
from dragoman.text.html.layout import Attribute, lay_out
from dragoman.text.references import ESCAPES
from dragoman.text.writing import Escapes, render, write_blocks

__all__ = ["Page", "read_html"]


_QUOTES = {'"': "&quot;", "'": "&#39;"}


def read_html(source: str) -> Page:
    """A page or a fragment. Anything is accepted: what is no HTML is text, or stays as it is."""
    return Page(source)


class Page:
    """A `dragoman.text.format.MarkedText` over the bytes of its source."""

    def __init__(self, source: str) -> None:
        layout = lay_out(source)
        self._source = source
        self._attributes: dict[int, Attribute] = {}
        found: list[tuple[Block, Attribute | None]] = [(block, None) for block in layout.texts]
        found += [(attribute.block, attribute) for attribute in layout.attributes]
        found.sort(key=lambda one: one[0].span)
        self._blocks = tuple(block for block, _ in found)
        self._attributes = {number: one[1] for number, one in enumerate(found) if one[1] is not None}
        self._space = {"\u00a0": "&nbsp;"} if "&nbsp;" in source or "&#160;" in source else {}
        self._escapes = {**ESCAPES, **self._space, **(_QUOTES if layout.torn else {})}

    @property
    def blocks(self) -> Sequence[Block]:
        """Text and attributes, in the order of the source."""
        return self._blocks

    def write(self, translated: Sequence[CodedText | None]) -> Written:
        """See `dragoman.text.format.MarkedText.write`."""

        def renderer(number: int, coded: CodedText, offset: int) -> tuple[str, Places]:
            attribute = self._attributes.get(number)
            if attribute is not None:
                return _value(coded, offset, attribute, self._space)
            return render(coded, offset, self._escapes)

        insets = {number: attribute.tag for number, attribute in self._attributes.items()}
        return write_blocks(self._source, self._blocks, translated, renderer, insets)


def _value(coded: CodedText, offset: int, attribute: Attribute, space: Escapes) -> tuple[str, Places]:
    """The value of an attribute, between its quotes or with new ones."""
    quote = attribute.quote or '"'
    escapes = {"&": "&amp;", "<": "&lt;", quote: _QUOTES[quote], **space}
    if attribute.quote:
        return render(coded, offset, escapes)
    shown, places = render(coded, offset + 1, escapes)
    return f'"{shown}"', places
