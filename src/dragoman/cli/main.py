"""The command ``dragoman``: which commands there are, and what every one does about errors."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

import dragoman

__all__ = ["cli", "main"]

_COMMANDS = {
    "cache": "Show, check or empty the cache of prepared weights.",
    "completion": "Print a completion script for a shell.",
    "convert": "Make int8 models and binary shortlists.",
    "decoder": "Translate as marian-decoder does: its options, its output.",
    "fleet": "Show a catalogue of models, and try budgets of memory on a trace.",
    "inspect": "Say what a model is.",
    "keys": "Keys of a server.",
    "models": "Find, fetch and keep models.",
    "prepare": "Prepare models' weights, so that they load at once.",
    "profile": "Show where the time of a model goes.",
    "plan": "Show how a model runs, and in how much memory.",
    "serve": "Serve translations over HTTP.",
    "translate": "Translate text, files and folders.",
}
_STREAMING = frozenset({"translate", "decoder"})
"""Commands that may write to a file, and say it themselves where standard output is closed."""
_FAILED, _WRONG_USAGE, _INTERRUPTED = 1, 2, 130


class _Commands(click.Group):
    """Imports a command when it is called: start-up and help stay fast. Turns errors into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"dragoman.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> NoReturn:
        arguments = list(sys.argv[1:] if args is None else args)
        color = False if os.environ.get("NO_COLOR") else None
        try:
            if sys.stdout is None and not _STREAMING.intersection(arguments):
                raise click.ClickException("standard output is closed: there is nowhere to write to.")
            code = super().main(arguments, prog_name="dragoman", standalone_mode=False, color=color)
        except BaseException as error:
            if isinstance(error, SystemExit):
                raise
            code = _exit_code(error, debug=_debugging(arguments))
        sys.exit(code if isinstance(code, int) else 0)


def _debugging(arguments: Sequence[str]) -> bool:
    """Whether ``--debug`` stands before the command's name."""
    return "--debug" in arguments[: next((n for n, one in enumerate(arguments) if one in _COMMANDS), None)]


def _exit_code(error: BaseException, *, debug: bool) -> int:
    """Says on stderr what happened, for people; the traceback only if wanted."""
    from dragoman.errors import DragomanError, OptionsError

    if debug and not isinstance(error, click.exceptions.Exit):
        traceback.print_exception(error)
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return _INTERRUPTED
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has left. Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    if isinstance(error, OptionsError):
        _say(str(error))
        return _WRONG_USAGE
    if isinstance(error, (DragomanError, OSError)):
        _say(str(error))
    else:
        _say(f"this is a defect: {type(error).__name__}: {error}. `dragoman --debug ...` says where.")
    return _FAILED


def _say(message: str) -> None:
    click.echo(f"dragoman: {message}", err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(dragoman.__version__, prog_name="dragoman")
@click.option("--debug", is_flag=True, help="On errors, show where they come from.")
def cli(debug: bool) -> None:
    """Translate with Marian models: many of them in one process, in the memory of a few.

    Exit codes: 0 done, 1 something failed, 2 wrong usage.
    """


def main() -> NoReturn:
    """Entry point."""
    cli.main()
