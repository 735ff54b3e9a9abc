"""How to decode: one frozen record, checked when it is made. Everything else trusts it."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, TypedDict, TypeVar, Unpack, cast

from dragoman.errors import OptionsError

if TYPE_CHECKING:
    from dragoman.formats.bundle import Bundle
    from dragoman.formats.decoder_yml import DecoderConfig

__all__ = [
    "Alignment",
    "Constraint",
    "Constraints",
    "DecodingChanges",
    "DecodingOptions",
    "LongLines",
    "Split",
    "TextFormat",
    "option_names",
]

Alignment = Literal["soft", "hard"] | float | None
LongLines = Literal["cut", "crop", "refuse"]
Split = Literal["paragraph", "sentence", "wrapped_text", "none"]
"""What ends a sentence: a line feed and the rules of the language; a line feed; the rules alone; only the end."""
TextFormat = Literal["text", "html", "xml", "markdown"]

_T = TypeVar("_T")
_UNSTATED: Any = object()
_MOST_BEAM = 1024
_MOST_LENGTH = 1 << 14
"""Attention is quadratic: such a segment takes minutes and some GB. Longer lines are cut."""


class Constraint(NamedTuple):
    """A text that a translation must contain.

    Attributes:
        text: of one or more words.
        span: characters of the source line that it translates: there it goes; None: where the search likes it best.
    """

    text: str
    span: tuple[int, int] | None = None


Constraints = tuple[Constraint, ...] | tuple[tuple[Constraint, ...], ...]
"""Of every line, or of each."""


class _Refusal(ValueError):
    """Says what is allowed."""


def _integer(least: int, most: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        number = _as_integer(value)
        if number is None or not least <= number <= most:
            raise _Refusal(f"an integer from {least} to {most}")
        return number

    return check


def _as_integer(value: object) -> int | None:
    """Also NumPy's integers, but neither booleans nor floats."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return None
    return int(value.__index__())


def _number(least: float, most: float, *, above: bool = False) -> Callable[[object], float]:
    def check(value: object) -> float:
        try:
            number = math.nan if isinstance(value, (bool, str)) else float(cast(float, value))
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not (least < number if above else least <= number) or not number <= most:
            start = f"above {least:g} and up to" if above else f"from {least:g} to"
            raise _Refusal(f"a number {start} {most:g}")
        return number

    return check


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _Refusal("True or False")


def _alignment(value: object) -> Alignment:
    """True and 1 are Marian's ``--alignment`` without a value: hard. False and 0 switch it off."""
    if value is None or value in ("soft", "hard"):
        return cast(Alignment, value)
    if isinstance(value, (int, float)) and 0 <= value <= 1:
        return {0.0: None, 1.0: "hard"}.get(float(value), float(value))
    raise _Refusal("None, 'soft', 'hard', or a threshold between 0 and 1")


def _weights(value: object) -> tuple[float, ...]:
    try:
        weights = tuple(float(weight) for weight in cast(Sequence[float], value))
    except (TypeError, ValueError):
        raise _Refusal("a sequence of numbers") from None
    if not all(map(math.isfinite, weights)):
        raise _Refusal("a sequence of finite numbers")
    return weights


def _prefix(value: object) -> str | tuple[str, ...] | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Sequence) and all(item is None or isinstance(item, str) for item in value):
        return tuple(item or "" for item in value)
    raise _Refusal("a text, or a sequence of a text (or None) for each line")


def _constraints(value: object) -> Constraints:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if all(isinstance(item, str) or _has_span(item) for item in value):
            return tuple(map(_constraint, value))
        if all(item is None or (isinstance(item, Sequence) and not isinstance(item, str)) for item in value):
            return tuple(tuple(map(_constraint, item or ())) for item in value)
    raise _Refusal("texts that translations must contain, or a sequence of such texts (or None) for each line")


def _has_span(value: object) -> bool:
    """Whether it is a text with a place, which may be None."""
    if not isinstance(value, tuple) or len(value) != 2 or not isinstance(value[0], str):
        return False
    return value[1] is None or (isinstance(value[1], tuple) and not isinstance(value[1], Constraint))


def _constraint(value: object) -> Constraint:
    text, span = cast(tuple[str, object], value) if _has_span(value) else (value, None)
    if isinstance(text, str) and text.strip():
        if span is None:
            return Constraint(text)
        if isinstance(span, tuple) and [type(one) for one in span] == [int, int] and 0 <= span[0] <= span[1]:
            return Constraint(text, (span[0], span[1]))
    raise _Refusal("made of texts that are not empty, or of pairs of such a text and a span of its source")


def _long_lines(value: object) -> LongLines:
    if value in ("cut", "crop", "refuse"):
        return value
    raise _Refusal("'cut', 'crop' or 'refuse'")


def _option(default: _T, check: Callable[[object], _T]) -> _T:
    """A field that knows whether it was stated: `DecodingOptions.__post_init__` puts in the default."""
    return cast(_T, field(default=_UNSTATED, metadata={"default": default, "check": check}))


