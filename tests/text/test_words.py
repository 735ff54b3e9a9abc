"""What inline codes wrap: words by script."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.text.codes import Span
from dragoman.text.words import _split_any, cut_words, fuse, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("L'homme en T-shirt.", "L'|homme|en|T-shirt|."),
        ("Don't! It\u2019s qu'il", "Don't|!|It\u2019s|qu'|il"),
        ("a--b -c d-", "a|-|-|b|-|c|d|-"),
        (
            "\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902",
            "\u0939\u093f\u0928\u094d\u0926\u0940|\u092e\u0947\u0902",
        ),
        ("\u4f60\u597d\u3002", "\u4f60|\u597d|\u3002"),
        ("e\u0301t\u00e9 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd!", None),
        ("", ""),
        (" \u00a0\n", ""),
    ],
)
def test_words_by_script(text: str, words: str | None) -> None:
    found = [text[start:stop] for start, stop in split_words(text)]
    assert found == ((words.split("|") if words else []) if words is not None else [*text[:-1].split(), "!"])


@given(st.text())
def test_words_and_white_space_are_the_text(text: str) -> None:
    words = split_words(text)
    edges = [0, *(edge for word in words for edge in word), len(text)]
    assert edges == sorted(edges)
    gaps = zip(edges[::2], edges[1::2], strict=True)
    assert all(text[start:stop].strip() == "" for start, stop in gaps)
    assert all(start < stop and not any(map(str.isspace, text[start:stop])) for start, stop in words)


@given(st.text(alphabet="ab -", max_size=20), st.lists(st.integers(0, 20), max_size=8))
def test_fused_words(text: str, cuts: list[int]) -> None:
    edges = sorted({cut for cut in cuts if cut <= len(text)})
    whole = [Span(*pair) for pair in itertools.pairwise(edges)][::2]
    words = split_words(text)
    fused = fuse(words, whole)
    assert fused == sorted(fused) and all(a.stop <= b.start for a, b in itertools.pairwise(fused))
    assert set(whole) <= set(fused) and all(start < stop for start, stop in fused)
    inside = {place for span in [*words, *whole] for place in range(*span)}
    assert {place for span in fused for place in range(*span)} == inside


@given(st.text(alphabet=st.characters(max_codepoint=0x2FF) | st.sampled_from("'-\u2019\u201e\u201c\u2026ab ")))
def test_the_fast_way_finds_the_same(text: str) -> None:
    assert split_words(text) == _split_any(text)


def test_words_of_a_stretch() -> None:
    words = split_words("ab cd ef")
    assert cut_words(words, Span(1, 4)) == (0, 2)
    assert cut_words(words, Span(2, 3)) == (1, 1)
