"""Which elements of an XML document are part of a sentence: those whose parent holds text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dragoman.text.xml.tokens import Kind, Token

__all__ = ["Structure", "find_structure"]


@dataclass(slots=True)
class _Element:
    parent: int
    has_text: bool = False
    children: int = 0


@dataclass(frozen=True, slots=True)
class Structure:
    """By the number of a start tag's token (or of that of an empty element).

    Attributes:
        ends: the number of its end tag's token, if it has one.
        extents: the number of the first token behind the element.
        inline: those that are part of a sentence.
    """

    ends: dict[int, int] = field(default_factory=dict)
    extents: dict[int, int] = field(default_factory=dict)
    inline: set[int] = field(default_factory=set)


def find_structure(source: str, tokens: Sequence[Token]) -> Structure:
    """The elements of a document or a fragment, also of one that is not well-formed. Linear time, no recursion.

    An element is inline if its parent holds text other than white space; so is the only child of an inline element
    (``see <a><b>this</b></a> page``), while several without text between them are items of a list.
    """
    found = Structure()
    elements = {-1: _Element(-1)}
    stack = [-1]
    open_names: dict[str, int] = {}

    def pop(end: int) -> None:
        number = stack.pop()
        open_names[tokens[number].name] -= 1
        found.extents[number] = end

    for number, token in enumerate(tokens):
        if token.kind in (Kind.START, Kind.EMPTY):
            elements[number] = _Element(stack[-1])
            elements[stack[-1]].children += 1
            if token.kind is Kind.START:
                stack.append(number)
                open_names[token.name] = open_names.get(token.name, 0) + 1
        elif token.kind is Kind.END and open_names.get(token.name):
            while tokens[stack[-1]].name != token.name:
                pop(number)
            found.ends[stack[-1]] = number
            pop(number + 1)
        elif token.kind is Kind.CDATA or (token.kind is Kind.TEXT and not _is_space(source, token)):
            elements[stack[-1]].has_text = True
    while len(stack) > 1:
        pop(len(tokens))
    for number, element in elements.items():
        parent = elements[element.parent]
        if number >= 0 and (parent.has_text or (element.parent in found.inline and parent.children == 1)):
            found.inline.add(number)
    return found


def _is_space(source: str, token: Token) -> bool:
    return source[token.start : token.stop].isspace()
