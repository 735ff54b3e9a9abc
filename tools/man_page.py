"""The manual page and the completion scripts, from the commands themselves.

    python tools/man_page.py [--check]

Writes ``packaging/dragoman.1`` and ``packaging/completions``; with --check it says whether they are up to date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from dragoman.cli.main import cli

PACKAGING = Path(__file__).resolve().parents[1] / "packaging"
COMPLETIONS = {"bash": "dragoman.bash", "zsh": "_dragoman", "fish": "dragoman.fish"}
ENVIRONMENT = {
    "DRAGOMAN_MODELS": "Folder of pulled models. Default: dragoman/models in the user's data folder.",
    "DRAGOMAN_SOURCE": "Catalogues that models are pulled from, instead of the usual ones.",
    "DRAGOMAN_CACHE": 'Folder of prepared weights; "off" for none. Default: dragoman in the user\'s cache folder.',
    "DRAGOMAN_CPU": "Kernels to use, instead of the best that the processor has.",
    "NO_COLOR": "No colours.",
}


def pages() -> dict[Path, str]:
    """Every file with what belongs into it."""
    found = {PACKAGING / "dragoman.1": "\n".join(manual()) + "\n"}
    for shell, name in COMPLETIONS.items():
        kind = get_completion_class(shell)
        assert kind is not None
        made = kind(cli, {}, "dragoman", "_DRAGOMAN_COMPLETE")
        found[PACKAGING / "completions" / name] = (made.source_template % made.source_vars()).strip() + "\n"
    return found


def manual() -> Iterator[str]:
    """roff, man(7)."""
    context = click.Context(cli, info_name="dragoman")
    yield '.TH DRAGOMAN 1 "" "dragoman" "User commands"'
    yield from (".SH NAME", r"dragoman \- translate with Marian models, many in one process", ".SH SYNOPSIS")
    yield r".B dragoman \fICOMMAND\fR [\fIOPTION\fR]... [\fIARGUMENT\fR]..."
    yield from (".SH DESCRIPTION", *paragraphs(cli.help or ""))
    yield ".SH COMMANDS"
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        yield from describe(command, click.Context(command, info_name=name, parent=context))
    yield ".SH ENVIRONMENT"
    for name, meaning in ENVIRONMENT.items():
        yield from (".TP", rf"\fB{escape(name)}\fR", escape(meaning))
    yield from (".SH EXIT STATUS", "0: done. 1: something failed, said on standard error. 2: wrong usage.")


def describe(command: click.Command, context: click.Context) -> Iterator[str]:
    """A command, with those below it."""
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (".SS", rf"\fB{escape(context.command_path)}\fR {escape(usage)}", *paragraphs(command.help or ""))
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in record[0]:
            yield from (".TP", rf"\fB{escape(record[0])}\fR", escape(record[1]) or r"\&")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from describe(inner, click.Context(inner, info_name=name, parent=context))


def paragraphs(text: str) -> Iterator[str]:
    for block in text.replace("\b", "").strip().split("\n\n"):
        yield from (".PP", escape(" ".join(block.split())))


def escape(text: str) -> str:
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if check and stale:
        sys.exit(f"not up to date: {', '.join(str(path) for path in stale)}: run tools/man_page.py")
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages()[path], encoding="utf-8")


if __name__ == "__main__":
    main()
