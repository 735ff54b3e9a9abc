"""`dragoman.load` and `dragoman decoder` read a configuration alike: over every option of the one table."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import click
import pytest
from cli_tools import run
from random_models import FAMILIES, make_model, save_model

import dragoman
from dragoman.cli.decoder_options import parse_arguments
from dragoman.cli.decoder_settings import Settings, merged_values, read_settings
from dragoman.formats.bundle import find_bundle
from dragoman.formats.decoder_options import OPTIONS
from dragoman.formats.model_options import ARCHITECTURE_OPTIONS

USED = {
    "beam-size": ["3", "'5'"], "normalize": ["0.6", "true", "'1'"], "word-penalty": ["-0.5", "1e-1"],
    "n-best": ["true", "false", "'on'"], "word-scores": ["true"], "alignment": ["soft", "hard", "0.2", "true", "0"],
    "allow-unk": ["true"], "allow-special": ["true", "no"], "skip-cost": ["true"], "max-length": ["30", "'50'"],
    "max-length-crop": ["true"], "max-length-break": ["20"], "max-length-factor": ["1.5", "2", "'2.5'"],
    "weights": ["[0.5]"], "gemm-precision": ["int8shiftAlphaAll", "float32", "int16"],
    "gemm-type": ["intgemm8", "float32"], "int8shiftAlphaAll": ["true", "false"], "int8": ["true"],
    "shortlist": ["[lex.txt, 7, 3]", "[lex.txt, false]", "lex.txt"],
    "vocabs": ["[vocab.spm, vocab.spm]", "[vocab.spm]"],
    "ignore-model-config": ["false"], "quiet": ["true"], "relative-paths": ["true"],
}  # fmt: skip
ELSEWHERE = {"config", "models", "input", "output", "no-spm-decode", "cpu-threads", "compat", "help", "version",
             "interpolate-env-vars"}  # fmt: skip
"""Used by the command line alone, or tested below."""


@pytest.fixture
def folder(tmp_path: Path, spm_bytes: bytes) -> Path:
    options, arrays = make_model(FAMILIES["ssru"], 64)
    save_model(tmp_path / "model.npz", options, arrays)
    (tmp_path / "vocab.spm").write_bytes(spm_bytes)
    (tmp_path / "lex.txt").write_text("a b 0.5\n")
    return tmp_path


def write(folder: Path, extra: str, paths: str = "models: [model.npz]\nvocabs: [vocab.spm, vocab.spm]\n") -> Path:
    lines = [line for line in paths.splitlines() if not extra.startswith(line.partition(":")[0])]
    (folder / "decoder.yml").write_text("relative-paths: true\n" + "\n".join([*lines, extra]) + "\n")
    return folder / "decoder.yml"


def settings(config: Path) -> Settings:
    stated = parse_arguments(["-c", str(config)])
    return read_settings(merged_values(stated), stated)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in USED for value in USED[name]])
def test_what_is_used_is_used_by_both(name: str, value: str, folder: Path) -> None:
    config = write(folder, f"{name}: {value}" if name != "relative-paths" else "")
    model, decoder = dragoman.load(config), settings(config)
    for option in model.defaults.stated:
        assert getattr(model.defaults, option) == getattr(decoder.options, option), option
    for field in dataclasses.fields(decoder.options):
        if field.name != "stated" and field.name not in model.defaults.stated:  # else marian-decoder's own defaults
            default = {"beam_size": 12}.get(field.name, getattr(dragoman.DecodingOptions(), field.name))
            assert getattr(decoder.options, field.name) == default, field.name
    assert (model.precision != "float32") == decoder.config.int8
    lists = decoder.config.shortlist
    assert (model.shortlist is None) == (lists is None)
    if lists is not None and model.shortlist is not None:
        assert (model.shortlist.first, model.shortlist.best) == lists.sizes
    assert model.files.given == decoder.config.given


def test_the_table_is_covered() -> None:
    assert {name for name, option in OPTIONS.items() if option.role == "used"} <= USED.keys() | ELSEWHERE | {
        name for name in OPTIONS if name.startswith("int8") or name == "int16"
    }
    assert {name for name, option in OPTIONS.items() if option.role == "model"} == ARCHITECTURE_OPTIONS


IDLE = [name for name, option in OPTIONS.items() if option.role == "idle" and name != "quality"]


@pytest.mark.parametrize("name", IDLE)
def test_what_is_idle_is_idle_for_both(name: str, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = write(folder, f"{name}: {7 if OPTIONS[name].kind != 'flag' else 'true'}")
    if name in ("ssplit-prefix-file", "ssplit-mode", "maxi-batch-sort", "log"):
        config = write(folder, f"{name}: paragraph")
    with caplog.at_level(logging.INFO):
        dragoman.load(config)
    assert not caplog.records, "an ordinary run"
    assert settings(config).ignored == (name,)


def test_a_file_of_quality_is_read_where_qualities_are(folder: Path) -> None:
    """By `load`, for `Sentence.quality`; what marian-decoder prints has none."""
    config = write(folder, "quality: paragraph")
    with pytest.raises(dragoman.ModelNotFoundError, match="paragraph"):
        dragoman.load(config)
    assert settings(config).ignored == ("quality",)


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if option.role == "refused"])
def test_what_is_refused_is_refused_by_both(name: str, folder: Path) -> None:
    config = write(folder, f"{name}: true")
    with pytest.raises(dragoman.UnsupportedModelError, match=name):
        dragoman.load(config)
    with pytest.raises(click.UsageError, match=name):
        settings(config)
    config = write(folder, f"{name}: false")
    assert dragoman.load(config) and settings(config)


@pytest.mark.parametrize("line", ["clip-gemm: 2.5", "beam-size-min: 3", "beem-size: 3", "after-epochs: 10"])
def test_what_is_lost_is_said_however_quiet(line: str, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = write(folder, f"{line}\nquiet: true")
    with caplog.at_level(logging.WARNING):
        dragoman.load(config)
    (record,) = caplog.records
    assert line.partition(":")[0] in record.getMessage()
    ran = run("decoder", "-c", config, "--quiet", text="abc\n")
    assert line.partition(":")[0] in ran.said


@pytest.mark.parametrize("name", sorted(ARCHITECTURE_OPTIONS))
def test_options_of_the_architecture_reach_both(name: str, folder: Path) -> None:
    """As they stand in a file; on the command line, texts become what they mean."""
    options, _ = make_model(FAMILIES["ssru"], 64)
    value = options.get(name, {"transformer-tied-layers": [1, 2]}.get(name, 3))
    config = write(folder, f"{name}: {str(value).lower()}")
    assert find_bundle(config).given.values == settings(config).config.given.values == {name: value}
    words = " ".join(map(str, value)) if isinstance(value, list) else str(value).lower()
    if OPTIONS[name].kind == "flag" and value not in (True, False):
        return
    stated = parse_arguments(["-m", "m", "-v", "v", f"--{name}", *words.split()])
    assert read_settings(merged_values(stated), stated).config.given.values == {name: value}


def test_environment_variables(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", str(folder))
    paths = "models: ['${WHERE}/model.npz']\nvocabs: ['${WHERE}/vocab.spm', '${WHERE}/vocab.spm']\n"
    config = write(folder, "interpolate-env-vars: true\nshortlist: ['${WHERE}/lex.txt', 5, 5]", paths)
    assert dragoman.load(config).shortlist is not None
    assert dragoman.load(folder).files.model == folder / "model.npz"
    assert settings(config).config.models == (folder / "model.npz",)
    assert run("decoder", "-c", config, text="abc\n").code == 0
    monkeypatch.delenv("WHERE")
    for where in (config, folder):
        with pytest.raises(dragoman.ModelFormatError, match="WHERE is not set"):
            dragoman.load(where)
    assert "WHERE is not set" in run("decoder", "-c", config, text="abc\n").said


def test_n_best_lists_and_alignments_of_a_configuration(folder: Path) -> None:
    config = write(folder, "n-best: true\nbeam-size: 3\nalignment: hard\nword-scores: true\nmax-length-factor: 1")
    with dragoman.Translator(dragoman.load(config)) as translator:
        found = translator.translate("abc de fghi", split="none")
    assert len(found.n_best) == 3 and found.alignment and found.word_scores
    assert len(found.tokens) <= len(found.source_tokens)
