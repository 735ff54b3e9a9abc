"""The reference back end against Marian's own output for the real models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from golden_models import GoldenModel

from dragoman.backends.batch import RawHypothesis, SearchOptions
from dragoman.formats.shortlist_binary import read_binary_shortlist
from dragoman.planning.records import Precision

ENDE, DEEN = ("ende-tiny-ssru", "en", "de"), ("deen-tiny-ssru", "de", "en")
SELF_ATTENTION, RECURRENT = ("enfr-selfattn", "en", "fr"), ("enfr-s2s", "en", "fr")
UNTIED = ("csen-untied", "cs", "en")
FLOAT, INT8 = ("model.npz", Precision.FLOAT32), ("model.intgemm.alphas.bin", Precision.INT8)
GREEDY = SearchOptions(normalize=1.0)
BEAM = SearchOptions(beam_size=4, normalize=0.6, n_best=4, word_scores=True, alignment=True)


@cache
def load(shared: Path, folder: str, source: str, target: str, file: str, precision: Precision) -> GoldenModel:
    """Models are read once for all tests."""
    return GoldenModel(shared / "models" / folder, file, source, target, precision)


@dataclass(frozen=True)
class Greedy:
    """A reference of greedy translations: which lines of it must be the same."""

    model: tuple[str, str, str]
    form: tuple[str, Precision]
    reference: str
    share: float = 1.0
    shortlist: bool = False

    def __str__(self) -> str:
        return f"{self.model[0]}-{self.reference}"


# int8 is chaotic where a value lies on the border between two integers (marian-semantics 0).
CASES = [
    Greedy(ENDE, FLOAT, "f32.beam1"),
    Greedy(ENDE, INT8, "int8.beam1", share=0.94),
    Greedy(ENDE, FLOAT, "f32.beam1.shortlist.mb1", shortlist=True),
    Greedy(ENDE, INT8, "int8.beam1.shortlist.mb1", share=0.94, shortlist=True),
    Greedy(DEEN, INT8, "int8.beam1", share=0.94),
    Greedy(SELF_ATTENTION, FLOAT, "f32.beam1"),
    Greedy(UNTIED, FLOAT, "f32.beam1"),
    Greedy(RECURRENT, FLOAT, "f32.beam1"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_greedy_translations_are_those_of_marian(shared: Path, case: Greedy) -> None:
    _check_greedy(shared, case, 24)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_many_greedy_translations_are_those_of_marian(shared: Path, case: Greedy) -> None:
    _check_greedy(shared, case, 200)


def _check_greedy(shared: Path, case: Greedy, count: int) -> None:
    model = load(shared, *case.model, *case.form)
    shortlist = read_binary_shortlist(model.folder / "lex.50.50.s2t.bin") if case.shortlist else None
    found = model.translate(model.inputs(count), GREEDY, shortlist=shortlist)
    expected = model.reference(f"{case.reference}.1000.{case.model[2]}")[:count]
    different = [
        f"{number}: {model.decode(best.ids)!r}, Marian {text!r}"
        for number, ((best, *_), text) in enumerate(zip(found, expected, strict=True))
        if not _same(model, best, text)
    ]
    agreeing = 1 - len(different) / count
    print(f"{case}: {agreeing:.1%} of {count}")
    assert agreeing >= case.share, "\n".join(different)


def _same(model: GoldenModel, hypothesis: RawHypothesis, text: str) -> bool:
    """Equal; or cut at our limit (from the sentence's own length, not its batch's) and the beginning of
    Marian's."""
    found = model.decode(hypothesis.ids)
    if hypothesis.ids[-1] != model.vocabularies[1].eos_id:
        return text.startswith(found.rstrip())
    return found == text


N_BEST_LINE = re.compile(
    r"(?P<line>\d+) \|\|\| (?P<text>.*?)"
    r"(?: \|\|\| (?P<links>[\d -]*) \|\|\| WordScores= (?P<words>[-\d. ]+))?"
    r" \|\|\| F0= (?P<path>\S+) \|\|\| (?P<score>\S+)"
)


