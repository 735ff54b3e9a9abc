"""Alignments through a language between: composed over two tokenisations of the pivot text."""

from __future__ import annotations

import numpy as np
import pytest

from dragoman.result import Hypothesis, SoftAlignment, Span, Translation
from dragoman.text.pivoting import through


def translation(
    source: str, source_spans: list[Span], text: str, spans: list[Span], rows: list[list[float]]
) -> Translation:
    soft = SoftAlignment(len(source_spans), ((0, np.array(rows, np.float32)),))
    tokens = tuple(text[start:stop] for start, stop in spans)
    best = Hypothesis(text, tokens, -1.0, -1.0, (-1.0,), None, soft, tuple(spans))
    source_tokens = tuple(source[start:stop] for start, stop in source_spans)
    return Translation(source, source_tokens, (best,), tuple(source_spans), (f"of {source}",))


FIRST = translation(
    "ab cd",
    [Span(0, 2), Span(3, 5), Span(5, 5)],
    "hello you",
    [Span(0, 5), Span(6, 9), Span(9, 9)],
    [[0.0, 1.0, 0.0], [0.75, 0.25, 0.0], [0.0, 0.0, 1.0]],
)


def test_pieces_that_differ_share_their_mass() -> None:
    # "hel", "lo yo", "u": the middle one is two characters of "hello" and two of "you".
    second = translation(
        "hello you",
        [Span(0, 3), Span(3, 8), Span(8, 9), Span(9, 9)],
        "x y",
        [Span(0, 1), Span(2, 3), Span(3, 3)],
        [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]],
    )
    found = through(FIRST, second)
    assert (found.source, found.text, found.source_tokens) == ("ab cd", "x y", FIRST.source_tokens)
    assert found.source_spans == FIRST.source_spans
    assert found.warnings == ("of ab cd", "of hello you")
    assert isinstance(found.alignment, SoftAlignment)
    expected = [[0.0, 1.0, 0.0], [0.375, 0.625, 0.0], [0.0, 0.0, 1.0]]
    assert found.alignment.array() == pytest.approx(np.array(expected))


def test_what_has_no_characters_goes_with_its_neighbour() -> None:
    second = translation(
        "hello you", [Span(0, 5), Span(5, 5), Span(6, 9)], "x", [Span(0, 1)], [[0.25, 0.5, 0.25]]
    )
    found = through(FIRST, second)
    assert isinstance(found.alignment, SoftAlignment)
    (row,) = found.alignment.array()
    assert row.sum() == pytest.approx(1)
    assert row[1] >= 0.75


def test_hard_links_are_not_composed() -> None:
    one = FIRST.n_best[0]
    hard = Hypothesis(one.text, one.tokens, -1.0, -1.0, (-1.0,), None, ((0, 0),), one.spans)
    second = Translation("hello you", ("hello you",), (hard,), (Span(0, 9),))
    assert through(FIRST, second).alignment is None
