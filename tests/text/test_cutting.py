"""Cutting: nothing is lost, nothing is too long, and cuts fall where people would cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.text.cutting import cut

PIECES = st.lists(
    st.sampled_from(["\u2581a", "\u2581word", "b", ".", ",", "\u2581(", "\u3002", "\uff0c", "!", ""]),
    max_size=80,
)


@given(PIECES, st.integers(1, 20), st.booleans())
def test_spans_are_all_of_the_pieces_in_order(pieces: list[str], most: int, words: bool) -> None:
    spans = cut(pieces, most, words=words)
    assert [number for first, last in spans for number in range(first, last)] == list(range(len(pieces)))
    assert all(0 < last - first <= most for first, last in spans)
    if 0 < len(pieces) <= most:
        assert len(spans) == 1


@given(PIECES, st.integers(2, 20))
def test_short_segments_end_where_a_word_ends(pieces: list[str], most: int) -> None:
    """A segment below half of what fits is not cut inside a word."""
    for first, last in cut(pieces, most)[:-1]:
        if last - first < (most + 1) // 2:
            assert pieces[last].startswith("\u2581") or pieces[last - 1] in ("\u3002", "\uff0c")


def segments(text: str, most: int, *, words: bool = False) -> list[str]:
    pieces = text.split(" ")
    return [" ".join(pieces[first:last]) for first, last in cut(pieces, most, words=words)]


def test_sentences_before_clauses_before_words() -> None:
    line = "one two three. four five, six seven eight"
    assert segments(line, 5, words=True) == ["one two three.", "four five, six seven eight"]
    line = "one two three four, five six seven"
    assert segments(line, 6, words=True) == ["one two three four,", "five six seven"]
    line = "one. two three four five six seven"
    assert segments(line, 6, words=True) == ["one. two three four five six", "seven"]


def test_words_stay_whole_where_they_fit() -> None:
    assert segments("\u2581a b c \u2581d e f", 4) == ["\u2581a b c", "\u2581d e f"]
    assert segments("\u2581a \u2581b c d e f", 4) == ["\u2581a", "\u2581b c d e", "f"]
    assert segments("\u2581a b c d e f", 4) == ["\u2581a b c d", "e f"]


def test_punctuation_counts_at_the_end_of_a_word_only() -> None:
    assert segments("\u2581x \u25813 , 5 \u2581z", 3) == ["\u2581x", "\u25813 , 5", "\u2581z"]


def test_scripts_without_spaces() -> None:
    assert segments("\u2581\u4e00 \u4e01 \u3002 \u4e03 \u4e04", 4) == [
        "\u2581\u4e00 \u4e01 \u3002",
        "\u4e03 \u4e04",
    ]


def test_a_line_of_a_million_pieces() -> None:
    spans = cut(["x"] * 1_000_000, 1000)
    assert len(spans) == 1000
