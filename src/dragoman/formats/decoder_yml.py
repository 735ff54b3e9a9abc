"""Decoder configurations: the options of ``marian-decoder`` as a YAML file, into one frozen, typed record.

Only what the file says; None is "not stated", so that the model's own options and Marian's defaults can fill
in.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

from dragoman.errors import ModelFormatError, UnsupportedModelError
from dragoman.formats.decoder_options import GEMM_PRECISIONS, OPTIONS
from dragoman.formats.decoder_values import flag, read_values
from dragoman.formats.model_options import GivenOptions, architecture_options
from dragoman.formats.shortlist_options import ShortlistOptions

__all__ = ["DecoderConfig", "check_honoured", "is_decoder_mapping", "parse_decoder_config", "read_decoder_config"]

_log = logging.getLogger("dragoman")
_NOTHING: tuple[object, ...] = (None, False, "false", "", 0, [])
_T = TypeVar("_T")


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
    if value in GEMM_PRECISIONS:
        return str(value)
    raise ValueError("one of " + ", ".join(GEMM_PRECISIONS))


def _option(convert: Callable[[object], _T]) -> _T | None:
    """A field read from the key of its name, with dashes for underscores; ``convert`` raises ValueError."""
    value: _T | None = field(default=None, metadata={"convert": convert})
    return value


@dataclass(frozen=True)
class DecoderConfig:
    """What a decoder configuration says. Field ``beam_size`` is the key ``beam-size``, and so on.

    Attributes:
        path: the configuration file.
        models, vocabularies: as many as the file lists, at least one each.
        shortlist: None if there is none.
        quality, ssplit_prefix_file: further files of Bergamot's.
        int8: a float model is to be computed in integers.
        alignment: "soft", "hard", a threshold, or "" where switched off.
        given: options of the architecture, for model files that lack them.
        workspace: MB.
        normalize: the length exponent; ``true`` is 1.
        ignored: further keys, with their values: those of `decoder_options` that mean nothing to a model, and
            unknown ones.
    """

    path: Path
    models: tuple[Path, ...]
    vocabularies: tuple[Path, ...]
    shortlist: ShortlistOptions | None = None
    quality: Path | None = None
    ssplit_prefix_file: Path | None = None
    int8: bool = False
    given: GivenOptions = field(default_factory=GivenOptions)
    weights: tuple[float, ...] | None = _option(_numbers)
    beam_size: int | None = _option(_count)
    normalize: float | None = _option(_number)
    word_penalty: float | None = _option(_number)
    n_best: bool | None = _option(flag)
    word_scores: bool | None = _option(flag)
    alignment: str | None = _option(_alignment)
    allow_unk: bool | None = _option(flag)
    allow_special: bool | None = _option(flag)
    skip_cost: bool | None = _option(flag)
    max_length: int | None = _option(_count)
    max_length_crop: bool | None = _option(flag)
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
    return parse_decoder_config(read_values(path), path)


def parse_decoder_config(values: Mapping[str, object], path: Path) -> DecoderConfig:
    """The record of values whose paths are complete; ``path``: where they were stated."""

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

    known = {"relative-paths", "interpolate-env-vars", "models", "vocabs", "shortlist", "quality"}
    known |= {"ssplit-prefix-file", "gemm-type", *GEMM_PRECISIONS[1:]}
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
            arguments[name] = Path(read(key, _text))
    if values.get("shortlist") not in (None, "", []):
        arguments["shortlist"] = read("shortlist", _shortlist)
    architecture = architecture_options(values)
    known |= {*architecture, "ignore-model-config"}
    return DecoderConfig(
        path=path,
        given=GivenOptions(architecture, read("ignore-model-config", flag)),
        models=tuple(map(Path, read("models", _some_texts))),
        vocabularies=tuple(map(Path, read("vocabs", _some_texts))),
        int8=_int8(values, read),
        ignored=MappingProxyType({key: value for key, value in values.items() if key not in known}),
        **arguments,
    )


def check_honoured(config: DecoderConfig) -> None:
    """Whatever a configuration says has its meaning, has none, is refused, or is named in a warning.

    Raises UnsupportedModelError for an option without which the output would be something else.
    """
    lost = []
    for key, value in config.ignored.items():
        option = OPTIONS.get(key)
        if value in _NOTHING:
            continue
        if option is None or option.role == "lost":
            lost.append(key)
        elif option.role == "refused":
            raise UnsupportedModelError(key, value, path=config.path, advice=f"It cannot be honoured: {option.note}.")
    if lost:
        _log.warning("%s: these options have no effect here: %s", config.path, ", ".join(lost[:20]))


def _some_texts(value: object) -> tuple[str, ...]:
    texts = _texts(value)
    if not texts:
        raise ValueError("a list of file names")
    return texts


def _int8(values: Mapping[str, object], read: Callable[[str, Callable[[object], _T]], _T]) -> bool:
    """Whether a float model is to be computed in integers: by ``gemm-precision``, ``gemm-type`` or a flag."""
    stated = [name for name in GEMM_PRECISIONS[1:] if name in values and read(name, cast("Any", flag))]
    wanted = [str(values.get(key) or "") for key in ("gemm-precision", "gemm-type")]
    packed = wanted[1].startswith(("intgemm8", "packed8"))
    return packed or any(name.startswith("int8") for name in (*stated, wanted[0]))


def _shortlist(value: object) -> ShortlistOptions:
    """``path`` or ``[path, first, best, threshold, dump]`` or ``[path, false]``; see ShortlistOptions."""
    name, *rest = _items(value)
    second = rest[0] if rest else None
    words = second if isinstance(second, bool) or second in ("true", "false") else None
    return ShortlistOptions(
        path=Path(_text(name)),
        first=_count(second) if rest and words is None else None,
        best=_count(rest[1]) if len(rest) > 1 else None,
        threshold=_number(rest[2]) if len(rest) > 2 else 0.0,
        dump=_text(rest[3]) if len(rest) > 3 and rest[3] not in (None, "") else "",
        # For a binary list the second value is "check the checksum", whatever was meant: 0 and false say no.
        verify=flag(words) if words is not None else not rest or _count(second) != 0,
        stated_false=words is not None and not flag(words),
    )
