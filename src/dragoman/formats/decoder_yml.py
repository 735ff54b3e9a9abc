"""Decoder configurations: the options of ``marian-decoder`` as a YAML file, into one frozen, typed record.

Only what the file says; None is "not stated", so that the model's own options and Marian's defaults can fill
in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from dragoman.errors import ModelFormatError
from dragoman.formats.files import read_bytes
from dragoman.formats.model_options import ARCHITECTURE_OPTIONS, GivenOptions
from dragoman.formats.shortlist_options import ShortlistOptions

__all__ = ["DecoderConfig", "is_decoder_mapping", "parse_decoder_config", "read_decoder_config"]

_LIMIT = 1 << 20
_GEMM_PRECISIONS = [
    "float32",
    "int16",
    "int8",
    "int8Alpha",
    "int8shift",
    "int8shiftAlpha",
    "int8shiftAll",
    "int8shiftAlphaAll",
]
_FLAGS: dict[str | None, bool] = dict.fromkeys(("true", "yes", "on", "1"), True)
_FLAGS.update(dict.fromkeys(("false", "no", "off", "0"), False))
_T = TypeVar("_T")


def _flag(value: object) -> bool:
    text = str(value).lower() if isinstance(value, (bool, int, str)) else None
    if text not in _FLAGS:
        raise ValueError("true or false")
    return _FLAGS[text]


def _count(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)  # Marian makes no difference between 4 and "4"
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
        raise ValueError("an integer from 0 on")
    return value


def _workspace(value: object) -> int:
    """Marian's workspace in MB; negative ones (all but so much of a GPU) say nothing here and count as 0."""
    return 0 if isinstance(value, int) and value < 0 else _count(value)


def _number(value: object) -> float:
    if isinstance(value, (int, float, str)):  # YAML 1.1 leaves 1e-3 a string; true is 1
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise ValueError("a number")


def _numbers(value: object) -> tuple[float, ...]:
    return tuple(_number(item) for item in _items(value))


def _text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("text")


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in _items(value))


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _alignment(value: object) -> str:
    """``soft``, ``hard``, or the threshold in words; true is Marian's 1, that is hard; empty if switched
    off.
    """
    if value in ("soft", "hard"):
        return str(value)
    number = _number(value)
    if number == 0:
        return ""
    return "hard" if number == 1 else str(number)


def _precision(value: object) -> str:
    if value in _GEMM_PRECISIONS:
        return str(value)
    raise ValueError("one of " + ", ".join(_GEMM_PRECISIONS))


def _option(convert: Callable[[object], _T]) -> _T | None:
    """A field read from the key of its name, with dashes for underscores; ``convert`` raises ValueError."""
    value: _T | None = field(default=None, metadata={"convert": convert})
    return value


@dataclass(frozen=True)
class DecoderConfig:
    """What a decoder configuration says. Field ``beam_size`` is the key ``beam-size``, and so on.

    Paths are complete: below the configuration's folder with ``relative-paths``, else as given.

    Attributes:
        path: the configuration file.
        models, vocabularies: as many as the file lists, at least one each.
        shortlist: None if there is none.
        quality, ssplit_prefix_file: further files of Bergamot's.
        alignment: "soft", "hard", a threshold, or "" where switched off.
        given: options of the architecture, for model files that lack them.
        workspace: MB.
        normalize: the length exponent; ``true`` is 1.
        ignored: keys that mean nothing here, with their values.
    """

    path: Path
    models: tuple[Path, ...]
    vocabularies: tuple[Path, ...]
    shortlist: ShortlistOptions | None = None
    quality: Path | None = None
    ssplit_prefix_file: Path | None = None
    relative_paths: bool = False
    given: GivenOptions = field(default_factory=GivenOptions)
    weights: tuple[float, ...] | None = _option(_numbers)
    beam_size: int | None = _option(_count)
    normalize: float | None = _option(_number)
    word_penalty: float | None = _option(_number)
    n_best: bool | None = _option(_flag)
    word_scores: bool | None = _option(_flag)
    alignment: str | None = _option(_alignment)
    allow_unk: bool | None = _option(_flag)
    allow_special: bool | None = _option(_flag)
    skip_cost: bool | None = _option(_flag)
    max_length: int | None = _option(_count)
    max_length_crop: bool | None = _option(_flag)
    max_length_factor: float | None = _option(_number)
    max_length_break: int | None = _option(_count)
    mini_batch: int | None = _option(_count)
    mini_batch_words: int | None = _option(_count)
    maxi_batch: int | None = _option(_count)
    maxi_batch_sort: str | None = _option(_text)
    workspace: int | None = _option(_workspace)
    cpu_threads: int | None = _option(_count)
    gemm_precision: str | None = _option(_precision)
    ssplit_mode: str | None = _option(_text)
    ignored: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    def __reduce__(self) -> tuple[Any, ...]:
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return _restore, (values | {"ignored": dict(self.ignored)},)  # read-only mappings cannot be pickled


