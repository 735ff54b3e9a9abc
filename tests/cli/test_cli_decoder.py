"""dragoman decoder on real models: Marian's recorded commands give Marian's recorded output."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from cli_tools import read_lines, run

NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?|(?<== )-?\d+|(?<=\|\|\| )-?\d+$")
TOLERANCE = 1e-3


def recorded(folder: Path, output: str) -> list[str]:
    """The arguments of the command that made ``output``, without its ``-o``."""
    for line in (folder / "COMMANDS.txt").read_text(encoding="utf-8").splitlines():
        words = shlex.split(line)
        if words[0] == "marian-decoder" and f"ref/{output}" in words:
            place = words.index("-o")
            return words[1:place] + words[place + 2 :]
    raise AssertionError(f"no command makes {output}")


def same_share(found: list[str], expected: list[str]) -> float:
    """Share of lines that are equal: byte for byte but for numbers, which may differ a little."""
    assert len(found) == len(expected)
    pairs = zip(found, expected, strict=True)
    return sum(_same(one, other) for one, other in pairs) / len(expected)


def _same(found: str, expected: str) -> bool:
    if NUMBER.sub("#", found) != NUMBER.sub("#", expected):
        return False
    numbers = zip(NUMBER.findall(found), NUMBER.findall(expected), strict=True)
    return all(abs(float(one) - float(other)) < TOLERANCE for one, other in numbers)


@pytest.mark.parametrize(
    ("model", "output", "share"),
    [
        ("ende-tiny-ssru", "f32.beam1.200.de", 0.995),
        ("ende-tiny-ssru", "f32.beam4.nbest4.20.de", 0.99),
        ("ende-tiny-ssru", "f32.beam4.nbest4.align-hard.20.de", 0.97),
        ("ende-tiny-ssru", "f32.beam1.align-soft.20.de", 0.95),
        ("ende-tiny-ssru", "int8.beam1.200.de", 0.97),
        ("enfr-s2s", "f32.beam4.nbest4.20.fr", 0.99),
        ("enfr-selfattn", "f32.beam4.nbest4.align-hard.20.fr", 0.97),
    ],
)
def test_marians_commands(
    shared: Path, monkeypatch: pytest.MonkeyPatch, model: str, output: str, share: float
) -> None:
    folder = shared / "models" / model
    monkeypatch.chdir(folder)
    ran = run("decoder", *recorded(folder, output))
    assert (ran.code, ran.said) == (0, "")
    assert same_share(ran.lines, read_lines(folder / "ref" / output)) >= share


@pytest.fixture
def ende(shared: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments for the en-de model, in whose folder the test runs."""
    monkeypatch.chdir(shared / "models" / "ende-tiny-ssru")
    return ["-m", "model.npz", "-v", "vocab.ende.spm", "vocab.ende.spm"]


def test_a_text_shortlist_keeps_the_sizes_asked_for(ende: list[str]) -> None:
    source = "\n".join(read_lines(Path("ref/test200.en"), 40))
    beam = [*ende, "-b", "1", "-n", "1", "--max-length-factor", "2.5"]
    expected = read_lines(Path("ref/f32.beam1.shortlist.mb1.1000.de"), 40)
    text = run("decoder", *beam, "--shortlist", "lex.50.50.s2t", "50", "50", "0", text=source).lines
    assert text == run("decoder", *beam, "--shortlist", "lex.50.50.s2t.bin", "false", text=source).lines
    assert same_share(text, expected) >= 0.97
    assert run("decoder", *beam, "--shortlist", "lex.50.50.s2t", "1", "1", text=source).lines != text
    assert run("decoder", *beam, "--shortlist", "nothing", "50", "50").code == 1


def test_blank_lines_in_lists_are_there_beam_size_times(ende: list[str]) -> None:
    line = [*ende, "-b", "3", "--n-best", "--word-scores", "--alignment", "hard"]
    lines = run("decoder", *line, text="\nA man.\n  \n").lines
    blank = "|||  ||| 0-0 ||| WordScores= 0.00000 ||| F0= 0 ||| 0"
    assert lines[:3] == [f"0 {blank}"] * 3 and lines[6:] == [f"2 {blank}"] * 3
    assert run("decoder", *ende, "-b", "1", text="\n\nA man.\n").lines[:2] == ["", ""]


def test_pieces_are_printed_with_spaces_between(ende: list[str]) -> None:
    (line,) = run("decoder", *ende, "--no-spm-decode", text="A man.\n").lines
    assert line == "\u2581Ein \u2581Mann ."


def test_two_models_are_an_ensemble_with_a_score_each(ende: list[str]) -> None:
    source = "\n".join(read_lines(Path("ref/test20.en"), 5))
    twice = ["-m", "model.npz", "model.npz", *ende[2:], "--weights", "0.5", "0.5", "-b", "4"]
    alone = run("decoder", *ende, "-b", "4", text=source).lines
    assert run("decoder", *twice, text=source).lines == alone
    assert run("decoder", *twice, "--weights", "0.5", text=source).code == 2
    lines = run("decoder", *twice, "--n-best", text=source).lines
    scores = [re.findall(r"F[01]= (\S+)", line) for line in lines]
    assert all(len(one) == 2 and one[0] == one[1] for one in scores)


def test_options_without_meaning_are_said_once_unless_quiet(ende: list[str]) -> None:
    line = [*ende, "-b", "1", "--mini-batch", "32", "-w", "128", "--maxi-batch-sort", "src"]
    ran = run("decoder", *line, text="A man.\n")
    assert ran.code == 0 and ran.said.count("\n") == 1
    assert all(name in ran.said for name in ("--mini-batch", "--workspace", "--maxi-batch-sort"))
    assert run("decoder", *line, "--quiet", text="A man.\n").said == ""


def test_configurations_and_files(ende: list[str], tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(Path("ref/test20.en").read_bytes())
    ran = run("decoder", "-c", "decoder.yml", "--quiet", "-i", tmp_path / "in", "-o", tmp_path / "out")
    assert (ran.code, ran.output, ran.said) == (0, b"", "")
    expected = read_lines(Path("ref/f32.beam1.200.de"), 20)
    assert same_share(read_lines(tmp_path / "out"), expected) == 1
    assert run("decoder", *ende, "-i", tmp_path / "in", "-o", tmp_path / "in").code == 2


def test_lines_that_are_too_long_for_marian_are_answered(ende: list[str]) -> None:
    text = "A man. " + "A very long line. " * 40 + "\nA dog.\n"
    whole, _ = run("decoder", *ende, "-b", "1", "--max-length", "20", text=text).lines
    cropped, _ = run("decoder", *ende, "-b", "1", "--max-length", "20", "--max-length-crop", text=text).lines
    assert len(whole) > 5 * len(cropped) > 0
