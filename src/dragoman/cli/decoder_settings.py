"""From the options that are stated, on the command line and in configurations, to one typed record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import click

from dragoman.cli.decoder_options import Values
from dragoman.errors import ModelFormatError
from dragoman.formats.decoder_options import GEMM_PRECISIONS, OPTIONS
from dragoman.formats.decoder_values import flag, interpolated, read_values
from dragoman.formats.decoder_yml import DecoderConfig, parse_decoder_config
from dragoman.options import DecodingOptions

__all__ = ["Settings", "merged_values", "read_settings"]

_HERE = Path("the command line")
_STANDARD = ("stdin", "stdout", "-")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """What to do.

    Attributes:
        config: models, vocabularies, shortlist and all that `dragoman.load` reads of a configuration too.
        source, output: files; None for the standard streams.
        compat: see `dragoman.load`.
        threads: at least 1.
        options: of the search; nothing is left to the model.
        n_best: print lists.
        pieces: print pieces.
        ignored: names of options that are stated and have no influence on translations.
        lost: names of those that have one in Marian.
    """

    config: DecoderConfig
    source: str | None
    output: str | None
    compat: str
    threads: int
    options: DecodingOptions
    n_best: bool
    pieces: bool
    ignored: tuple[str, ...]
    lost: tuple[str, ...]


def merged_values(stated: Values) -> dict[str, object]:
    """The command line over its configurations, paths completed.

    Raises:
        click.UsageError: a configuration has an option that marian-decoder does not know, or a path of the command
            line names an environment variable that is not set.
        ModelNotFoundError, ModelFormatError: a configuration cannot be read.
    """
    merged: dict[str, object] = {}
    interpolate, relative = (_switch(stated, name) for name in ("interpolate-env-vars", "relative-paths"))
    for name in stated.get("config", []):
        values = read_values(Path(name), relative=relative, interpolate=interpolate)
        for option, value in values.items():
            if option not in OPTIONS:
                raise click.UsageError(f"{name}: marian-decoder has no option {option}.")
            if value is not None and value != "":
                merged[option] = value
    own = {name: list(texts) if OPTIONS[name].kind == "list" else texts[-1] for name, texts in stated.items()}
    merged |= own
    if _switch(merged, "interpolate-env-vars"):
        try:
            merged = interpolated(merged, _HERE)
        except ModelFormatError as error:
            raise click.UsageError(str(error)) from None
    return merged


def read_settings(values: Mapping[str, object], stated: Values | None = None) -> Settings:
    """The record of merged options.

    Args:
        values: all of them.
        stated: those of the command line, whose wrong values are wrong usage.

    Raises:
        click.UsageError: an option is refused or lacks what it needs, or a value is of the wrong kind.
        OptionsError: a value is out of range.
        ModelFormatError: a configuration has a value of the wrong kind.
    """
    for name, value in values.items():
        if OPTIONS[name].role == "refused" and value not in (False, "false", ["false"], []):
            raise click.UsageError(f"--{name} cannot be honoured: {OPTIONS[name].note}.")
    if not values.get("models"):
        raise click.UsageError("Missing option --models (-m), or a --config that has it.")
    config = _config(values, values if stated is None else stated)
    if len(config.vocabularies) > 2:
        raise click.UsageError(f"--vocabs needs source and target vocabulary, not {len(config.vocabularies)} files.")
    sources = _texts(values.get("input"))
    if len(sources) > 1:
        raise click.UsageError("--input takes one file: models with several sources cannot be run.")
    roles = {name: OPTIONS[name].role for name in values}
    return Settings(
        config=config,
        source=_file(sources),
        output=_file(_texts(values.get("output"))),
        compat=str(values.get("compat", "trained")),
        threads=max(1, config.cpu_threads or 1),  # 0 asks for a graphics card
        options=DecodingOptions.of_config(config).over(_marians_own()),
        n_best=bool(config.n_best),
        pieces=_switch(values, "no-spm-decode"),
        ignored=tuple(name for name, role in roles.items() if role == "idle"),
        lost=tuple(name for name, role in roles.items() if role == "lost" and values[name] not in (0, "0", 0.0, "")),
    )


def _config(values: Mapping[str, object], stated: Mapping[str, object]) -> DecoderConfig:
    """Wrong values of the command line are wrong usage, those of a file a damaged file."""
    known = dict(values)
    path = Path(str(_texts(values.get("config"))[-1])) if values.get("config") else _HERE
    for name in ("gemm-type", *GEMM_PRECISIONS[1:]):
        known.setdefault(name, None)
    if not known.get("vocabs"):
        raise click.UsageError("--vocabs needs source and target vocabulary, not 0 files.")
    try:
        config = parse_decoder_config(known, path)
    except ModelFormatError as error:
        if error.parameter in stated:
            raise click.UsageError(f"--{error.parameter} is {error.found!r}, not {error.expected}.") from None
        raise
    lists = config.shortlist
    if lists is not None and not lists.stated_false:
        config = replace(config, shortlist=replace(lists, repeated="last"))
    return config


def _marians_own() -> DecodingOptions:
    """Defaults of marian-decoder, all of them stated."""
    return DecodingOptions(
        beam_size=12, n_best=1, normalize=0.0, word_penalty=0.0, max_length=1000, max_length_factor=3.0,
        long_lines="cut", alignment=None, word_scores=False, allow_unk=False, allow_special=False, skip_cost=False,
        weights=(), target_prefix=None,
    )  # fmt: skip


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [str(item) for item in items]


def _file(names: Sequence[str]) -> str | None:
    return None if not names or names[0] in _STANDARD else names[0]


def _switch(values: Mapping[str, object], name: str) -> bool:
    value = values.get(name)
    return _converted(name, value[-1] if isinstance(value, list) and value else value, flag)


def _converted(name: str, value: object, convert: Callable[[object], _T]) -> _T:
    try:
        return convert(value)
    except ValueError as error:
        raise click.UsageError(f"--{name} is {value!r}, not {error}.") from None
