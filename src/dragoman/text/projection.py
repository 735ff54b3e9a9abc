"""Puts the inline codes of a segment into its translation: one way for all formats.

Text-semantics: a pair wraps what its words became, once and in one stretch; a code without words stays beside its
neighbour; white space is nobody's. Every code comes out once, lawfully nested, whatever the alignment says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dragoman.text.code_tree import Node, build_tree, written_order
from dragoman.text.codes import AlignedPart, Code, CodedText, Span
from dragoman.text.placing import Map, place_pairs
from dragoman.text.points import place_points
from dragoman.text.regions import make_regions
from dragoman.text.verify import in_proportion, problem_of

__all__ = ["Projected", "project"]


@dataclass(frozen=True, slots=True)
class Projected:
    """A translation with its codes.

    Attributes:
        coded: its codes are the source's, at new places. The width of a stand-in is that of what it became; 0 where
            the model lost it.
        warnings: what could not be kept, for a person.
    """

    coded: CodedText
    warnings: tuple[str, ...] = ()


def project(source: CodedText, translation: str, parts: Sequence[AlignedPart]) -> Projected:
    """The codes of ``source`` in its translation.

    Args:
        source: what was translated.
        translation: of the source's text.
        parts: both texts in stretches that follow each other without gaps.
    """
    if not source.codes:
        return Projected(CodedText(translation))
    if translation == source.text:
        return Projected(source)
    stand_ins = [Span(code.at, code.at + code.width) for code in source.codes if code.width]
    known = Map.of((source.text, translation), make_regions(source.text, translation, parts, stand_ins))
    root = build_tree(source, known.source)
    root.high = len(translation)
    lost = _place(root, known)
    coded = CodedText(translation, tuple(_moved(*one) for one in written_order(root)))
    problem = problem_of(source, coded)
    if problem is not None:
        return Projected(in_proportion(source, translation), (f"Marks stand in proportion: {problem}.",))
    return Projected(coded, tuple(f"No words found for {raw}" for raw in lost))


def _place(root: Node, known: Map) -> list[str]:
    """All nodes, from the root down: what is in a pair stays in it.

    Returns:
        The begins of those that lost their words.
    """
    stack, lost = [root], []
    while stack:
        node = stack.pop()
        place_pairs(node, known)
        place_points(node, known)
        for child in node.children:
            if child.low == child.high and (child.has_words or child.codes[0].width):
                lost.append(child.codes[0].raw)
        node.children.sort(key=lambda child: (child.low, child.high))
        stack.extend(child for child in node.children if child.children)
    return lost


def _moved(code: Code, at: int, stop: int) -> Code:
    return replace(code, at=at, width=stop - at)
