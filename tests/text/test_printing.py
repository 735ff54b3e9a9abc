"""Marian's output formats, byte for byte: its real files are taken apart into values and printed again."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from dragoman.result import Hypothesis, SoftAlignment, Translation
from dragoman.text.printing import format_alignment, format_best, format_n_best, format_number

N_BEST = re.compile(
    r"(?P<line>\d+) \|\|\| (?P<text>.*?)"
    r"(?: \|\|\| (?P<links>\d+-\d+(?: \d+-\d+)*) \|\|\| WordScores= (?P<words>[-\d. ]+))?"
    r" \|\|\| F0= (?P<path>\S+) \|\|\| (?P<score>\S+)"
)
MODELS = ["csen-untied", "deen-tiny-ssru", "ende-tiny-ssru", "enfr-s2s", "enfr-selfattn"]


def reference_lines(shared: Path, model: str, pattern: str) -> list[list[str]]:
    files = sorted((shared / "models" / model / "ref").glob(pattern))
    return [file.read_text(encoding="utf-8").split("\n")[:-1] for file in files]


def links_of(text: str) -> tuple[tuple[int, int], ...]:
    pairs = (link.split("-") for link in text.split())
    return tuple((int(source), int(target)) for source, target in pairs)


def translation_of(*hypotheses: Hypothesis, source_tokens: int = 5) -> Translation:
    return Translation("source", ("x",) * source_tokens, hypotheses)


def plain(text: str, **values: object) -> Hypothesis:
    given: dict[str, object] = {
        "tokens": ("</s>",),
        "score": -1.0,
        "path_score": -1.0,
        "model_scores": (-1.0,),
    }
    return Hypothesis(text, **(given | values))  # type: ignore[arg-type]


@pytest.mark.parametrize("model", MODELS)
def test_n_best_lists(shared: Path, model: str) -> None:
    for lines in reference_lines(shared, model, "*nbest4*"):
        by_line: dict[int, list[Hypothesis]] = {}
        for line in lines:
            match = N_BEST.fullmatch(line)
            assert match, line
            path = float(match["path"])
            hypothesis = plain(match["text"], score=float(match["score"]), model_scores=(path,))
            if match["links"]:
                words = tuple(map(float, match["words"].split()))
                hypothesis = plain(
                    match["text"],
                    score=float(match["score"]),
                    model_scores=(path,),
                    word_scores=words,
                    alignment=links_of(match["links"]),
                )
            by_line.setdefault(int(match["line"]), []).append(hypothesis)
        printed = [format_n_best(n, translation_of(*own), beam_size=4) for n, own in by_line.items()]
        assert "\n".join(printed).split("\n") == lines


@pytest.mark.parametrize("model", MODELS)
def test_hard_alignments(shared: Path, model: str) -> None:
    for lines in reference_lines(shared, model, "*beam1*align-hard*"):
        for line in lines:
            text, _, links = line.rpartition(" ||| ")
            assert format_best(translation_of(plain(text, alignment=links_of(links)))) == line


@pytest.mark.parametrize("model", MODELS)
def test_soft_alignments(shared: Path, model: str) -> None:
    """Numbers of six digits come back as they were, also from float32."""
    for lines in reference_lines(shared, model, "*align-soft*"):
        for line in lines:
            text, _, rows = line.rpartition(" ||| ")
            matrix = np.array([row.split(",") for row in rows.split(" ")], np.float32)
            alignment = SoftAlignment(matrix.shape[1], ((0, matrix),))
            assert format_best(translation_of(plain(text, alignment=alignment))) == line


@pytest.mark.parametrize(
    ("number", "printed"),
    [
        (-2.92234, "-2.92234"),
        (1.0, "1"),
        (0.0, "0"),
        (-0.0, "-0"),
        (-11.28456, "-11.2846"),
        (9.03294e-05, "9.03294e-05"),
        (0.000180769, "0.000180769"),
        (1234567.0, "1.23457e+06"),
        (float("-inf"), "-inf"),
    ],
)
def test_numbers(number: float, printed: str) -> None:
    assert format_number(number) == printed


def test_word_scores_have_five_decimals() -> None:
    shown = format_best(translation_of(plain("a", word_scores=(-0.095394, -1e-9, -12.0))))
    assert shown == "a ||| WordScores= -0.09539 -0.00000 -12.00000"


def test_ensembles_show_each_models_score() -> None:
    hypothesis = plain("a", model_scores=(-1.5, -2.25), score=-0.5)
    assert (
        format_n_best(7, translation_of(hypothesis), beam_size=1) == "7 ||| a ||| F0= -1.5 F1= -2.25 ||| -0.5"
    )


def test_an_empty_line_is_there_as_often_as_the_beam_has_hypotheses() -> None:
    nothing = plain("", score=0.0, model_scores=(0.0,), word_scores=(0.0,), alignment=((0, 0),))
    line = "1 |||  ||| 0-0 ||| WordScores= 0.00000 ||| F0= 0 ||| 0"
    shown = format_n_best(1, translation_of(nothing, source_tokens=1), beam_size=3)
    assert shown == "\n".join([line] * 3)
    assert format_best(translation_of(plain(""), source_tokens=1)) == ""


def test_pieces_instead_of_text() -> None:
    hypothesis = plain("Ein Hund", tokens=("\u2581Ein", "\u2581Hund", "</s>"), alignment=((0, 0),))
    translation = translation_of(hypothesis)
    assert format_best(translation, pieces=True) == "\u2581Ein \u2581Hund ||| 0-0"
    assert format_best(translation, pieces=True, right_to_left=True) == "\u2581Hund \u2581Ein ||| 0-0"


def test_line_ends_in_a_text_do_not_make_lines() -> None:
    assert format_best(translation_of(plain("a\nb\r\nc"))) == "a b  c"


def test_blocks_of_a_cut_line_have_zeros_around_them() -> None:
    blocks = ((0, np.array([[0.25, 0.75]], np.float32)), (2, np.array([[1.0]], np.float32)))
    assert format_alignment(SoftAlignment(3, blocks)) == "0.25,0.75,0 0,0,1"
