"""Bergamot's quality files, the estimators, and what counts as output that ran away."""

from __future__ import annotations

import math
import pickle
import shutil
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman import ModelFormatError, ModelNotFoundError, Translator, load
from dragoman.catalogue.bundled import find_route
from dragoman.formats.quality_model import find_quality_file, read_quality_model
from dragoman.text.quality import LogisticEstimator, ProbabilityEstimator, find_runaway

MAGIC = 0x78CC336F1D54B180
VALUES = [0.25, 0.5, 1.5, 0.2, -0.4, -0.9, 2, -0.5, -1.1, -0.6, 0.3, -0.7, -0.8]


def quality_file(folder: Path, values: list[float] = VALUES, *, magic: int = MAGIC, features: int = 4) -> Path:
    path = folder / "qualityModel.ende.bin"
    path.write_bytes(struct.pack(f"<QQ{len(values)}f", magic, features, *values))
    return path


def test_known_scores(tmp_path: Path) -> None:
    """Values of the published formula, which are those of Bergamot's own test too."""
    path = quality_file(tmp_path)
    assert find_quality_file(tmp_path) == path and find_quality_file(path.parent.parent) is None
    model = read_quality_model(path)
    assert model.log_good((-0.1, -0.2, 1.0, -0.3)) == pytest.approx(-0.020849, abs=1e-6)
    assert model.log_good((-1.5, -2.5, 4.0, -0.3)) == pytest.approx(-5.663476, abs=1e-5)
    assert model.log_good((-1e6, -1e6, 1.0, -1e6)) < -1e6 and model.log_good((1e6, 1e6, 1.0, 1e6)) == 0.0


def test_an_estimate(tmp_path: Path) -> None:
    estimator = LogisticEstimator(read_quality_model(quality_file(tmp_path)))
    found = estimator.estimate([[-0.1, -0.2], [], [-3.0]])
    assert found.words[0] is not None and found.words[2] is not None and found.words[1] is None
    assert 0 < found.words[2] < found.words[0] < 1
    assert found.sentence == pytest.approx(math.sqrt(found.words[0] * found.words[2]))
    assert estimator.estimate([]) == ((), None) and estimator.estimate([[]]) == ((None,), None)


def test_probabilities() -> None:
    found = ProbabilityEstimator().estimate([[math.log(0.5), math.log(0.125)], [], [0.0]])
    assert found.words == (pytest.approx(0.25), None, 1.0)
    assert found.sentence == pytest.approx((0.5 * 0.125) ** (1 / 3))
    assert ProbabilityEstimator().estimate([]).sentence is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"magic": 1}, "byte 0"),
        ({"features": 3}, "byte 8"),
        ({"values": VALUES[:-1]}, "68 bytes"),
        ({"values": [*VALUES, 1.0]}, "68 bytes"),
        ({"values": [0.0, *VALUES[1:]]}, "byte 16"),
        ({"values": [*VALUES[:-1], math.nan]}, "byte 64"),
    ],
)
def test_damaged_files(tmp_path: Path, change: dict[str, object], named: str) -> None:
    with pytest.raises(ModelFormatError, match=named):
        read_quality_model(quality_file(tmp_path, **change))  # type: ignore[arg-type]
    with pytest.raises(ModelNotFoundError):
        read_quality_model(tmp_path / "none.bin")


@given(st.lists(st.lists(st.floats(-1e30, 1.0), max_size=4), max_size=6))
def test_any_probabilities(words: list[list[float]]) -> None:
    found = ProbabilityEstimator().estimate(words)
    assert all(one is None or 0 <= one <= 1 for one in (*found.words, found.sentence))


@pytest.mark.parametrize(
    ("source", "target", "kind"),
    [
        ("a b c </s>", "x y z </s>", None),
        ("a b c </s>", "x " * 8 + "</s>", "repetition"),
        ("a b c </s>", "x " * 7 + "</s>", None),
        ("a b c </s>", "x y z " * 4 + "</s>", "repetition"),
        ("a b c </s>", "x y z " * 3 + "</s>", None),
        ("ha " * 10 + "</s>", "ha " * 10 + "</s>", None),
        ("ha " * 4 + "b </s>", "ha " * 30 + "</s>", "repetition"),
        ("a b </s>", " ".join(map(str, range(20))), "length"),
        ("a b </s>", " ".join(map(str, range(20))) + " </s>", None),
        ("", "", None),
    ],
)
def test_runaways(source: str, target: str, kind: str | None) -> None:
    found = find_runaway(source.split(), target.split())
    assert (None if found is None else found.kind) == kind


@given(st.lists(st.sampled_from("ab"), max_size=60))
def test_repetitions_are_ones(tokens: list[str]) -> None:
    found = find_runaway((), tokens, end=tokens[-1] if tokens else "")
    if found is not None:
        own = tokens[found.start : found.stop]
        assert own[: -found.period] == own[found.period :] and len(own) >= max(8, 4 * found.period)
    else:
        assert "aaaaaaaa" not in "".join(tokens) and "abababab" not in "".join(tokens)


def test_a_model_with_a_quality_file(tmp_path: Path) -> None:
    """Its qualities are the estimator's where word scores were asked for; a damaged file is named when it is loaded."""
    shutil.copytree(find_route("en", "de")[0], tmp_path / "ende")
    plain = Translator(load(tmp_path / "ende")).translate("How are you? I like this house.", word_scores=True)
    path = quality_file(tmp_path / "ende")
    model = pickle.loads(pickle.dumps(load(tmp_path / "ende")))
    with Translator(model) as translator:
        found = translator.translate("How are you? I like this house.", word_scores=True)
        without = translator.translate("How are you? I like this house.")
    assert found.text == plain.text and model.estimator is not None
    for sentence, other, third in zip(found.sentences, plain.sentences, without.sentences, strict=True):
        assert [word.log_probability for word in sentence.words] == [word.log_probability for word in other.words]
        scores = [word.quality for word in sentence.words]
        assert all(score is not None and 0 < score < 1 for score in scores)
        assert scores != [word.quality for word in other.words] and sentence.quality != other.quality
        assert third.quality == other.quality and all(word.quality is None for word in third.words)
    assert pickle.loads(pickle.dumps(found)).sentences == found.sentences
    path.write_bytes(b"x" * 68)
    with pytest.raises(ModelFormatError, match="quality"):
        load(tmp_path / "ende")
