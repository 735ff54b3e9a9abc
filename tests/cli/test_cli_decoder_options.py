"""marian-decoder's command line and configurations: how they are read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from cli_tools import run
from fleet_tools import make_folder

from dragoman.cli.decoder_options import parse_arguments
from dragoman.cli.decoder_settings import Settings, merged_values, read_settings
from dragoman.errors import ModelFormatError, OptionsError
from dragoman.formats.decoder_options import OPTIONS
from dragoman.formats.vocabulary import read_vocabulary

LEAST = "-m a.npz -v s.spm t.spm"


def settings(line: str) -> Settings:
    stated = parse_arguments(line.split())
    return read_settings(merged_values(stated), stated)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("", {}),
        ("-m a b -v c", {"models": ["a", "b"], "vocabs": ["c"]}),
        ("--models=a b -m c", {"models": ["a", "b", "c"]}),
        ("-b 4 --beam-size 6", {"beam-size": ["6"]}),
        ("-b4 -n0.6", {"beam-size": ["4"], "normalize": ["0.6"]}),
        ("--beam-size=4", {"beam-size": ["4"]}),
        ("--normalize --n-best", {"normalize": ["1"], "n-best": ["true"]}),
        ("--normalize 0.6", {"normalize": ["0.6"]}),
        ("--alignment --word-scores", {"alignment": ["1"], "word-scores": ["true"]}),
        ("--alignment=soft", {"alignment": ["soft"]}),
        ("--n-best false --quiet=true", {"n-best": ["false"], "quiet": ["true"]}),
        ("--word-penalty -0.5", {"word-penalty": ["-0.5"]}),
        ("--weights -.5 1e-1 --seed 1", {"weights": ["-.5", "1e-1"], "seed": ["1"]}),
        ("--shortlist lex 50 50 -d 0 1", {"shortlist": ["lex", "50", "50"], "devices": ["0", "1"]}),
        ("-i - -o stdout", {"input": ["-"], "output": ["stdout"]}),
        ("--cpu-threads -w 128", {"cpu-threads": ["1"], "workspace": ["128"]}),
        ("--output-sampling", {"output-sampling": ["full"]}),
    ],
)
def test_spellings(line: str, values: dict[str, list[str]]) -> None:
    assert parse_arguments(line.split()) == values


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("--beam", "--beam"),
        ("--beem-size 4", "Did you mean --beam-size"),
        ("-x", "-x"),
        ("text", "'text'"),
        ("--n-best maybe", "'maybe'"),
        ("-b 4 5", "'5'"),
        ("--beam-size --n-best", "--beam-size"),
        ("-m", "--models"),
        ("--", "--"),
    ],
)
def test_what_marian_would_not_take(line: str, named: str) -> None:
    with pytest.raises(click.UsageError, match=named):
        parse_arguments(line.split())


def test_defaults_are_marians() -> None:
    found = settings(LEAST)
    options = found.options
    config = found.config
    assert config.models == (Path("a.npz"),) and config.vocabularies == (Path("s.spm"), Path("t.spm"))
    assert (options.beam_size, options.normalize, options.word_penalty, options.n_best) == (12, 0.0, 0.0, 1)
    assert (options.max_length, options.max_length_factor, options.long_lines) == (1000, 3.0, "cut")
    assert (found.source, found.output, found.threads, config.int8) == (None, None, 1, False)
    assert (found.compat, found.ignored, found.lost, config.shortlist) == ("trained", (), (), None)


def test_values_reach_the_search() -> None:
    found = settings(
        f"{LEAST} -b 4 -n 0.6 --n-best --alignment 0.2 --word-penalty -1 --allow-unk --skip-cost"
        " --word-scores --max-length 50 --max-length-crop --max-length-factor 1.5 --weights 0.5"
        " --cpu-threads 0 --no-spm-decode"
    )
    options = found.options
    assert (options.beam_size, options.n_best, options.normalize, options.word_penalty) == (4, 4, 0.6, -1)
    assert (options.alignment, options.max_length, options.max_length_factor) == (0.2, 50, 1.5)
    assert options.allow_unk and options.skip_cost and options.word_scores and options.long_lines == "crop"
    assert (options.weights, found.threads, found.n_best, found.pieces) == ((0.5,), 1, True, True)
    assert settings(f"{LEAST} --alignment").options.alignment == "hard"
    assert settings(f"{LEAST} --alignment 0").options.alignment is None


@pytest.mark.parametrize(
    ("line", "int8"),
    [
        ("", False),
        ("--gemm-precision float32", False),
        ("--gemm-precision int16", False),
        ("--gemm-precision int8shiftAlphaAll", True),
        ("--int8shiftAlphaAll", True),
        ("-g intgemm8", True),
        ("--gemm-type packed16", False),
    ],
)
def test_precision(line: str, int8: bool) -> None:
    assert settings(f"{LEAST} {line}").config.int8 == int8


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("-v s t", "--models"),
        ("-m a", "--vocabs"),
        ("-m a -v s t u", "--vocabs"),
        (f"{LEAST} -i one two", "--input"),
        (f"{LEAST} -b many", "--beam-size is 'many'"),
        (f"{LEAST} -n much", "--normalize"),
        (f"{LEAST} --alignment firm", "--alignment"),
        (f"{LEAST} --gemm-precision int4", "--gemm-precision"),
        (f"{LEAST} --output-sampling", "--output-sampling"),
        (f"{LEAST} --tsv", "--tsv"),
        (f"{LEAST} --force-decode", "--force-decode"),
        (f"{LEAST} --dump-quantmult", "--calibrate"),
    ],
)
def test_what_cannot_be_honoured(line: str, named: str) -> None:
    with pytest.raises(click.UsageError, match=named):
        settings(line)


def test_values_out_of_range_are_named() -> None:
    with pytest.raises(OptionsError, match="beam_size is 0"):
        settings(f"{LEAST} -b 0")


def test_refusals_switched_off_are_none() -> None:
    assert settings(f"{LEAST} --output-sampling false --tsv=false")


def test_configurations_are_under_the_command_line(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yml", tmp_path / "b.yml"
    first.write_text(
        "relative-paths: true\nmodels: [m.npz]\nvocabs:\n  - v.spm\n  - v.spm\n"
        "beam-size: 6\nnormalize: true\nn-best: yes\ninput: stdin\n"
        "shortlist: [lex.bin, false]\nmini-batch: 8\nlog: ''\n"
    )
    second.write_text("beam-size: 5\nalignment: soft\n")
    found = settings(f"-c {first} {second} --normalize 0.7")
    config = found.config
    assert config.models == (tmp_path / "m.npz",) and config.vocabularies == (tmp_path / "v.spm",) * 2
    assert config.shortlist is not None and config.shortlist.path == tmp_path / "lex.bin"
    assert config.shortlist.stated_false
    assert (found.options.beam_size, found.options.normalize) == (5, 0.7)
    assert (found.options.alignment, found.n_best, found.source) == ("soft", True, None)
    assert found.ignored == ("mini-batch",)


def test_relative_paths_may_stand_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("models: [m.npz]\nvocabs: [v, v]\n")
    assert settings(f"-c {tmp_path}/a.yml").config.models == (Path("m.npz"),)
    assert settings(f"-c {tmp_path}/a.yml --relative-paths").config.models == (tmp_path / "m.npz",)
    assert settings(f"-c {tmp_path}/a.yml --relative-paths -m n.npz").config.models == (Path("n.npz"),)


def test_environment_in_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", "/models")
    line = "-m ${WHERE}/a.npz -v ${WHERE}/v ${WHERE}/v --shortlist ${WHERE}/lex 50 50"
    assert settings(line).config.models == (Path("${WHERE}/a.npz"),)
    found = settings(f"{line} --interpolate-env-vars")
    lists = found.config.shortlist
    assert found.config.models == (Path("/models/a.npz"),)
    assert lists is not None and (lists.path, lists.sizes) == (Path("/models/lex"), (50, 50))
    with pytest.raises(click.UsageError, match="NOWHERE"):
        settings("-m ${NOWHERE}/a -v b --interpolate-env-vars")


def test_bad_configurations(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("models: [a]\nbeem-size: 3\n")
    with pytest.raises(click.UsageError, match="beem-size"):
        settings(f"-c {path}")
    for data in (b"[1]", b"a: [", b"\xff"):
        path.write_bytes(data)
        with pytest.raises(ModelFormatError):
            settings(f"-c {path}")


def test_help_lists_every_option() -> None:
    shown = run("decoder", "--help").output.decode()
    assert all(f"--{name}" in shown for name in OPTIONS)
    assert run("decoder", "--version").output.startswith(b"dragoman ")


def test_pruned_shortlists_are_written_as_marian_writes_them(tmp_path: Path, spm_bytes: bytes) -> None:
    folder = make_folder(tmp_path / "m", spm_bytes)
    vocabulary = read_vocabulary(folder / "vocab.spm")
    pieces = [vocabulary.piece_of(number) for number in range(2, 12)]
    lines = [f"{target} {source} 0.{9 - n}" for source in pieces[:2] for n, target in enumerate(pieces[:5])]
    (folder / "lex.txt").write_text("\n".join(lines))
    common = ("-m", folder / "model.npz", "-v", folder / "vocab.spm", "-b", "1")
    ran = run("decoder", *common, "--shortlist", folder / "lex.txt", "3", "2", "0", tmp_path / "kept", text="abc\n")
    assert ran.code == 0
    assert (tmp_path / "kept.top").read_text().splitlines() == ["</s>", "<unk>", pieces[0]]
    expected = sorted(f"{source}\t{target}" for source in pieces[:2] for target in pieces[:2])
    assert sorted((tmp_path / "kept.dic").read_text().splitlines()) == expected
    plain = run("decoder", *common, "--shortlist", folder / "lex.txt", "3", "2", "0", text="abc\n")
    assert plain.output == ran.output


def test_a_fleet_with_models_that_cannot_be_loaded_fails(tmp_path: Path, spm_bytes: bytes) -> None:
    make_folder(tmp_path / "ende", spm_bytes)
    assert run("fleet", tmp_path).code == 0
    broken = make_folder(tmp_path / "deen", spm_bytes)
    (broken / "model.npz").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    for arguments in (("fleet", tmp_path), ("fleet", tmp_path, "--json")):
        ran = run(*arguments)
        assert ran.code == 1 and "deen" in ran.said and b"ende" in ran.output