class DecodingChanges(TypedDict, total=False):
    """Fields of `DecodingOptions` as keywords of a call: ``**changes: Unpack[DecodingChanges]``."""

    beam_size: int
    normalize: float
    word_penalty: float
    max_length: int
    max_length_factor: float
    long_lines: LongLines
    n_best: int
    alignment: Alignment
    word_scores: bool
    allow_unk: bool
    allow_special: bool
    skip_cost: bool
    weights: Sequence[float]
    target_prefix: str | Sequence[str | None] | None
    constraints: Sequence[str | Constraint] | Sequence[Sequence[str | Constraint] | None]


@dataclass(frozen=True, kw_only=True)
class DecodingOptions:
    """How to search and what to return. What is not stated comes from the model, then from Marian.

    Raises `OptionsError`, naming the option, its value and the range, when made with a value out of range or
    an unknown name in `replace`.

    Attributes:
        beam_size: hypotheses kept for each sentence; 1 is greedy. (marian-decoder's own default is 12.)
        normalize: exponent n in score = (path score - word_penalty * length) / length ** n; 0: no division.
        word_penalty: see ``normalize``.
        max_length: most source pieces of a segment, EOS included, up to 16384. See ``long_lines``.
        max_length_factor: a translation has at most this many pieces for each piece of its source.
        long_lines: what happens to longer lines. "cut": segments are translated one by one and rejoined;
            "crop": the rest is not translated, as ``marian-decoder --max-length-crop``; "refuse": an error.
        n_best: hypotheses returned; at most ``beam_size``.
        alignment: "soft" (weights), "hard" (for each target piece the source piece of most weight), a
            threshold (all pairs of more weight), or None.
        word_scores: return the score of each target piece.
        allow_unk: the unknown piece may be in translations.
        allow_special: so may pieces of control characters (``<0x0A>``), which vocabularies with byte fallback have.
        skip_cost: scores are raw logits: faster, and meaningless for beams above 1.
        weights: of the models of an ensemble; empty: 1 for each.
        target_prefix: translations begin with this text; one for all lines, or one for each.
        constraints: texts that translations must contain, each as often as it is given; for all lines, or a sequence
            for each. Their lines are searched with more hypotheses (up to 16), and by log-probabilities.
    """

    beam_size: int = _option(1, _integer(1, _MOST_BEAM))
    normalize: float = _option(0.0, _number(0, 100))
    word_penalty: float = _option(0.0, _number(-1e6, 1e6))
    max_length: int = _option(1000, _integer(2, _MOST_LENGTH))
    max_length_factor: float = _option(3.0, _number(0, 1000, above=True))
    long_lines: LongLines = _option("cut", _long_lines)  # noqa: RUF009
    n_best: int = _option(1, _integer(1, _MOST_BEAM))
    alignment: Alignment = _option(None, _alignment)  # noqa: RUF009
    word_scores: bool = _option(False, _flag)
    allow_unk: bool = _option(False, _flag)
    allow_special: bool = _option(False, _flag)
    skip_cost: bool = _option(False, _flag)
    weights: tuple[float, ...] = _option((), _weights)
    target_prefix: str | tuple[str, ...] | None = _option(None, _prefix)
    constraints: Constraints = _option(cast(Constraints, ()), _constraints)  # noqa: RUF009
    stated: frozenset[str] = field(init=False, repr=False)
    """Names of the options that were given; the others are defaults and give way in `over`."""

    def __post_init__(self) -> None:
        stated = set()
        for name, default, check in _declared():
            value = getattr(self, name)
            if value is _UNSTATED:
                value = default
            else:
                stated.add(name)
                try:
                    value = check(value)
                except _Refusal as refusal:
                    raise OptionsError(name, value, str(refusal)) from None
            object.__setattr__(self, name, value)
        object.__setattr__(self, "stated", frozenset(stated))
        if self.n_best > self.beam_size:
            if "beam_size" in stated:
                raise OptionsError("n_best", self.n_best, f"at most beam_size, which is {self.beam_size}")
            object.__setattr__(self, "beam_size", self.n_best)

    def over(self, defaults: DecodingOptions) -> DecodingOptions:
        """What is stated here, and for the rest ``defaults``: all of it stated then, if all of that is.

        If only one of ``beam_size`` and ``n_best`` is stated here and the other does not allow it, the other
        gives way: the beam grows to the hypotheses wanted, or there are as many hypotheses as the beam has.
        A ``skip_cost`` for greedy search does not outlive it: sums of logits do not compare hypotheses.
        """
        values = {name: getattr(defaults, name) for name in defaults.stated}
        values.update((name, getattr(self, name)) for name in self.stated)
        if values.get("n_best", 1) > values.get("beam_size", defaults.beam_size):
            if "n_best" in self.stated:
                values["beam_size"] = self.n_best
            else:
                values["n_best"] = values["beam_size"]
        if values.get("beam_size", 1) > defaults.beam_size == 1 and "skip_cost" not in self.stated:
            values.pop("skip_cost", None)
        return DecodingOptions(**values)

    def replace(self, /, **changes: Unpack[DecodingChanges]) -> DecodingOptions:
        """A copy with other values, which count as stated. Raises OptionsError, also for an unknown name."""
        return self._replace(changes)

    def _replace(self, changes: Mapping[str, object]) -> DecodingOptions:
        for name, value in changes.items():
            if name not in option_names():
                _refuse_name(name, value)
        return DecodingOptions(**cast(dict[str, Any], changes)).over(self) if changes else self

    def without(self, names: Iterable[str]) -> DecodingOptions:
        """As if some had not been stated."""
        kept = self.stated.difference(names)
        return self if kept == self.stated else DecodingOptions(**{name: getattr(self, name) for name in kept})

    @classmethod
    def of(
        cls, options: DecodingOptions | None, keywords: Mapping[str, object], defaults: DecodingOptions
    ) -> DecodingOptions:
        """The options of one call: its keywords, before its options, before the model's defaults."""
        if options is not None and not isinstance(options, DecodingOptions):
            raise OptionsError("options", options, "a DecodingOptions, or keywords such as beam_size=4")
        return (defaults if options is None else options.over(defaults))._replace(keywords)

    @classmethod
    def of_model(cls, files: Bundle) -> DecodingOptions:
        """A model's own defaults: its decoder configuration, or Firefox's options for models in that form."""
        if files.config is not None:
            return cls.of_config(files.config)
        return cls(normalize=1.0, max_length=128, max_length_factor=2.0) if files.kind == "firefox" else cls()

    @classmethod
    def of_config(cls, config: DecoderConfig) -> DecodingOptions:
        """What a decoder configuration states. Bergamot's ``max-length-break`` goes before Marian's ``max-length``,
        which may crop.

        Raises OptionsError for a value out of range.
        """
        stated: dict[str, Any] = {
            "beam_size": config.beam_size,
            "n_best": (12 if config.beam_size is None else config.beam_size) if config.n_best else None,
            "normalize": config.normalize,
            "word_penalty": config.word_penalty,
            "max_length_factor": config.max_length_factor,
            "max_length": _at_most(_MOST_LENGTH, config.max_length_break or config.max_length),
            "long_lines": "crop" if config.max_length_crop and not config.max_length_break else None,
            "alignment": _alignment_of(config.alignment),
            "word_scores": config.word_scores,
            "allow_unk": config.allow_unk,
            "allow_special": config.allow_special,
            "skip_cost": config.skip_cost,
            "weights": config.weights,
        }
        return cls(**{name: value for name, value in stated.items() if value is not None})

    def prefixes(self, count: int) -> tuple[str, ...] | None:
        """The target prefix of each of ``count`` lines; None: none. Raises OptionsError if they don't fit."""
        if self.target_prefix is None or isinstance(self.target_prefix, str):
            return None if not self.target_prefix else (self.target_prefix,) * count
        if len(self.target_prefix) != count:
            given = f"{len(self.target_prefix)} texts"
            raise OptionsError("target_prefix", given, f"one text, or {count} of them")
        return self.target_prefix

    def constraints_of(self, count: int) -> tuple[tuple[Constraint, ...], ...] | None:
        """The constraints of each of ``count`` lines; None: none. Raises OptionsError if they don't fit."""
        if not any(self.constraints):
            return None
        of_all = tuple([one for one in self.constraints if isinstance(one, Constraint)])
        if of_all:
            return (of_all,) * count
        if len(self.constraints) != count:
            given = f"those of {len(self.constraints)} lines"
            raise OptionsError("constraints", given, f"of all lines together, or {count} sequences of them")
        return tuple([tuple(one) for one in self.constraints if not isinstance(one, Constraint)])


def _at_most(most: int, value: int | None) -> int | None:
    """Of a model's own configuration, which is not refused for it."""
    return None if value is None else min(most, value)


def _alignment_of(word: str | None) -> Alignment:
    """As configurations keep it: thresholds in words, empty where switched off."""
    return cast(Alignment, word) if word in ("soft", "hard", None) else float(word or 0)


@functools.cache
def _declared() -> tuple[tuple[str, Any, Callable[[object], Any]], ...]:
    """Name, default and check of each option; looked up once, as every call makes options."""
    entries = [entry for entry in dataclasses.fields(DecodingOptions) if entry.init]
    return tuple((entry.name, entry.metadata["default"], entry.metadata["check"]) for entry in entries)


@functools.cache
def option_names() -> tuple[str, ...]:
    """Names of all options."""
    return tuple(name for name, _, _ in _declared())


def _refuse_name(name: str, value: object) -> NoReturn:
    import difflib

    near = difflib.get_close_matches(name, option_names(), 1)
    names = f"spelled {near[0]}" if near else "one of the options " + ", ".join(option_names())
    raise OptionsError(name, value, names)