def _restore(values: dict[str, Any]) -> DecoderConfig:
    return DecoderConfig(**(values | {"ignored": MappingProxyType(values["ignored"])}))


def is_decoder_mapping(values: Mapping[str, object]) -> bool:
    """Whether a YAML mapping configures a decoder: training configurations say ``model``, not ``models``."""
    return "models" in values and "vocabs" in values


def read_decoder_config(path: Path | str) -> DecoderConfig:
    """Read a configuration. Raises ModelNotFoundError, or ModelFormatError naming the key that is wrong."""
    path = Path(path)
    raw = bytes(read_bytes(path, limit=_LIMIT))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelFormatError(path, "not UTF-8 text", offset=error.start) from None
    from dragoman.formats.yaml_text import parse_mapping  # YAML is slow to import, and many models need none

    return parse_decoder_config(parse_mapping(text, path), path)


def parse_decoder_config(values: Mapping[str, object], path: Path) -> DecoderConfig:
    """The record of a mapping already parsed; ``path`` gives the folder that relative paths start from."""

    def read(key: str, convert: Callable[[object], _T], default: object = None) -> _T:
        try:
            return convert(values.get(key, default))
        except ValueError as error:
            raise ModelFormatError(
                path,
                "the option has a wrong value",
                parameter=key,
                expected=str(error),
                found=values.get(key, "nothing"),
                advice="Correct the configuration.",
            ) from None

    def below(name: str) -> Path:
        return path.parent / name if relative else Path(name)

    relative = read("relative-paths", _flag, False)
    known = {"relative-paths", "models", "vocabs", "shortlist", "quality", "ssplit-prefix-file"}
    arguments: dict[str, Any] = {}
    for entry in fields(DecoderConfig):
        convert = entry.metadata.get("convert")
        key = entry.name.replace("_", "-")
        if convert is None or key not in values:
            continue
        known.add(key)
        if values[key] is not None:  # a key without a value states nothing
            arguments[entry.name] = read(key, convert)
    for key, name in (("quality", "quality"), ("ssplit-prefix-file", "ssplit_prefix_file")):
        if values.get(key) not in (None, ""):
            arguments[name] = below(read(key, _text))
    if values.get("shortlist") not in (None, "", []):
        arguments["shortlist"] = read("shortlist", lambda value: _shortlist(value, below))
    known |= ARCHITECTURE_OPTIONS | {"ignore-model-config"}
    architecture = {key: value for key, value in values.items() if key in ARCHITECTURE_OPTIONS and value is not None}
    return DecoderConfig(
        path=path,
        given=GivenOptions(architecture, read("ignore-model-config", _flag, False)),
        models=tuple(below(name) for name in read("models", _some_texts)),
        vocabularies=tuple(below(name) for name in read("vocabs", _some_texts)),
        relative_paths=relative,
        ignored=MappingProxyType({key: value for key, value in values.items() if key not in known}),
        **arguments,
    )


def _some_texts(value: object) -> tuple[str, ...]:
    texts = _texts(value)
    if not texts:
        raise ValueError("a list of file names")
    return texts


def _shortlist(value: object, below: Callable[[str], Path]) -> ShortlistOptions:
    """``path`` or ``[path, first, best, threshold, dump]`` or ``[path, false]``; see ShortlistOptions."""
    name, *rest = _items(value)
    second = rest[0] if rest else None
    words = second if isinstance(second, bool) or second in ("true", "false") else None
    return ShortlistOptions(
        path=below(_text(name)),
        first=_count(second) if rest and words is None else None,
        best=_count(rest[1]) if len(rest) > 1 else None,
        threshold=_number(rest[2]) if len(rest) > 2 else 0.0,
        # For a binary list the second value is "check the checksum", whatever was meant: 0 and false say no.
        verify=_flag(words) if words is not None else not rest or _count(second) != 0,
        stated_false=words is not None and not _flag(words),
    )
