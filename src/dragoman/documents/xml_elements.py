"""XML as a flat list of elements with their places: enough to find what is text, and to change nothing else."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dragoman.errors import DocumentError
from dragoman.text.xml.tokens import Kind, Token, attributes_of, tokenize

__all__ = ["Element", "XmlSource"]

_DEEPEST = 256
"""As libxml2 has it. What looks at all that is around or inside an element is bounded by it."""


@dataclass(slots=True)
class Element:
    """One element.

    Attributes:
        name: without a prefix; ``full``: with it.
        number: its place among all, in the order of their start tags.
        parent: number of the element around it; -1 for none.
        tag: number of the token of its start tag; ``end``: of its end tag, the same for an empty element.
        start, stop: of the whole in the source.
        inner, inner_stop: of what is between its tags.
        after: number of the first element behind it.
    """

    name: str
    full: str
    number: int
    parent: int
    tag: int
    end: int
    start: int
    stop: int
    inner: int
    inner_stop: int
    after: int


class XmlSource:
    """A well-formed document. Raises DocumentError for another, and for entities of its own: nothing is expanded."""

    def __init__(self, source: str, name: str = "the XML") -> None:
        self.source = source
        self.tokens: Sequence[Token] = list(tokenize(source))
        self.elements: list[Element] = []
        self._name = name
        self._read()

    def _read(self) -> None:
        opened: list[int] = []
        for number, token in enumerate(self.tokens):
            if token.kind is Kind.BREAK and "<!ENTITY" in self.source[token.start : token.stop]:
                raise DocumentError(f"{self._name} declares entities of its own, which are not read: remove them.")
            if token.kind in (Kind.START, Kind.EMPTY):
                parent = opened[-1] if opened else -1
                name = token.name.rpartition(":")[2]
                element = Element(
                    name, token.name, len(self.elements), parent, number, number,
                    token.start, token.stop, token.stop, token.stop, len(self.elements) + 1,
                )  # fmt: skip
                if token.kind is Kind.START:
                    opened.append(element.number)
                    if len(opened) > _DEEPEST:
                        raise DocumentError(f"{self._name} is nested deeper than {_DEEPEST} (offset {token.start}).")
                self.elements.append(element)
            elif token.kind is Kind.END:
                if not opened or self.elements[opened[-1]].full != token.name:
                    raise DocumentError(f"{self._name} is not well-formed: </{token.name}> at offset {token.start}.")
                element = self.elements[opened.pop()]
                element.end, element.inner_stop, element.stop = number, token.start, token.stop
                element.after = len(self.elements)
        if opened:
            element = self.elements[opened[-1]]
            where = f"<{element.full}> at offset {element.start} has no end"
            raise DocumentError(f"{self._name} is not well-formed: {where}.")

    def named(self, *names: str) -> Iterator[Element]:
        """Elements of these names, in order."""
        return (element for element in self.elements if element.name in names)

    def within(self, element: Element) -> Iterator[Element]:
        """What is inside of it, in order."""
        for number in range(element.number + 1, element.after):
            yield self.elements[number]

    def children(self, element: Element, *names: str) -> Iterator[Element]:
        """Elements directly in it; of these names, if there are any."""
        number = element.number + 1
        while number < element.after:
            other = self.elements[number]
            if not names or other.name in names:
                yield other
            number = other.after

    def child(self, element: Element, name: str) -> Element | None:
        """The first child of a name."""
        return next(self.children(element, name), None)

    def ancestors(self, element: Element) -> Iterator[Element]:
        """From the nearest outwards."""
        while element.parent >= 0:
            element = self.elements[element.parent]
            yield element

    def attribute(self, element: Element, name: str) -> str | None:
        """A value, its references read; ``name`` with or without a prefix."""
        found = self.attribute_place(element, name)
        return None if found is None else html.unescape(self.source[found[0] : found[1]])

    def attribute_place(self, element: Element, name: str) -> tuple[int, int] | None:
        """Where a value stands."""
        for key, start, stop in attributes_of(self.source, self.tokens[element.tag]):
            if name in (key, key.rpartition(":")[2]):
                return start, stop
        return None

    def text(self, element: Element) -> str:
        """All text in it, as a person reads it."""
        return "".join(
            html.unescape(self.source[token.start : token.stop])
            if token.kind is Kind.TEXT
            else self.source[token.start + 9 : token.stop - 3]
            for token in self.tokens[element.tag : element.end]
            if token.kind in (Kind.TEXT, Kind.CDATA)
        )

    def is_root(self, name: str) -> bool:
        """Whether the outermost element has this name."""
        return bool(self.elements) and self.elements[0].name == name
