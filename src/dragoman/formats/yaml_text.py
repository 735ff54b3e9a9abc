"""YAML from strangers: a mapping of plain values, bounded in size, depth and time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dragoman.errors import ModelFormatError

__all__ = ["QUOTE_ADVICE", "YAML_ADVICE", "dump_mapping", "parse_events", "parse_mapping"]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
YAML_ADVICE = "Correct the line: a text that begins with a mark of YAML must be quoted."
QUOTE_ADVICE = """Quote the piece on that line, as in "[": 7, or take the vocabulary that the model came with."""

_OPENED = ("simple key", "quoted scalar", "flow mapping", "flow sequence", "block scalar", "anchor", "alias", "tag")
"""Of what libyaml says it was at when it could not go on."""
_MAX_DEPTH = 16
_MAX_CHARACTERS = 1 << 20
_MAX_EVENTS = 20_000
"""Each value costs some 300 bytes while it is parsed. Real configurations have a few hundred."""


def parse_mapping(text: str, path: Path, *, parameter: str | None = None) -> dict[str, Any]:
    """A YAML text whose top is a mapping with string keys, as a dict.

    Values are what YAML 1.1 says (``yes`` is True, ``1e-3`` stays a string: Marian's own files write
    neither).

    Raises:
        ModelFormatError: not YAML, not a mapping, over 1 MB or 20 000 items, nested deeper than 16, or with
            aliases, which Marian never writes and which can make a small text unfold to gigabytes.
    """

    def fail(problem: str, line: int | None = None) -> ModelFormatError:
        return ModelFormatError(path, problem, parameter=parameter, offset=line, unit="line")

    if len(text) > _MAX_CHARACTERS:
        raise fail("the YAML text is too long to be a configuration")
    depth = 0
    for count, event in enumerate(parse_events(text, path, parameter=parameter)):
        if count > _MAX_EVENTS:
            raise fail("the YAML text has too many values to be a configuration", _line(event))
        if isinstance(event, yaml.AliasEvent):
            raise fail("YAML aliases are not accepted", _line(event))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise fail("the YAML text is nested too deeply", _line(event))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    try:
        value = yaml.load(text, Loader=_LOADER)  # a safe loader: plain values only
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, LookupError, AttributeError) as error:
        # Not only YAMLError: constructors of dates, numbers and !!binary raise what int() and datetime raise.
        raise fail(f"not valid YAML: {_first_line(error)}", _line_of_error(error)) from None
    if not isinstance(value, dict):
        raise fail(f"not a YAML mapping but a {type(value).__name__}")
    for key in value:
        if not isinstance(key, str):
            raise fail(f"a key is not text but a {type(key).__name__}")
    return value


def parse_events(
    text: str, path: Path, *, parameter: str | None = None, advice: str = YAML_ADVICE
) -> Iterator[Any]:
    """The parser's events: no objects are built, so memory and depth stay bounded. Raises
    ModelFormatError, with the line where the mistake begins and ``advice``.
    """
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError) as error:
        raise ModelFormatError(
            path,
            f"not valid YAML: {_first_line(error)}",
            parameter=parameter,
            offset=_line_of_error(error),
            unit="line",
            advice=advice,
        ) from None


def dump_mapping(values: dict[str, Any]) -> str:
    """A mapping as YAML text in Marian's style: block style, keys sorted."""
    text: str = yaml.dump(
        values, Dumper=_DUMPER, sort_keys=True, allow_unicode=True, default_flow_style=False
    )
    return text


def _line(event: Any) -> int:
    line: int = event.start_mark.line + 1
    return line


def _line_of_error(error: Exception) -> int | None:
    """Where the mistake is: what was opened and never closed is noticed at the end of the file only."""
    mark = getattr(error, "problem_mark", None)
    context = str(getattr(error, "context", None) or "")
    if any(word in context for word in _OPENED):
        mark = getattr(error, "context_mark", None) or mark
    return None if mark is None else int(mark.line) + 1


def _first_line(error: Exception) -> str:
    problem = getattr(error, "problem", None) or str(error)
    return str(problem).splitlines()[0][:120] if str(problem) else type(error).__name__
