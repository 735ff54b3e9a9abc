"""The inline codes of a segment as a tree: pairs with words, which have to be placed, and points, which stand between.

Built and read without recursion: pages nest as deep as they like.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dragoman.text.codes import Code, CodedText, CodeKind, Span
from dragoman.text.words import cut_words

__all__ = ["Node", "build_tree", "written_order"]


@dataclass(slots=True, eq=False)
class Node:
    """A pair with words, a stand-in, or a point: codes without words, which stay together.

    Attributes:
        codes: of a pair its begin and its end; of a point all of its codes, in order.
        span: where it stands in the source.
        first, last: numbers of the source words that it touches; equal for a point.
        children: in their order of the source.
        low, high: where it stands in the translation, once that is known.
    """

    codes: tuple[Code, ...]
    span: Span
    first: int = 0
    last: int = 0
    children: list[Node] = field(default_factory=list)
    low: int = 0
    high: int = 0

    @property
    def has_words(self) -> bool:
        return self.first < self.last

    @property
    def stand_in(self) -> Code | None:
        return self.codes[0] if len(self.codes) == 1 and self.codes[0].width else None


def build_tree(source: CodedText, words: Sequence[Span]) -> Node:
    """The codes of a segment below a root without codes.

    A pair that ends after the pair it began in (``<b>1<i>2</b>3</i>``) ends with it; where it would have no words
    then, its begin and its end are points.

    Args:
        words: of the source, ascending.
    """
    codes = source.codes
    root = Node((), Span(0, len(source.text)), 0, len(words))
    ends = _ends(codes)
    of_pairs = set(ends.values())
    stack = [(root, len(codes))]  # open nodes, each with the number of the code that ends it
    for number, code in enumerate(codes):
        while stack[-1][1] == number:
            stack.pop()
        parent, limit = stack[-1]
        if number in of_pairs:
            continue
        node = Node((code,), Span(code.at, code.at + code.width))
        if number in ends:
            closing = codes[ends[number]]
            limit = min(limit, ends[number])
            stop = codes[limit].at if limit < len(codes) else len(source.text)
            span = Span(code.at, min(closing.at, stop))
            first, last = cut_words(words, span)
            if limit < ends[number] and first == last:
                of_pairs.discard(ends[number])
            else:
                node = Node((code, closing), span, first, last)
                stack.append((node, limit))
        elif code.width:
            node.first, node.last = cut_words(words, node.span)
        parent.children.append(node)
    _gather_points(root)
    return root


def _ends(codes: Sequence[Code]) -> dict[int, int]:
    """Of each begin that has an end behind it, by number, the number of its end."""
    begins: dict[int, int] = {}
    ends: dict[int, int] = {}
    for number, code in enumerate(codes):
        if code.pair >= 0 and code.kind is CodeKind.OPEN:
            begins.setdefault(code.pair, number)
        elif code.pair >= 0 and code.kind is CodeKind.CLOSE and code.pair in begins:
            ends.setdefault(begins[code.pair], number)
    return ends


def _gather_points(root: Node) -> None:
    """Make one point of each pair without words and all that is in it."""
    stack = [root]
    while stack:
        node = stack.pop()
        for child in node.children:
            if child.has_words:
                stack.append(child)
            elif child.children:
                child.codes = tuple(_codes_of(child))
                child.children = []


def _codes_of(root: Node) -> Iterator[Code]:
    stack: list[Node | Code] = [root]
    while stack:
        top = stack.pop()
        if isinstance(top, Code):
            yield top
            continue
        yield from top.codes[:1]
        stack.extend(reversed(top.codes[1:]))
        stack.extend(reversed(top.children))


def written_order(root: Node) -> Iterator[tuple[Code, int, int]]:
    """The codes below a node as they are written, each with its place and the end of what it takes the place of."""
    stack: list[Node | tuple[Code, int, int]] = [root]
    while stack:
        top = stack.pop()
        if isinstance(top, tuple):
            yield top
        elif not (top.has_words or top.children):
            yield from ((code, top.low, top.low) for code in top.codes)
        elif top.stand_in:
            yield top.codes[0], top.low, top.high
        else:
            if top.codes:
                yield top.codes[0], top.low, top.low
                stack.append((top.codes[1], top.high, top.high))
            stack.extend(reversed(top.children))
