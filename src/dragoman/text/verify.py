"""Whether a translation has the codes of its source, and what is written when it has not."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from dragoman.text.codes import Code, CodedText, CodeKind
from dragoman.text.words import split_words

__all__ = ["in_proportion", "problem_of"]


def problem_of(source: CodedText, translated: CodedText) -> str | None:
    """What is wrong with a translation's codes; None if nothing is.

    Each code of the source stands in it once, none beyond the text, none in what another replaces; they ascend, and
    pairs are lawfully nested if the source's are.
    """
    if Counter(map(_identity, source.codes)) != Counter(map(_identity, translated.codes)):
        return "not each mark of the source stands in it once"
    place = 0
    for code in translated.codes:
        if code.at < place or code.width < 0:
            return "marks overlap"
        place = code.at + code.width
    if place > len(translated.text):
        return "a mark stands behind the text"
    if _is_nested(source.codes) and not _is_nested(translated.codes):
        return "pairs overlap"
    return None


def _identity(code: Code) -> tuple[CodeKind, str, int]:
    return code.kind, code.raw, code.pair


def _is_nested(codes: Sequence[Code]) -> bool:
    """Whether each end closes the pair that was opened last."""
    ends = {code.pair for code in codes if code.kind is CodeKind.CLOSE}
    stack: list[int] = []
    for code in codes:
        if code.pair < 0 or code.kind is CodeKind.EMPTY:
            continue
        if code.kind is CodeKind.OPEN:
            if code.pair in ends:
                stack.append(code.pair)
        elif not stack or stack.pop() != code.pair:
            return False
    return True


def in_proportion(source: CodedText, translation: str) -> CodedText:
    """The codes in their order, as far into the translation as they were into the source, between words.

    What needs no alignment and cannot go wrong. Stand-ins replace nothing.
    """
    edges = sorted({0, len(translation)} | {edge for word in split_words(translation) for edge in word})
    length = max(1, len(source.text))
    codes = []
    for code in source.codes:
        place = code.at * len(translation) // length
        codes.append(replace(code, at=edges[min(bisect_left(edges, place), len(edges) - 1)], width=0))
    return CodedText(translation, tuple(codes))
