"""A decoder configuration as its file states it: values by option, paths completed. `decoder_yml` gives them types.

Rules: ``ConfigParser::loadConfigFiles`` and ``cli::interpolateEnvVars`` of Marian.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from dragoman.errors import ModelFormatError
from dragoman.formats.files import read_bytes

__all__ = ["complete", "flag", "interpolated", "read_values"]

_LIMIT = 1 << 20
_PATHS = ("models", "vocabs", "input", "output", "shortlist", "log", "ssplit-prefix-file", "quality")
_STANDARD = ("stdin", "stdout", "-")
_VARIABLE = re.compile(r"\$\{([^}]*)\}?")
_FLAGS: dict[str, bool] = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0", ""), False),
}


def flag(value: object) -> bool:
    """A switch, as YAML or a command line spells it; nothing stated is off. Raises ValueError."""
    if value is None:
        return False
    text = str(value).lower() if isinstance(value, (bool, int, str)) else "?"
    if text not in _FLAGS:
        raise ValueError("true or false")
    return _FLAGS[text]


def read_values(path: Path, *, relative: bool = False, interpolate: bool = False) -> dict[str, object]:
    """The options of a configuration file, as it states them.

    Args:
        path: the file.
        relative, interpolate: as if it said ``relative-paths`` and ``interpolate-env-vars``.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFormatError: it is no YAML mapping, or a path names an environment variable that is not set.
    """
    raw = bytes(read_bytes(path, limit=_LIMIT))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelFormatError(path, "not UTF-8 text", offset=error.start) from None
    from dragoman.formats.yaml_text import parse_mapping  # YAML is slow to import, and many models need none

    return complete(parse_mapping(text, path), path, relative=relative, interpolate=interpolate)


def complete(
    values: Mapping[str, object], path: Path, *, relative: bool = False, interpolate: bool = False
) -> dict[str, object]:
    """The values with their paths completed. Arguments and errors: `read_values`."""
    if interpolate or _switch(values, "interpolate-env-vars", path):
        values = interpolated(values, path)
    if relative or _switch(values, "relative-paths", path):
        values = below(path.parent, values)
    return dict(values)


def _switch(values: Mapping[str, object], name: str, path: Path) -> bool:
    try:
        return flag(values.get(name))
    except ValueError as error:
        raise ModelFormatError(
            path, "the option has a wrong value", parameter=name, expected=str(error), found=values[name],
            advice="Correct the configuration.",
        ) from None  # fmt: skip


def below(folder: Path, values: Mapping[str, object]) -> dict[str, object]:
    """The values with paths that start at a folder."""
    return _with_paths(values, lambda name, text: text if text in _STANDARD else str(folder / text))


def interpolated(values: Mapping[str, object], path: Path) -> dict[str, object]:
    """The values with ``${NAME}`` in paths as the environment has it.

    Raises ModelFormatError for a variable that is not set, or without an end.
    """

    def change(name: str, text: str) -> str:
        def variable(match: re.Match[str]) -> str:
            found = os.environ.get(match[1]) if match[0].endswith("}") else None
            if found is None:
                raise ModelFormatError(
                    path, f"the environment variable {match[1]} is not set", parameter=name, found=text,
                    advice="Set it, or write the path as it is.",
                )  # fmt: skip
            return found

        return text if text in _STANDARD else _VARIABLE.sub(variable, text)

    return _with_paths(values, change)


def _with_paths(values: Mapping[str, object], change: Callable[[str, str], str]) -> dict[str, object]:
    """The values with all paths changed; of a shortlist's values the first is one."""
    changed = dict(values)
    for name in _PATHS:
        value = values.get(name)
        if isinstance(value, str):
            changed[name] = change(name, value) if value else value
        elif isinstance(value, list):
            most = 1 if name == "shortlist" else len(value)
            changed[name] = [
                change(name, item) if isinstance(item, str) and item and number < most else item
                for number, item in enumerate(value)
            ]
    return changed
