"""From the options that are stated, on the command line and in configurations, to one typed record."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import click

from dragoman.cli.decoder_options import GEMM_PRECISIONS, OPTIONS, Values
from dragoman.formats.yaml_text import parse_mapping
from dragoman.options import Alignment, DecodingOptions

__all__ = ["Settings", "merged_values", "read_settings", "shortlist_options"]

_PATHS = ("models", "vocabs", "input", "output", "shortlist", "log", "ssplit-prefix-file", "quality")
_STANDARD = ("stdin", "stdout", "-")
_ENVIRONMENT = re.compile(r"\$\{(\w+)\}")
_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0", ""})
_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """What to do.

    Attributes:
        models: one, or those of an ensemble.
        vocabularies: source and target.
        shortlist: path and further values, as in ``--shortlist``; or none.
        source, output: files; None for the standard streams.
        precision: "auto", as the file is stored, or "int8".
        compat: see `dragoman.load`.
        threads: at least 1.
        options: of the search; nothing is left to the model.
        n_best: print lists.
        pieces: print pieces.
        ignored: names of options that are stated and mean nothing.
    """

    models: tuple[Path, ...]
    vocabularies: tuple[Path, Path]
    shortlist: tuple[str, ...]
    source: str | None
    output: str | None
    precision: str
    compat: str
    threads: int
    options: DecodingOptions
    n_best: bool
    pieces: bool
    ignored: tuple[str, ...]


def merged_values(stated: Values) -> Values:
    """The command line over its configurations, paths completed.

    Raises:
        click.UsageError: a configuration has an option that marian-decoder does not know, or a path names an
            environment variable that is not set.
        ModelNotFoundError, ModelFormatError: a configuration cannot be read.
    """
    interpolate = _flag(stated, "interpolate-env-vars")
    merged: Values = {}
    for name in stated.get("config", []):
        merged |= _read_config(Path(name), interpolate, _flag(stated, "relative-paths"))
    merged |= stated
    return _interpolated(merged) if _flag(merged, "interpolate-env-vars") else merged


def read_settings(values: Values) -> Settings:
    """The record of merged options.

    Raises:
        click.UsageError: an option is refused or lacks what it needs, or a value is of the wrong kind.
        OptionsError: a value is out of range.
    """
    for name, texts in values.items():
        if OPTIONS[name].role == "refused" and texts != ["false"]:
            raise click.UsageError(f"--{name} cannot be honoured: {OPTIONS[name].note}.")
    models = tuple(Path(name) for name in values.get("models", ()))
    if not models:
        raise click.UsageError("Missing option --models (-m), or a --config that has it.")
    vocabularies = [Path(name) for name in values.get("vocabs", ())]
    if len(vocabularies) not in (1, 2):
        raise click.UsageError(f"--vocabs needs source and target vocabulary, not {len(vocabularies)} files.")
    sources = values.get("input", [])
    if len(sources) > 1:
        raise click.UsageError("--input takes one file: models with several sources cannot be run.")
    return Settings(
        models=models,
        vocabularies=(vocabularies[0], vocabularies[-1]),
        shortlist=tuple(values.get("shortlist", ())),
        source=_file(sources),
        output=_file(values.get("output", [])),
        precision=_precision(values),
        compat=_last(values, "compat", str, "trained"),
        threads=max(1, _last(values, "cpu-threads", int, 1)),  # 0 asks for a graphics card
        options=_decoding_options(values),
        n_best=_flag(values, "n-best"),
        pieces=_flag(values, "no-spm-decode"),
        ignored=tuple(name for name in values if OPTIONS[name].role == "idle"),
    )


def shortlist_options(sizes: Sequence[str]) -> tuple[int, int, float]:
    """``first``, ``best`` and ``threshold`` of a text shortlist from the values after its path."""
    first = _converted("shortlist", sizes[0], int) if sizes else 100
    best = _converted("shortlist", sizes[1], int) if len(sizes) > 1 else 100
    return first, best, _converted("shortlist", sizes[2], float) if len(sizes) > 2 else 0.0


def _decoding_options(values: Values) -> DecodingOptions:
    beam_size = _last(values, "beam-size", int, 12)
    return DecodingOptions(
        beam_size=beam_size,
        n_best=beam_size if _flag(values, "n-best") else 1,
        normalize=_last(values, "normalize", float, 0.0),
        word_penalty=_last(values, "word-penalty", float, 0.0),
        max_length=_last(values, "max-length", int, 1000),
        max_length_factor=_last(values, "max-length-factor", float, 3.0),
        long_lines="crop" if _flag(values, "max-length-crop") else "cut",
        alignment=_last(values, "alignment", _alignment, None),
        word_scores=_flag(values, "word-scores"),
        allow_unk=_flag(values, "allow-unk"),
        skip_cost=_flag(values, "skip-cost"),
        weights=tuple(_converted("weights", text, float) for text in values.get("weights", ())),
        target_prefix=None,
    )


def _alignment(text: str) -> Alignment:
    """Marian takes anything for a threshold that is not a word it knows."""
    return cast(Alignment, text) if text in ("soft", "hard") else float(text or "0")


def _precision(values: Values) -> str:
    """Float models are computed in float unless int8 is asked for; int8 models as stored; int16 in float."""
    wanted = [_last(values, "gemm-precision", str, "float32")]
    wanted += [name for name in GEMM_PRECISIONS[1:] if _flag(values, name)]
    for name in wanted:
        if name not in GEMM_PRECISIONS:
            raise click.UsageError(f"--gemm-precision is {name}, not one of {', '.join(GEMM_PRECISIONS)}.")
    packed = _last(values, "gemm-type", str, "").startswith(("intgemm8", "packed8"))
    return "int8" if packed or any(name.startswith("int8") for name in wanted) else "auto"


def _file(names: Sequence[str]) -> str | None:
    return None if not names or names[0] in _STANDARD else names[0]


def _last(values: Values, name: str, convert: Callable[[str], _T], default: _T) -> _T:
    return _converted(name, values[name][-1], convert) if values.get(name) else default


def _converted(name: str, text: str, convert: Callable[[str], _T]) -> _T:
    kinds = {int: "an integer", float: "a number", _alignment: "soft, hard or a number"}
    try:
        return convert(text)
    except ValueError:
        raise click.UsageError(f"--{name} is {text!r}, not {kinds.get(convert, 'valid')}.") from None


def _flag(values: Values, name: str) -> bool:
    text = values.get(name, ["false"])[-1].lower()
    if text not in _TRUE | _FALSE:
        raise click.UsageError(f"--{name} is {text!r}, not true or false.")
    return text in _TRUE


def _read_config(path: Path, interpolate: bool, relative: bool) -> Values:
    from dragoman.errors import ModelFormatError
    from dragoman.formats.files import read_bytes

    raw = bytes(read_bytes(path, limit=1 << 20))
    try:
        mapping = parse_mapping(raw.decode("utf-8-sig"), path)
    except UnicodeDecodeError as error:
        raise ModelFormatError(path, "not UTF-8 text", offset=error.start) from None
    values: Values = {}
    for name, value in mapping.items():
        if name not in OPTIONS:
            raise click.UsageError(f"{path}: marian-decoder has no option {name}.")
        items = value if isinstance(value, list) else [value]
        if value is not None and value != "":
            values[name] = [_text(item) for item in items]
    relative = relative or _flag(values, "relative-paths")
    if relative and (interpolate or _flag(values, "interpolate-env-vars")):
        values = _interpolated(values)
    return _below(path.parent, values) if relative else values


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _below(folder: Path, values: Values) -> Values:
    def complete(text: str) -> str:
        return text if text in _STANDARD else str(folder / text)

    return _with_paths(values, complete)


def _interpolated(values: Values) -> Values:
    def variable(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise click.UsageError(f"the environment variable {match[1]} is not set.")
        return os.environ[match[1]]

    return _with_paths(values, lambda text: _ENVIRONMENT.sub(variable, text))


def _with_paths(values: Values, change: Callable[[str], str]) -> Values:
    """The values with all paths changed; of a shortlist's values the first is one."""
    changed = dict(values)
    for name in _PATHS:
        if name in values:
            most = 1 if name == "shortlist" else len(values[name])
            changed[name] = [*map(change, values[name][:most]), *values[name][most:]]
    return changed
