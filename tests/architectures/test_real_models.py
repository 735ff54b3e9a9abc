"""Greedy translations of the real models, by the evaluator, against Marian's own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from architectures.evaluator import Evaluator, translate_greedily
from architectures.real_models import read_real_model

from dragoman.architectures.build import build_graph, check_parameters
from dragoman.architectures.config import read_config

LINES = 10
FACTOR = 2.5
CASES = [
    ("ende-tiny-ssru", "en", "de", "vocab.ende.spm", "vocab.ende.spm", "trained"),
    ("deen-tiny-ssru", "de", "en", "vocab.deen.spm", "vocab.deen.spm", "trained"),
    ("enfr-selfattn", "en", "fr", "vocab.enfr.spm", "vocab.enfr.spm", "trained"),
    ("enfr-s2s", "en", "fr", "vocab.enfr.spm", "vocab.enfr.spm", "trained"),
    ("csen-untied", "cs", "en", "vocab.cs.spm", "vocab.en.spm", "browsermt"),
]


@dataclass(frozen=True)
class Translation:
    """``finished``: ended by EOS, not by the limit."""

    text: str
    finished: bool


def translate(
    folder: Path,
    source_lines: list[str],
    vocabularies: tuple[str, str],
    compat: Literal["trained", "browsermt"],
) -> list[Translation]:
    sentencepiece = pytest.importorskip("sentencepiece")
    source, target = (
        sentencepiece.SentencePieceProcessor(model_file=str(folder / name)) for name in vocabularies
    )
    model = read_real_model(folder / "model.npz")
    config = read_config(model.options, model.shapes, compat=compat)
    graph = build_graph(config)
    check_parameters(graph, model.shapes, config)
    found: list[Translation] = []
    for line in source_lines:
        ids = [*source.encode(line), source.eos_id()]
        pieces = translate_greedily(
            graph,
            model.arrays,
            ids,
            eos=target.eos_id(),
            unk=target.unk_id(),
            limit=math.ceil(FACTOR * len(ids)),
        )
        finished = pieces[-1] == target.eos_id()
        found.append(Translation(target.decode(pieces[:-1] if finished else pieces), finished))
    return found


@pytest.mark.parametrize(
    ("name", "source", "target", "from_spm", "to_spm", "compat"), CASES, ids=lambda x: str(x)
)
def test_greedy_equals_marian(
    shared: Path,
    name: str,
    source: str,
    target: str,
    from_spm: str,
    to_spm: str,
    compat: Literal["trained", "browsermt"],
) -> None:
    folder = shared / "models" / name
    lines = (folder / "ref" / f"test200.{source}").read_text("utf-8").splitlines()[:LINES]
    expected = (folder / "ref" / f"f32.beam1.200.{target}").read_text("utf-8").splitlines()[:LINES]
    found = translate(folder, lines, (from_spm, to_spm), compat)
    # Marian's limit is that of the longest sentence in its batch, so it may write on where we stop.
    assert [
        line if one.finished or not line.startswith(one.text) else one.text
        for one, line in zip(found, expected, strict=True)
    ] == [one.text for one in found]


def test_prenorm_as_trained_is_sensible(shared: Path) -> None:
    """The reference of csen-untied is the fork's, which treats the model otherwise than its trainer (BLEU
    3)."""
    folder = shared / "models" / "csen-untied"
    lines = (folder / "ref" / "test200.cs").read_text("utf-8").splitlines()[:LINES]
    expected = (folder / "ref" / "test1000.en").read_text("utf-8").splitlines()[:LINES]
    found = translate(folder, lines, ("vocab.cs.spm", "vocab.en.spm"), "trained")
    shares = []
    for translation, human in zip(found, expected, strict=True):
        words = set(human.lower().split())
        shares.append(len(words & set(translation.text.lower().split())) / len(words))
    assert sum(shares) / len(shares) > 0.4, found


@pytest.mark.parametrize(
    ("name", "source", "target", "spm"),
    [
        ("ende-tiny-ssru", "en", "de", "vocab.ende.spm"),
        ("enfr-selfattn", "en", "fr", "vocab.enfr.spm"),
        ("enfr-s2s", "en", "fr", "vocab.enfr.spm"),
    ],
)
def test_soft_alignments_are_marians(shared: Path, name: str, source: str, target: str, spm: str) -> None:
    """A row for each target piece, EOS included; a column for each source piece, EOS included."""
    sentencepiece = pytest.importorskip("sentencepiece")
    folder = shared / "models" / name
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / spm))
    model = read_real_model(folder / "model.npz")
    graph = build_graph(read_config(model.options, model.shapes, compat="trained"))
    lines = (folder / "ref" / f"test20.{source}").read_text("utf-8").splitlines()[:3]
    printed = (folder / "ref" / f"f32.beam1.align-soft.20.{target}").read_text("utf-8").splitlines()[:3]
    for line, reference in zip(lines, printed, strict=True):
        rows = reference.split(" ||| ")[1].split()
        expected = np.array([[float(share) for share in row.split(",")] for row in rows])
        evaluator = Evaluator(graph, model.arrays, [*pieces.encode(line), pieces.eos_id()])
        previous: list[int] | None = None
        for row in expected:
            previous = [int(evaluator.step(previous)[0].argmax())]
            assert evaluator.alignment is not None
            np.testing.assert_allclose(evaluator.alignment[0], row, atol=1e-5)
        assert previous == [pieces.eos_id()]
