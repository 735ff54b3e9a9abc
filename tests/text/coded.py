"""Coded texts written by hand: ``[b|words]`` is a pair, ``<x>`` a mark without words, ``{x|ls}`` a stand-in."""

from __future__ import annotations

import re

from dragoman.text.codes import AlignedPart, Code, CodedText, CodeKind, Span, TokenLinks
from dragoman.text.projection import Projected, project
from dragoman.text.words import split_words

_MARK = re.compile(r"\[(\w+)\|(?=)|(\])|<([^>]*)>|\{(\w+)\|([^}]*)\}")


def coded(written: str) -> CodedText:
    """A coded text from its written form."""
    text, codes, stack, place, pairs = "", [], [], 0, 0
    for match in _MARK.finditer(written):
        text += written[place : match.start()]
        place = match.end()
        begin, end, point, name, shown = match.groups()
        if begin:
            stack.append((begin, pairs))
            codes.append(Code(CodeKind.OPEN, f"<{begin}>", len(text), pairs))
            pairs += 1
        elif end:
            begin, pair = stack.pop()
            codes.append(Code(CodeKind.CLOSE, f"</{begin}>", len(text), pair))
        elif name:
            codes.append(Code(CodeKind.EMPTY, f"<{name}/>", len(text), width=len(shown)))
            text += shown
        else:
            codes.append(Code(CodeKind.EMPTY, f"<{point}>", len(text)))
    return CodedText(text + written[place:], tuple(codes))


def marked(text: CodedText) -> str:
    """A coded text as it is written back."""
    written, place = "", 0
    for code in text.codes:
        written += text.text[place : code.at] + code.raw
        place = code.at + code.width
    return written + text.text[place:]


def aligned(source: str, target: str, order: str) -> AlignedPart:
    """One sentence whose tokens are its words. ``order``: of each target word the number of its source word."""
    ours, theirs = split_words(source), split_words(target)
    rows = []
    for number in map(int, order.split()):
        rows.append((*(0.9 if place == number else 0.1 / len(ours) for place in range(len(ours))), 0.0))
    end = (0.0,) * len(ours) + (1.0,)
    links = TokenLinks((*ours, Span(len(source), len(source))), (*theirs, Span(len(target), len(target))), (*rows, end))
    return AlignedPart(Span(0, len(source)), Span(0, len(target)), links)


def translated(written: str, target: str, order: str) -> Projected:
    source = coded(written)
    return project(source, target, [aligned(source.text, target, order)])
