"""The frame of all commands: help, exit codes, errors without tracebacks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_tools import SOURCE, run, start

from dragoman.cli import translate

COMMANDS = ("convert", "decoder", "inspect", "plan", "translate")


def test_help_names_all_commands_and_each_has_help() -> None:
    shown = run("--help")
    assert shown.code == 0
    assert all(command in shown.output.decode() for command in COMMANDS)
    for command in COMMANDS:
        assert run(command, "--help").code == 0


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom dragoman.cli.main import cli\n"
        "try: cli.main(['translate', '--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'sentencepiece', 'yaml', 'tqdm', 'dragoman._native'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, env={"PYTHONPATH": str(SOURCE)}
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("translate", "--nonsense"),
        ("translate",),
        ("translate", "--model", "m", "--from", "en", "--to", "de"),
        ("translate", "--from", "en"),
        ("translate", "--model", "m", "--input", "f", "text"),
        ("translate", "--model", "m", "--alignment", "2"),
        ("translate", "--model", "m", "--n-best", "0"),
        ("translate", "--from", "en", "--to", "no language", "text"),
        ("plan", "m", "--sentences", "0"),
        ("convert", "one"),
        ("decoder", "--nonsense"),
    ],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.output) == (2, b"")
    assert ran.said


def test_failures_are_1_and_one_sentence(tmp_path: Path) -> None:
    ran = run("translate", "--model", tmp_path / "nothing", "text")
    assert (ran.code, ran.output) == (1, b"")
    assert ran.said.startswith("dragoman: ") and "there is no such file or folder" in ran.said
    assert "Traceback" not in ran.said
    assert "Traceback" in run("--debug", "translate", "--model", tmp_path / "nothing", "text").said


def test_defects_are_1_and_say_how_to_see_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr(translate, "choose_models", fail)
    ran = run("translate", "--model", "m", "text")
    assert ran.code == 1
    assert "defect" in ran.said and "deep inside" in ran.said and "--debug" in ran.said


def test_unknown_languages_list_the_pairs() -> None:
    ran = run("translate", "--from", "en", "--to", "xx", "text")
    assert "de-en, en-de, en-fr, fr-en" in ran.said


def test_interrupting_is_quiet_and_130(shared: Path) -> None:
    process = start("translate", "--model", shared / "models" / "ende-tiny-ssru")
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"A man.\n")
    process.stdin.flush()
    assert process.stdout.readline()  # it has started, and waits
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said.strip()) == (130, b"")  # a line end, so that the prompt is not behind ^C


def test_a_reader_that_leaves_is_no_error_to_talk_about(shared: Path) -> None:
    process = start("translate", "--model", shared / "models" / "ende-tiny-ssru")
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdout.close()
    process.stdin.write(b"A man.\n")
    process.stdin.close()
    assert process.wait(timeout=20) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize(
    ("closed", "arguments", "said"),
    [
        (">&-", "translate --from en --to de Hello.", "standard output is closed"),
        (">&-", "decoder -m a -v b", "standard output is closed"),
        (">&-", "cache ls", "standard output is closed"),
        (">&-", "--version", "standard output is closed"),
        ("<&-", "translate --from en --to de", "standard input is closed"),
    ],
)
def test_closed_streams(closed: str, arguments: str, said: str, tmp_path: Path) -> None:
    """As a shell closes them. The decoder needs its models first."""
    if arguments.startswith("decoder"):
        from dragoman.catalogue.bundled import find_route

        (folder,) = find_route("en", "de")
        arguments = f"decoder -m {folder}/model.bin -v {folder}/vocab.spm {folder}/vocab.spm"
    code = "from dragoman.cli.main import main; main()"
    command = f"{sys.executable} -c '{code}' {arguments} {closed}"
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, input="Hello.\n", env=os.environ | {"PYTHONPATH": path}
    )
    assert done.returncode == 1 and said in done.stderr and "defect" not in done.stderr


def test_suffixes_are_those_of_the_formats() -> None:
    """Listed twice, since a command line that translates a sentence reads no file."""
    from dragoman.cli.arguments import SUFFIXES
    from dragoman.documents.registry import FORMATS

    assert {suffix for one in FORMATS for suffix in one.suffixes} == SUFFIXES
