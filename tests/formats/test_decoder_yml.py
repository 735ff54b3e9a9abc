"""Decoder configurations."""

import pickle
from pathlib import Path

import pytest
import yaml

from dragoman.errors import ModelFormatError
from dragoman.formats.decoder_yml import DecoderConfig, is_decoder_mapping, read_decoder_config
from dragoman.formats.vocabulary_text import parse_yaml
from dragoman.formats.yaml_text import dump_mapping, parse_mapping

BASE = "models: [m.npz]\nvocabs: [a.spm, b.spm]\n"


def read(tmp_path: Path, text: str, *, base: str = BASE) -> DecoderConfig:
    (tmp_path / "decoder.yml").write_text(base + text, encoding="utf-8")
    return read_decoder_config(tmp_path / "decoder.yml")


def test_everything(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        """
relative-paths: true
beam-size: 4
normalize: 0.6
word-penalty: 1e-3
n-best: true
alignment: soft
allow-unk: no
skip-cost: true
max-length: 300
max-length-crop: true
max-length-factor: 2
max-length-break: 128
mini-batch: 32
mini-batch-words: 1024
maxi-batch: 100
maxi-batch-sort: src
workspace: -500
cpu-threads: 0
gemm-precision: int8shiftAlphaAll
ssplit-mode: paragraph
ssplit-prefix-file: prefixes.txt
quality: q.bin
weights: [0.5, 1]
quiet: true
""",
    )
    assert config.models == (tmp_path / "m.npz",)
    assert config.vocabularies == (tmp_path / "a.spm", tmp_path / "b.spm")
    assert (config.beam_size, config.normalize, config.word_penalty) == (4, 0.6, 0.001)
    assert (config.n_best, config.alignment, config.allow_unk, config.skip_cost) == (
        True,
        "soft",
        False,
        True,
    )
    assert (config.max_length, config.max_length_crop, config.max_length_factor) == (300, True, 2.0)
    assert (config.max_length_break, config.mini_batch, config.mini_batch_words) == (128, 32, 1024)
    assert (config.maxi_batch, config.maxi_batch_sort, config.workspace) == (100, "src", 0)
    assert (config.cpu_threads, config.gemm_precision, config.ssplit_mode) == (
        0,
        "int8shiftAlphaAll",
        "paragraph",
    )
    assert (config.ssplit_prefix_file, config.quality) == (tmp_path / "prefixes.txt", tmp_path / "q.bin")
    assert config.weights == (0.5, 1.0)
    assert dict(config.ignored) == {"quiet": True} and config.int8
    assert pickle.loads(pickle.dumps(config)) == config


def test_what_is_not_stated_is_none(tmp_path: Path) -> None:
    config = read(tmp_path, "beam-size:\nshortlist: []\n")
    assert config.beam_size is None
    assert config.shortlist is None
    assert config.normalize is None
    assert config.models == (Path("m.npz"),), "without relative-paths, as given"


@pytest.mark.parametrize(
    ("value", "expected"), [("true", 1.0), ("false", 0.0), ("1", 1.0), ("'0.5'", 0.5), ("1e-1", 0.1)]
)
def test_normalize(tmp_path: Path, value: str, expected: float) -> None:
    assert read(tmp_path, f"normalize: {value}\n").normalize == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", "hard"), ("1", "hard"), ("0", ""), ("false", ""), ("0.3", "0.3"), ("hard", "hard")],
)
def test_alignment(tmp_path: Path, value: str, expected: str) -> None:
    assert read(tmp_path, f"alignment: {value}\n").alignment == expected


