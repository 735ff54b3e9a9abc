"""An OPUS-MT folder, made from a real model, translates as the model does with its own vocabulary."""

from __future__ import annotations

import shutil
from pathlib import Path

import dragoman
from dragoman.text.pieces import Pieces


def test_an_opus_folder_translates_as_its_model(shared: Path, tmp_path: Path) -> None:
    folder = shared / "models" / "enfr-selfattn"
    shutil.copy(folder / "model.npz", tmp_path / "opus.npz")
    shutil.copy(folder / "vocab.enfr.yml", tmp_path / "opus.vocab.yml")
    for name in ("source.spm", "target.spm"):
        shutil.copy(folder / "vocab.enfr.spm", tmp_path / name)
    (tmp_path / "decoder.yml").write_text(
        "relative-paths: true\nmodels: [opus.npz]\nvocabs: [opus.vocab.yml, opus.vocab.yml]\n"
        "beam-size: 2\nnormalize: 1\n",
        encoding="utf-8",
    )
    lines = (folder / "ref" / "test20.en").read_text(encoding="utf-8").split("\n")[:-1]
    opus = dragoman.load(tmp_path)
    assert opus.files.kind == "opus-mt" and isinstance(opus.pieces, Pieces) and not opus.pieces.words
    assert (opus.defaults.beam_size, opus.defaults.normalize) == (2, 1.0)
    usual = dragoman.load(folder)
    with dragoman.Translator(opus) as one, dragoman.Translator(usual) as other:
        found = one.translate(lines, alignment="hard")
        expected = other.translate(lines, beam_size=2, normalize=1.0, alignment="hard")
    assert [(t.text, t.tokens, t.score, t.alignment) for t in found] == [
        (t.text, t.tokens, t.score, t.alignment) for t in expected
    ]
