"""Where Markdown has inline text: paragraphs, headings and cells of tables, told by tree-sitter's block grammar.

The inline grammar of the same library is not used: it takes quadratic time on rows of asterisks.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from dragoman.errors import UnavailableError

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

__all__ = ["Region", "find_regions"]

_CELL = "pipe_table_cell"
_TEXTS = frozenset(("inline", _CELL))


@dataclass(frozen=True, slots=True)
class Region:
    """Inline text, or a block of HTML.

    Attributes:
        lines: stretches of the source, without what their lines begin with in lists and quotes.
        kind: "inline", "cell" or "html".
    """

    lines: tuple[tuple[int, int], ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Regions:
    """Of a text.

    Attributes:
        regions: ascending.
        labels: of link definitions, normalised.
    """

    regions: tuple[Region, ...]
    labels: frozenset[str]


@cache
def _parser() -> Parser:
    try:
        import tree_sitter
        import tree_sitter_markdown
    except ImportError as error:
        raise UnavailableError("Markdown needs the packages tree-sitter and tree-sitter-markdown.") from error
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_markdown.language()))


def normal_label(label: str) -> str:
    """How labels of links are compared."""
    return " ".join(label.split()).casefold()


def find_regions(source: str) -> Regions:
    """All inline text of a document, in order. No recursion: quotes nest as deep as they like."""
    data = source.encode("utf-8")
    tree = _parser().parse(data)
    offsets = _character_offsets(source, data)
    regions: list[Region] = []
    labels: set[str] = set()
    for node in _nodes(tree.root_node):
        if node.type in _TEXTS:
            kind = "cell" if node.type == _CELL else "inline"
            regions.append(Region(tuple(_lines(node, offsets)), kind))
        elif node.type == "html_block":
            regions.append(Region(tuple(_lines(node, offsets)), "html"))
        elif node.type == "link_label":
            label = source[offsets[node.start_byte] : offsets[node.end_byte]]
            labels.add(normal_label(label[1:-1]))
    return Regions(tuple(regions), frozenset(labels))


def _nodes(root: Node) -> Iterator[Node]:
    """Before their children, which inline text is not asked for."""
    cursor = root.walk()
    while True:
        node = cursor.node
        assert node is not None
        yield node
        if node.type not in _TEXTS and node.type != "html_block" and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _lines(node: Node, offsets: array[int] | range) -> Iterator[tuple[int, int]]:
    start = node.start_byte
    for child in node.children:
        if child.type == "block_continuation" and child.start_byte < child.end_byte:
            if start < child.start_byte:
                yield offsets[start], offsets[child.start_byte]
            start = child.end_byte
    if start < node.end_byte:
        yield offsets[start], offsets[node.end_byte]


def _character_offsets(source: str, data: bytes) -> array[int] | range:
    """Of each byte's offset that of its character."""
    if len(source) == len(data):
        return range(len(data) + 1)
    offsets = array("I")
    for number, byte in enumerate(source):
        offsets.extend([number] * len(byte.encode("utf-8")))
    offsets.append(len(source))
    return offsets