@pytest.mark.parametrize(
    ("value", "first", "best", "verify", "stated_false"),
    [
        ("lex.bin", None, None, True, False),
        ("[lex.bin]", None, None, True, False),
        ("[lex.bin, false]", None, None, False, True),
        ("[lex.bin, true]", None, None, True, False),
        ("[lex, 50]", 50, None, True, False),
        ("[lex, 0, 50]", 0, 50, False, False),
        ("[lex, 50, 40, 0.1, dump]", 50, 40, True, False),
    ],
)
def test_shortlist(
    tmp_path: Path, value: str, first: int | None, best: int | None, verify: bool, stated_false: bool
) -> None:
    options = read(tmp_path, f"shortlist: {value}\n").shortlist
    assert options is not None
    assert (options.first, options.best, options.verify, options.stated_false) == (
        first,
        best,
        verify,
        stated_false,
    )
    assert options.path.name in ("lex.bin", "lex")


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("beam-size", "beam-size: many"),
        ("beam-size", "beam-size: -1"),
        ("beam-size", "beam-size: 2.5"),
        ("beam-size", "beam-size: true"),
        ("beam-size", "beam-size: 99999999999"),
        ("normalize", "normalize: .nan"),
        ("normalize", "normalize: [1]"),
        ("skip-cost", "skip-cost: perhaps"),
        ("gemm-precision", "gemm-precision: int4"),
        ("gemm-precision", "gemm-precision: [int8]"),
        ("shortlist", "shortlist: [lex, x]"),
        ("shortlist", "shortlist: {a: 1}"),
        ("alignment", "alignment: [soft]"),
        ("relative-paths", "relative-paths: 7"),
        ("quality", "quality: 7"),
    ],
)
def test_wrong_values_name_the_key(tmp_path: Path, key: str, line: str) -> None:
    with pytest.raises(ModelFormatError) as caught:
        read(tmp_path, line + "\n")
    assert caught.value.parameter == key
    assert key in str(caught.value)


@pytest.mark.parametrize(
    "base", ["models: []\nvocabs: [a]\n", "models: [1]\nvocabs: [a]\n", "models: m\n", "a: 1\n"]
)
def test_needs_models_and_vocabularies(tmp_path: Path, base: str) -> None:
    with pytest.raises(ModelFormatError):
        read(tmp_path, "", base=base)


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "- a",
        "a: &x [1]\nb: *x",
        "1: a",
        "a: " + "[" * 50 + "]" * 50,
        "a: 2020-13-45",
        "a: !!python/object:os.system x",
        "? [a]\n: b",
        "a: " + "9" * 5000,
        "x" * (2 << 20),
        "a: \x00",
    ],
)
def test_yaml_that_is_refused(text: str) -> None:
    with pytest.raises(ModelFormatError):
        parse_mapping(text, Path("c.yml"))


def test_yaml_written_is_read() -> None:
    values = {"b": [1, 2.5, "x"], "a": "[eos]", "c": "", "d": False, "e": "1.0", "f": "ü"}
    text = dump_mapping(values)
    assert parse_mapping(text, Path("c.yml")) == values
    assert text.index("a:") < text.index("b:")


def test_training_configurations_are_no_decoder_configurations() -> None:
    assert not is_decoder_mapping({"model": "m.npz", "vocabs": []})
    assert is_decoder_mapping({"models": [], "vocabs": []})


def test_real_configurations(shared: Path) -> None:
    config = read_decoder_config(shared / "models/ende-tiny-ssru/config.intgemm8bitalpha.yml")
    assert config.shortlist is not None and not config.shortlist.verify
    assert config.max_length_factor == 2.5
    assert config.alignment == "soft"
    assert all(path.is_file() for path in (*config.models, *config.vocabularies, config.shortlist.path))


def test_without_libyaml_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dragoman.formats.yaml_text._LOADER", yaml.SafeLoader)
    assert read(tmp_path, "beam-size: 4\n").beam_size == 4
    assert parse_yaml('"</s>": 0\nnull: 1\n', Path("v.yml")) == {"</s>": 0, "null": 1}
    for text in ("a: [", "a: &x 1\nb: *x", "[" * 5000):
        with pytest.raises(ModelFormatError):
            parse_mapping(text, Path("c.yml"))
