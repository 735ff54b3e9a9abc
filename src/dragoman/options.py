"""Decoding options: one frozen record, validated once."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, fields, replace
from typing import Any

from dragoman.errors import OptionsError
from dragoman.formats.bundle import Bundle

__all__ = ["Alignment", "DecodingOptions", "merge"]

Alignment = str | float | None


@dataclass(frozen=True)
class DecodingOptions:
    """How to translate. A value out of range is an `OptionsError` that names it.

    Attributes:
        beam_size: hypotheses kept for each sentence, 1 .. 512; 1 is greedy search.
        normalize: final score = (path - word_penalty * n) / n ** normalize, n target pieces with EOS; 0: no division.
        word_penalty: see normalize.
        max_length: most source pieces of a sentence, EOS included; a longer line is cut, translated in parts and
            rejoined.
        max_length_factor: a translation ends at this many times its own source's pieces (Marian: its batch's longest).
        n_best: hypotheses returned for each sentence, 1 .. beam_size.
        alignment: None; "soft", a matrix; "hard", the best source piece of each target piece; or a threshold
            in (0, 1), all source pieces above it.
        word_scores: the score of each target piece.
        allow_unk: may the unknown piece be chosen?
        skip_cost: scores are raw logits instead of log-probabilities.
        scores: False lets greedy search skip the scores (they are then 0).
    """

    beam_size: int = 1
    normalize: float = 0.0
    word_penalty: float = 0.0
    max_length: int = 1000
    max_length_factor: float = 3.0
    n_best: int = 1
    alignment: Alignment = None
    word_scores: bool = False
    allow_unk: bool = False
    skip_cost: bool = False
    scores: bool = True

    def __post_init__(self) -> None:
        _integer(self, "beam_size", 1, 512)
        _integer(self, "n_best", 1, self.beam_size)
        _integer(self, "max_length", 2, 1 << 20)
        _number(self, "normalize", 0.0, 100.0)
        _number(self, "word_penalty", -1e6, 1e6)
        _number(self, "max_length_factor", 0.01, 1000.0)
        for name in ("word_scores", "allow_unk", "skip_cost", "scores"):
            if not isinstance(getattr(self, name), bool):
                raise OptionsError(name, getattr(self, name), "True or False")
        value = self.alignment
        threshold = isinstance(value, float) and 0 < value < 1
        if not (value is None or value in ("soft", "hard") or threshold):
            raise OptionsError("alignment", value, "None, 'soft', 'hard' or a threshold between 0 and 1")

    @classmethod
    def of_model(cls, files: Bundle) -> DecodingOptions:
        """The options that a model's own files ask for; Marian's defaults where they are silent, greedy search, and
        Firefox's for files named as Firefox names them (marian-semantics 9)."""
        given: dict[str, Any] = {"beam_size": 1, "normalize": 1.0}
        if files.kind == "firefox":
            given.update(max_length_factor=2.0)
        config = files.config
        if config is not None:
            own = {
                "beam_size": config.beam_size,
                "normalize": config.normalize,
                "word_penalty": config.word_penalty,
                "max_length": config.max_length_break or config.max_length,
                "max_length_factor": config.max_length_factor,
                "allow_unk": config.allow_unk,
            }
            given.update({name: value for name, value in own.items() if value is not None})
        return cls(**given)


def merge(options: DecodingOptions, changes: dict[str, Any]) -> DecodingOptions:
    """``options`` with some fields replaced. Raises OptionsError for an unknown name or a value out of range."""
    known = [field.name for field in fields(DecodingOptions)]
    for name in changes:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise OptionsError(name, changes[name], f"one of the known options{f' ({near[0]}?)' if near else ''}")
    if "n_best" in changes and "beam_size" not in changes:
        changes = {**changes, "beam_size": max(options.beam_size, _at_least_one(changes["n_best"]))}
    if changes.get("beam_size") and "n_best" not in changes and isinstance(changes["beam_size"], int):
        changes = {**changes, "n_best": min(options.n_best, changes["beam_size"])}
    return replace(options, **changes)


def _at_least_one(value: object) -> int:
    if not isinstance(value, int) or value < 1:
        raise OptionsError("n_best", value, "an integer from 1 on")
    return value


def _integer(options: DecodingOptions, name: str, low: int, high: int) -> None:
    value = getattr(options, name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise OptionsError(name, value, f"an integer from {low} to {high}")


def _number(options: DecodingOptions, name: str, low: float, high: float) -> None:
    value = getattr(options, name)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise OptionsError(name, value, "a finite number")
    if not low <= value <= high:
        raise OptionsError(name, value, f"a number from {low:g} to {high:g}")
