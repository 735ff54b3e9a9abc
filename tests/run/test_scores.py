"""A score has one meaning, the same on every way to it, and is None where probabilities were left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from fleet_tools import make_folder

import dragoman


@pytest.mark.parametrize("split", ["none", "paragraph"])
@pytest.mark.parametrize("beam_size", [1, 3])
def test_scores_are_normalised_log_probabilities_or_none(
    split: str, beam_size: int, tmp_path: Path, spm_bytes: bytes
) -> None:
    model = dragoman.load(make_folder(tmp_path / "m", spm_bytes))
    texts = ["abc de fghi", "bad hid cab"]
    with dragoman.Translator(model) as translator:
        plain = translator.translate(texts, split=split, beam_size=beam_size, normalize=0.6, word_scores=True)  # type: ignore[call-overload]
        raw = translator.translate(texts, split=split, beam_size=beam_size, normalize=0.6, skip_cost=True)  # type: ignore[call-overload]
    for found in plain:
        assert found.score is not None and found.word_scores is not None
        assert found.score <= 0 and found.score == pytest.approx(sum(found.word_scores) / len(found.tokens) ** 0.6)
        assert all(sentence.score is None or sentence.score <= 0 for sentence in found.sentences)
    for found, other in zip(raw, plain, strict=True):
        if found.warnings:  # translated again, by a beam, as random weights repeat themselves
            assert found.score is None or found.score <= 0
            continue
        assert found.score is None
        assert all(sentence.score is None for sentence in found.sentences)
        assert found.text == other.text or beam_size > 1


def test_a_configurations_skip_cost_leaves_scores_out(tmp_path: Path, spm_bytes: bytes) -> None:
    folder = make_folder(tmp_path / "m", spm_bytes)
    (folder / "decoder.yml").write_text(
        "relative-paths: true\nmodels: [model.npz]\nvocabs: [vocab.spm, vocab.spm]\nskip-cost: true\n"
    )
    with dragoman.Translator(dragoman.load(folder)) as translator:
        assert translator.translate("abc").score is None
        asked = translator.translate("abc", skip_cost=False).score
        assert asked is not None and asked <= 0
