"""Nematus' own files say nothing of their architecture: options beside the file do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_tools import run
from every_family.front_door import LINES, make_folder
from random_models import FAMILIES, make_model

import dragoman


def texts(model: dragoman.Model) -> list[str]:
    with dragoman.Translator(model) as translator:
        return [translation.text for translation in translator.translate(list(LINES))]


@pytest.mark.parametrize("family", ["nematus", "nematus-norm-deep", "amun"])
def test_raw_files_with_options_beside_them(family: str, tmp_path: Path, spm_bytes: bytes) -> None:
    whole = make_folder(tmp_path / "whole", family, "npz", spm_bytes)
    expected = texts(dragoman.load(whole.path))
    raw = make_folder(tmp_path / "raw", family, "npz", spm_bytes)
    options, arrays = make_model(FAMILIES[family], (64, 37), seed=3)
    vectors = {name: array.reshape(-1) if array.shape[0] == 1 else array for name, array in arrays.items()}
    state = {"uidx": np.array(5000), "history_errs": np.array([1.0, 2.0])}
    np.savez(raw.model, **vectors, **state)  # type: ignore[arg-type]

    with pytest.raises(dragoman.ModelFormatError, match="which architecture"):
        dragoman.load(raw.path)
    given = {name: value for name, value in options.items() if name not in ("version", "dim-vocabs")}
    files = dragoman.ModelFiles(raw.model, raw.vocabularies, options=given)
    model = dragoman.load(files)
    assert model.config.type == FAMILIES[family]["type"]
    with (raw.path / "decoder.yml").open("a") as stream:
        stream.writelines(f"{name}: {str(value).lower()}\n" for name, value in given.items())
    assert texts(dragoman.load(raw.path)) == expected
    assert texts(dragoman.load(raw.path)) == expected, "from the cache"


def test_the_file_goes_first_unless_told_otherwise(tmp_path: Path, spm_bytes: bytes) -> None:
    folder = make_folder(tmp_path / "m", "transformer", "npz", spm_bytes)
    with (folder.path / "decoder.yml").open("a") as stream:
        stream.write("transformer-heads: 2\ntransformer-ffn-activation: swish\n")
    assert dragoman.load(folder.path).config.family.heads == 4  # type: ignore[union-attr]
    with (folder.path / "decoder.yml").open("a") as stream:
        stream.write("ignore-model-config: true\n")
    with pytest.raises(dragoman.ModelError):
        dragoman.load(folder.path)  # Marian's default is type amun then
    stored, _ = make_model(FAMILIES["transformer"])
    with (folder.path / "decoder.yml").open("a") as stream:
        keys = [name for name in stored if name not in ("transformer-heads", "transformer-ffn-activation")]
        stream.writelines(f"{name}: {str(stored[name]).lower()}\n" for name in keys)
    changed = dragoman.load(folder.path)
    assert changed.config.family.heads == 2  # type: ignore[union-attr]


def test_files_are_replaced_as_a_record(tmp_path: Path) -> None:
    files = dragoman.ModelFiles(tmp_path / "m.npz", tmp_path / "v.spm", options={"type": "nematus"})
    assert replace(files, shortlist=tmp_path / "lex").options == {"type": "nematus"}


def test_the_decoders_command_line_describes_an_architecture(tmp_path: Path, spm_bytes: bytes) -> None:
    """As marian-decoder is called for a file of Nematus."""
    whole = make_folder(tmp_path / "whole", "nematus-norm-deep", "npz", spm_bytes)
    expected = run("decoder", "-c", whole.path / "decoder.yml", text="abc de\nfghi\n")
    raw = tmp_path / "raw.npz"
    _, arrays = make_model(FAMILIES["nematus-norm-deep"], (64, 37), seed=3)
    vectors = {name: array.reshape(-1) if array.shape[0] == 1 else array for name, array in arrays.items()}
    np.savez(raw, **vectors)  # type: ignore[arg-type]
    common = ["-m", raw, "-v", *whole.vocabularies, "-b", "2", "-n", "0.6", "--max-length-factor", "1"]
    missing = run("decoder", *common, text="abc de\n")
    assert missing.code == 1 and "which architecture" in missing.said
    given = "--type nematus --enc-cell gru-nematus --dec-cell gru-nematus --dim-emb 24 --dim-rnn 40"
    given += " --layer-normalization --enc-cell-depth 3 --dec-cell-base-depth 5"
    found = run("decoder", *common, *given.split(), text="abc de\nfghi\n")
    assert found.code == 0 and found.output == expected.output, found.said
