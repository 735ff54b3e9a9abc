"""Pieces that are never chosen: the unknown one, and those of control characters, on every way to a choice."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from backends.families import LIMITS, SOURCES, VOCABULARY, compiled, run
from backends.test_native_families import compare, run_native, weights_of
from fleet_tools import make_folder
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import FAMILIES, make_model, save_model

import dragoman
from dragoman.backends.batch import Batch, SearchOptions
from dragoman.formats.bundle import find_bundle
from dragoman.formats.vocabulary import read_vocabulary
from dragoman.formats.vocabulary_text import write_vocabulary
from dragoman.model import load_bundle


@settings(max_examples=25, deadline=None)
@given(
    never=st.sets(st.integers(2, VOCABULARY - 1), max_size=33),
    beam=st.integers(1, 4),
    skip_cost=st.booleans(),
    allow_unk=st.booleans(),
)
def test_the_native_search_as_the_reference(never: set[int], beam: int, skip_cost: bool, allow_unk: bool) -> None:
    """Greedy by whole rows and by blocks of columns, and beams; probabilities count the suppressed ones too."""
    _, plan, file = compiled("ssru")
    options = SearchOptions(
        beam_size=beam, n_best=beam, word_scores=True, skip_cost=skip_cost, allow_unk=allow_unk,
        never=tuple(sorted(never)),
    )  # fmt: skip
    batch = Batch.of(SOURCES, LIMITS)
    found = run_native([weights_of("ssru")], batch, options)
    compare(found, run(plan, file, batch, options))
    assert not never & {int(id_) for sentence in found for raw in sentence for id_ in raw.ids}
    for raw in found[0]:
        assert raw.score == pytest.approx(float(np.sum(raw.word_scores)), abs=1e-3)


def byte_fallback(**options: object) -> bytes:
    """A SentencePiece model with pieces for all bytes."""
    import sentencepiece

    lines = ["the cat sat on the mat", "a dog ran in the park", "she sells sea shells", "how are you today"] * 30
    target = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=target, vocab_size=300, eos_id=0, unk_id=1, bos_id=-1, pad_id=-1,
        byte_fallback=True, num_threads=1, minloglevel=2, hard_vocab_limit=False, **options,
    )  # fmt: skip
    return target.getvalue()


@pytest.fixture(scope="module")
def bytes_spm() -> bytes:
    return byte_fallback()


def biased(folder: Path, size: int) -> Path:
    """A model that would write control characters above all: the biases of their pieces are high."""
    options, arrays = make_model(FAMILIES["ssru"], size)
    arrays["decoder_ff_logit_out_b"][0, 2:34] += 60
    save_model(folder / "model.npz", options, arrays)
    return folder


def control(tokens: tuple[str, ...]) -> list[str]:
    return [token for token in tokens if token.startswith("<0x0") or token.startswith("<0x1")]


@pytest.mark.parametrize("shortlist", [False, True])
@pytest.mark.parametrize("kind", ["spm", "yml"])
def test_control_characters_need_allow_special(kind: str, shortlist: bool, bytes_spm: bytes, tmp_path: Path) -> None:
    (tmp_path / "vocab.spm").write_bytes(bytes_spm)
    pieces = read_vocabulary(tmp_path / "vocab.spm")
    assert pieces.control_ids == tuple(range(2, 34))
    if kind == "yml":
        write_vocabulary({pieces.piece_of(number): number for number in range(pieces.size)}, tmp_path / "vocab.yml")
        (tmp_path / "vocab.spm").unlink()
        assert read_vocabulary(tmp_path / "vocab.yml").control_ids == tuple(range(2, 34))
    biased(tmp_path, pieces.size)
    files = dragoman.ModelFiles(tmp_path / "model.npz", tmp_path / f"vocab.{kind}")
    if shortlist:
        pairs = [f"<0x{code:02X}> {word} 0.5\n" for code in range(40) for word in ("▁the", "</s>")]
        (tmp_path / "lex.txt").write_text("".join(pairs))
        files = replace(files, shortlist=tmp_path / "lex.txt")
    text = "the cat" if kind == "spm" else "▁the ▁cat"

    def tokens(**arguments: object) -> list[str]:
        compat = arguments.pop("compat", "trained")
        loaded = load_bundle(find_bundle(files), compat=str(compat), cut_already=kind == "yml")
        with dragoman.Translator(loaded) as translator:
            found = translator.translate(text, split="none", **arguments)  # type: ignore[call-overload]
        return [token for one in found.n_best for token in control(one.tokens)]

    for beam in (1, 3):
        assert tokens(beam_size=beam, n_best=beam) == []
        assert tokens(beam_size=beam, n_best=beam, allow_special=True) != []
        assert tokens(beam_size=beam, n_best=beam, compat="browsermt") != [], "the fork has no such rule"
    assert tokens(skip_cost=True) == []


def test_vocabularies_without_bytes_suppress_nothing(spm_bytes: bytes, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "m", spm_bytes)
    assert dragoman.load(folder).vocabularies[1].control_ids == ()


def test_by_configuration_and_command(bytes_spm: bytes, tmp_path: Path) -> None:
    from cli_tools import run as command

    (tmp_path / "vocab.spm").write_bytes(bytes_spm)
    biased(tmp_path, read_vocabulary(tmp_path / "vocab.spm").size)
    for stated, expected in (("", False), ("allow-special: true\n", True)):
        (tmp_path / "decoder.yml").write_text(
            f"relative-paths: true\nmodels: [model.npz]\nvocabs: [vocab.spm, vocab.spm]\nbeam-size: 1\n{stated}"
        )
        ran = command("decoder", "-c", tmp_path / "decoder.yml", "--no-spm-decode", text="the cat\n")
        assert (b"<0x1" in ran.output or b"<0x0" in ran.output) == expected, ran.said
        with dragoman.Translator(dragoman.load(tmp_path)) as translator:
            assert bool(control(translator.translate("the cat", split="none").tokens)) == expected
