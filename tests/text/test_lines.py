"""Lines to segments, and hypotheses of segments to translations. A back end is made up."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dragoman.errors import OptionsError, TextTooLongError
from dragoman.formats.bundle import Bundle
from dragoman.formats.vocabulary import plain_vocabulary
from dragoman.options import DecodingOptions
from dragoman.result import SoftAlignment, Translation
from dragoman.text.lines import Line, make_lines, make_translations
from dragoman.text.pieces import Pieces

WORDS = ["</s>", "<unk>", *"abcdefgh", "i.", "j,"]
EOS = 0


@dataclass(frozen=True, eq=False)
class Raw:
    """A hypothesis as back ends return it."""

    ids: NDArray[np.int32]
    path_score: float
    score: float
    word_scores: NDArray[np.float32] | None = None
    alignment: NDArray[np.float32] | None = None
    model_scores: tuple[float, ...] = ()


def make_pieces(**changes: Any) -> Pieces:
    vocabulary = plain_vocabulary({word: id_ for id_, word in enumerate(WORDS)}, Path("vocab.yml"))
    none = Path("none")
    files = Bundle(none, (none, none), None, None, None, None, None, "files")
    return Pieces.of_model(files, vocabulary, vocabulary, **changes)


PIECES = make_pieces()


def echo(lines: Sequence[Line], beam: int = 1) -> list[list[Raw]]:
    """Each segment translated by itself; each token costs 1, and the k-th hypothesis k more."""
    found = []
    for line in lines:
        for ids in line.segments:
            count = len(ids)
            found.append(
                [
                    Raw(
                        np.array(ids, np.int32),
                        -float(count + rank),
                        -float(count + rank) / count,
                        np.full(count, -1, np.float32),
                        np.eye(count, dtype=np.float32),
                    )
                    for rank in range(beam)
                ]
            )
    return found


def translate(texts: Sequence[str], pieces: Pieces = PIECES, **options: Any) -> list[Translation]:
    chosen = DecodingOptions(**options)
    lines = make_lines(texts, pieces, chosen)
    return make_translations(lines, echo(lines, chosen.beam_size), pieces, chosen)


def test_one_segment_a_line_and_none_for_nothing() -> None:
    lines = make_lines(["a b", "", " ", "c"], PIECES, DecodingOptions())
    assert [line.segments for line in lines] == [([2, 3, EOS],), (), (), ([4, EOS],)]
    first, empty, blank, last = translate(["a b", "", " ", "c"], word_scores=True, alignment="hard")
    assert (first.text, first.tokens, first.source_tokens) == ("a b", ("a", "b", "</s>"), ("a", "b", "</s>"))
    assert first.alignment == ((0, 0), (1, 1), (2, 2)) and first.word_scores == (-1.0, -1.0, -1.0)
    assert str(last) == "c"
    for nothing in (empty, blank):
        assert (nothing.text, nothing.score, nothing.tokens) == ("", 0.0, ("</s>",))
        assert nothing.alignment == ((0, 0),) and nothing.word_scores == (0.0,)
        assert len(nothing.n_best) == 1


def test_the_score_of_nothing_is_its_penalty() -> None:
    """As Marian prints it: one token, at no cost but the penalty."""
    assert translate([""], word_penalty=0.75, normalize=0.5)[0].score == -0.75
    assert str(translate([""])[0].score) == "0.0"


def test_what_was_not_asked_for_is_not_there() -> None:
    (translation,) = translate(["a"])
    assert translation.word_scores is None and translation.alignment is None


def test_long_lines_are_cut_and_rejoined() -> None:
    text = "a b i. c d e f"
    lines = make_lines([text], PIECES, DecodingOptions(max_length=6))
    assert lines[0].segments == ([2, 3, 10, EOS], [4, 5, 6, 7, EOS])
    (translation,) = translate([text], max_length=6, normalize=1.0, word_penalty=0.5, word_scores=True)
    assert translation.text == text
    assert translation.source_tokens == translation.tokens
    assert " ".join(translation.tokens) == "a b i. </s> c d e f </s>"
    best = translation.n_best[0]
    assert best.path_score == -9 and best.model_scores == (-9.0,)
    assert best.score == pytest.approx((-9 - 0.5 * 9) / 9)
    assert best.word_scores == (-1.0,) * 9


def test_alignments_of_cut_lines_count_through() -> None:
    text = "a b i. c d e f"
    (hard,) = translate([text], max_length=6, alignment="hard")
    (above,) = translate([text], max_length=6, alignment=0.5)
    assert hard.alignment == above.alignment == tuple((number, number) for number in range(9))
    (soft,) = translate([text], max_length=6, alignment="soft")
    assert isinstance(soft.alignment, SoftAlignment)
    assert (soft.alignment.array() == np.eye(9)).all()
    assert [sum(row) for row in soft.alignment] == [1.0] * 9 and len(soft.alignment) == 9


def test_alignments_take_little_memory_however_long_the_line() -> None:
    (translation,) = translate(["a " * 20_000], max_length=50, alignment="soft")
    assert isinstance(translation.alignment, SoftAlignment)
    assert sum(rows.nbytes for _, rows in translation.alignment.blocks) < 10_000_000


def test_ranks_of_a_cut_line_are_its_segments_ranks() -> None:
    options = DecodingOptions(max_length=6, beam_size=3, n_best=2)
    lines = make_lines(["a b i. c d e f"], PIECES, options)
    first, second = echo(lines, 3)
    (translation,) = make_translations(lines, [first[:1], second], PIECES, options)
    assert [one.path_score for one in translation.n_best] == [-9, -10]


def test_crop_and_refuse() -> None:
    (cropped,) = translate(["a b c d e f"], max_length=4, long_lines="crop")
    assert cropped.text == "a b c"
    with pytest.raises(TextTooLongError) as caught:
        translate(["a b c d e f"], max_length=4, long_lines="refuse")
    assert (caught.value.tokens, caught.value.limit) == (7, 4)
    assert translate(["a b c"], max_length=4, long_lines="refuse")[0].text == "a b c"


def test_prefixes_begin_the_first_segment() -> None:
    options = DecodingOptions(target_prefix=("a b", ""))
    assert [line.prefix for line in make_lines(["c", "d"], PIECES, options)] == [(2, 3), ()]
    with pytest.raises(OptionsError, match="writes from the end"):
        make_lines(["c", "d"], make_pieces(right_to_left=True), options)


def test_backwards_models() -> None:
    pieces = make_pieces(right_to_left=True)
    options = DecodingOptions(max_length=6)
    (line,) = make_lines(["a b i. c d e f"], pieces, options)
    assert line.segments == ([10, 3, 2, EOS], [7, 6, 5, 4, EOS])
    (translation,) = translate(["a b i. c d e f"], pieces, max_length=6)
    assert translation.text == "a b i. c d e f"
    assert translation.tokens[:3] == ("i.", "b", "a")  # as the model wrote


def test_only_texts_are_translated() -> None:
    with pytest.raises(OptionsError, match=r"texts\[1\]"):
        make_lines(["a", 3], PIECES, DecodingOptions())  # type: ignore[list-item]


def test_ties_of_alignments_go_to_the_first() -> None:
    rows = np.array([[0.5, 0.5], [0.25, 0.75]], np.float32)
    for kind, expected in (("hard", ((0, 0), (1, 1))), (0.25, ((0, 0), (1, 0), (1, 1)))):
        options = DecodingOptions(alignment=kind)  # type: ignore[arg-type]
        lines = make_lines(["a"], PIECES, options)
        raw = Raw(np.array([2, EOS], np.int32), -1.0, -1.0, None, rows)
        (translation,) = make_translations(lines, [[raw]], PIECES, options)
        assert translation.alignment == expected


def test_a_back_end_without_alignments() -> None:
    options = DecodingOptions(alignment="soft", word_scores=True)
    lines = make_lines(["a"], PIECES, options)
    raw = Raw(np.array([2, EOS], np.int32), -1.0, -1.0)
    (translation,) = make_translations(lines, [[raw]], PIECES, options)
    assert translation.alignment is None and translation.word_scores is None


def test_results_are_plain_values() -> None:
    kinds = ["soft", "hard", 0.5]
    for kind in kinds:
        one, other = (translate(["a b"], alignment=kind, word_scores=True)[0] for _ in range(2))
        assert one == other and hash(one) == hash(other)
        assert pickle.loads(pickle.dumps(one)) == one
    assert translate(["a b"], alignment="soft") != translate(["a b"], alignment="hard")
