"""Vocabularies of another length than the model, segmenters of another model, weights that are no numbers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_tools import run
from random_models import FAMILIES, make_model, save_model

import dragoman
from dragoman.formats.vocabulary_text import write_vocabulary

WORDS = ["</s>", "<unk>", *(f"w{number}" for number in range(2, 80))]


def make(folder: Path, words: list[str], rows: int = 40, family: str = "transformer") -> Path:
    folder.mkdir(exist_ok=True)
    options, arrays = make_model(FAMILIES[family], rows)
    save_model(folder / "model.npz", options, arrays)
    write_vocabulary({word: number for number, word in enumerate(words)}, folder / "vocab.yml")
    return folder


def translate(folder: Path, text: str) -> str:
    with dragoman.Translator(dragoman.load(folder)) as translator:
        return translator.translate(text, split="none").text


@pytest.mark.parametrize("family", ["transformer", "transformer-untied-gelu", "nematus"])
@pytest.mark.parametrize("lists", ["", "lex.txt", "lex.bin"])
def test_a_longer_list_is_cut(family: str, lists: str, tmp_path: Path) -> None:
    """Pieces beyond the model's rows are unknown, on the way in, and never come out (as with pymarian 1.12.42)."""
    exact, longer = make(tmp_path / "exact", WORDS[:40], family=family), make(tmp_path / "longer", WORDS, family=family)
    text = "w3 w39 w40 w79 w5"
    expected = translate(exact, "w3 w39 <unk> <unk> w5")
    assert translate(longer, text) == expected == translate(exact, text)
    if lists:
        pairs = "".join(f"w{target} w{source} 0.5\n" for source in range(2, 80) for target in (source, 3, 77, 39))
        (longer / "lex.txt").write_text(pairs)
        path = longer / lists
        if lists == "lex.bin":
            arguments = ("convert", longer / "lex.txt", path, "--vocabs", longer / "vocab.yml", longer / "vocab.yml")
            assert run(*arguments, "--first", "10").code == 0
        model = dragoman.load(longer, shortlist=path)
        assert model.shortlist is not None and int(np.asarray(model.shortlist.ids).max()) < 40
        assert model.shortlist.source_size == 40
        with dragoman.Translator(model) as translator:
            assert translator.translate([text, "w79", ""], split="none")[0].tokens


def test_a_shorter_list_and_other_sentencepiece_models_are_refused(tmp_path: Path, spm_bytes: bytes) -> None:
    with pytest.raises(dragoman.ModelFormatError, match="smaller than the model's"):
        dragoman.load(make(tmp_path / "short", WORDS[:39]))
    for rows in (63, 65):  # the SentencePiece model has 64 pieces
        folder = make(tmp_path / str(rows), WORDS[:rows], rows)
        (folder / "vocab.yml").unlink()
        (folder / "vocab.spm").write_bytes(spm_bytes)
        with pytest.raises(dragoman.ModelFormatError, match="than the model's"):
            dragoman.load(folder)
    with pytest.raises(dragoman.ModelFormatError, match="beyond the model's rows"):
        dragoman.load(make(tmp_path / "end", [*WORDS[2:], "</s>", "<unk>"]))


@pytest.fixture
def opus(tmp_path: Path, spm_bytes: bytes) -> Callable[[float], Path]:
    """An OPUS-MT folder whose vocabulary has some share of the segmenter's pieces."""
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor()
    processor.LoadFromSerializedProto(spm_bytes)
    own = [processor.id_to_piece(number) for number in range(2, 64)]

    def fill(share: float) -> Path:
        kept = [piece if number < share * len(own) else f"▁other{number}" for number, piece in enumerate(own)]
        folder = make(tmp_path / "opus", ["</s>", "<unk>", *kept], 64)
        for name in ("source.spm", "target.spm"):
            (folder / name).write_bytes(spm_bytes)
        return folder

    return fill


def test_segmenters_of_other_models(opus: Callable[[float], Path], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert dragoman.load(opus(1.0)).files.kind == "opus-mt"
        dragoman.load(opus(0.95))
        assert not caplog.records
        dragoman.load(opus(0.4))
    (record,) = caplog.records
    assert "lacks 60 % of its pieces" in record.getMessage()
    with pytest.raises(dragoman.ModelFormatError, match="belongs to another model"):
        dragoman.load(opus(0.0))


def test_a_missing_segmenter(opus: Callable[[float], Path], tmp_path: Path) -> None:
    folder = opus(1.0)
    (folder / "source.spm").unlink()
    with pytest.raises(dragoman.ModelFormatError, match=r"source\.spm and target\.spm"):
        dragoman.load(folder)
    pieces = "▁ab c"
    ran = run("decoder", "-m", folder / "model.npz", "-v", folder / "vocab.yml", "-b", "1", text=pieces + "\n")
    assert ran.code == 0, "marian-decoder is given pieces"
    joined = [word if number < 2 or number % 3 else f"{word}@@" for number, word in enumerate(WORDS[:40])]
    with pytest.raises(dragoman.UnsupportedModelError, match="BPE"):
        dragoman.load(make(tmp_path / "joined", joined))
    folder = make(tmp_path / "codes", WORDS[:40])
    (folder / "source.bpe").write_text("#version: 0.2\n")
    with pytest.raises(dragoman.UnsupportedModelError, match=r"source\.bpe"):
        dragoman.load(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_named(value: float, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = make(tmp_path / "m", WORDS[:40])
    options, arrays = make_model(FAMILIES["transformer"], 40)
    arrays["decoder_l1_ffn_b1"][0, 3] = value
    save_model(folder / "model.npz", options, arrays | {"leftover": np.full((2, 2), np.nan, np.float32)})
    for _ in range(2):  # not only when it is prepared
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            dragoman.load(folder)
        (record,) = caplog.records
        assert "decoder_l1_ffn_b1" in record.getMessage() and "leftover" not in record.getMessage()