@pytest.mark.parametrize("name", [ENDE, SELF_ATTENTION, UNTIED, RECURRENT], ids=lambda name: str(name[0]))
def test_n_best_lists_with_scores_and_links_are_those_of_marian(
    shared: Path, name: tuple[str, str, str]
) -> None:
    lines = 8
    model = load(shared, *name, *FLOAT)
    marked = model.folder / "ref" / f"f32.beam4.nbest4.align-hard.20.{name[2]}"
    file = marked.name if marked.exists() else f"f32.beam4.nbest4.20.{name[2]}"
    found = model.translate(model.inputs(lines), BEAM)
    expected: list[list[re.Match[str]]] = [[] for _ in range(20)]
    for line in model.reference(file):
        match = N_BEST_LINE.fullmatch(line)
        assert match, line
        expected[int(match["line"])].append(match)
    for number, hypotheses in enumerate(found):
        if any(hypothesis.ids[-1] != model.vocabularies[1].eos_id for hypothesis in hypotheses):
            continue  # cut at our limit, which differs from Marian's
        assert [model.decode(hypothesis.ids) for hypothesis in hypotheses] == [
            match["text"] for match in expected[number]
        ]
        for hypothesis, match in zip(hypotheses, expected[number], strict=True):
            assert hypothesis.path_score == pytest.approx(float(match["path"]), abs=1e-3)
            assert hypothesis.score == pytest.approx(float(match["score"]), abs=1e-3)
            if match["words"] is None:
                continue
            assert hypothesis.word_scores is not None and hypothesis.alignment is not None
            words = np.array(match["words"].split(), np.float32)
            np.testing.assert_allclose(hypothesis.word_scores, words, atol=1e-3)
            links = sorted(
                (int(source), target) for target, source in enumerate(hypothesis.alignment.argmax(1))
            )
            assert " ".join(f"{source}-{target}" for source, target in links) == match["links"]


@pytest.mark.parametrize("name", [ENDE, SELF_ATTENTION, UNTIED, RECURRENT], ids=lambda name: str(name[0]))
def test_soft_alignments_are_those_of_marian(shared: Path, name: tuple[str, str, str]) -> None:
    model = load(shared, *name, *FLOAT)
    options = SearchOptions(normalize=1.0, alignment=True)
    expected = model.reference(f"f32.beam1.align-soft.20.{name[2]}")
    worst = 0.0
    for (best, *_), line in zip(model.translate(model.inputs(20), options), expected, strict=True):
        text, _, rows = line.partition(" ||| ")
        assert _same(model, best, text)
        matrix = np.array([row.split(",") for row in rows.split()], np.float32)[: len(best.ids)]
        assert best.alignment is not None
        np.testing.assert_allclose(best.alignment.sum(1), 1, atol=1e-5)
        worst = max(worst, float(np.abs(best.alignment - matrix).max()))
    print(f"{name[0]}: largest difference {worst:.1e}")
    assert worst < 1e-4


def test_a_sentence_alone_is_translated_as_in_a_batch(shared: Path) -> None:
    model = load(shared, *ENDE, *INT8)
    lines = [*model.inputs(6), ""]
    options = SearchOptions(beam_size=2, normalize=0.6, n_best=2)
    together = model.translate(lines, options)
    alone = [model.translate([line], options)[0] for line in lines]
    for hypotheses, others in zip(together, alone, strict=True):
        assert [h.ids.tolist() for h in hypotheses] == [o.ids.tolist() for o in others]
        # Bit for bit is the native engine's promise; BLAS sums in an order of its own.
        assert [h.score for h in hypotheses] == pytest.approx([o.score for o in others], abs=1e-4)
    assert together[-1][0].ids.tolist() == [0]
