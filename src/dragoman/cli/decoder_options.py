"""How marian-decoder's command line spells its options."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import click

from dragoman.formats.decoder_options import OPTIONS, Option

__all__ = ["Values", "parse_arguments"]

Values = dict[str, "list[str]"]
"""What is stated: texts by the option's long name. Flags have ["true"] or ["false"]."""

_SHORT = {option.short: option for option in OPTIONS.values() if option.short}
_NUMBER = re.compile(r"-\.?\d")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0"})


def parse_arguments(arguments: Sequence[str]) -> Values:
    """A command line as Marian reads it: ``--name value``, ``--name=value``, ``-n value``, ``-nvalue``; lists
    go on to the next option, and given twice they are joined; of other options the last one counts.

    Raises click.UsageError: an option is not known or lacks its value, or a value belongs to no option.
    """
    values: Values = {}
    position = 0
    while position < len(arguments):
        option, attached = _option(arguments[position])
        position += 1
        end = position
        while end < len(arguments) and not _is_option(arguments[end]):
            end += 1
        own = ([attached] if attached is not None else []) + list(arguments[position:end])
        taken = _values(option, own)
        if len(own) > len(taken) and own:
            raise click.UsageError(f"Nothing goes with {own[len(taken)]!r} after --{option.name}.")
        position = end
        if not taken:
            taken = [option.implicit or "true"]
        joined = option.kind == "list" and option.name in values
        values[option.name] = values[option.name] + taken if joined else taken
    return values


def _values(option: Option, own: list[str]) -> list[str]:
    """Those of the texts behind an option that are its own."""
    if option.kind == "list" and (own or option.implicit):
        return own
    if option.kind == "flag":
        return own[:1] if own and own[0].lower() in _WORDS else []
    if not own and option.kind != "optional":
        raise click.UsageError(f"--{option.name} needs a value.")
    return own[:1]


def _is_option(argument: str) -> bool:
    return len(argument) > 1 and argument.startswith("-") and not _NUMBER.match(argument)


def _option(argument: str) -> tuple[Option, str | None]:
    """The option that an argument names, and the value attached to it."""
    if not _is_option(argument):
        raise click.UsageError(f"{argument!r} belongs to no option.")
    if not argument.startswith("--"):
        if argument[1] in _SHORT:
            return _SHORT[argument[1]], argument[2:].removeprefix("=") or None
        raise click.UsageError(f"marian-decoder has no option {argument[:2]}.")
    name, equals, value = argument[2:].partition("=")
    if name not in OPTIONS:
        raise click.UsageError(f"marian-decoder has no option --{name}.{_suggestion(name)}")
    return OPTIONS[name], value if equals else None


def _suggestion(name: str) -> str:
    near = difflib.get_close_matches(name, OPTIONS, 1)
    return f" Did you mean --{near[0]}?" if near else ""
