"""What a model is good for, in a file beside it: ``model_card.toml``. Optional, and nothing computes with it.

The ideas are those of Mitchell et al. 2019, "Model Cards for Model Reporting": data, licence, scores, limits.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dragoman.errors import ModelFormatError
from dragoman.formats.files import read_bytes

__all__ = ["CARD_NAME", "DataSource", "ModelCard", "Score", "read_card"]

CARD_NAME = "model_card.toml"
_LIMIT = 64 << 10
_MOST = 100
"""Entries of a list."""


@dataclass(frozen=True)
class DataSource:
    """Something that the model was trained on. ``lines``: how many of it, at most 10^12."""

    name: str
    licence: str
    lines: int


@dataclass(frozen=True)
class Score:
    """One figure. ``test``: on what, and how the model was run; ``metric``: BLEU, chrF, a share in percent."""

    test: str
    metric: str
    value: float


@dataclass(frozen=True)
class ModelCard:
    """A model, for people who think of using it.

    Attributes:
        summary: one sentence.
        source, target: language codes.
        licence: of the model itself.
        made: how, in a sentence or two.
        data: all that it learnt from.
        scores: measured on what it did not learn from.
        limits: what it cannot do.
    """

    summary: str
    source: str
    target: str
    licence: str
    made: str
    data: tuple[DataSource, ...]
    scores: tuple[Score, ...]
    limits: tuple[str, ...]


def read_card(folder: Path) -> ModelCard | None:
    """The card of the model in a folder; None if it has none.

    Raises:
        ModelFormatError: the file is over 64 KB, not TOML, or lacks an entry or has one of another type.
    """
    path = folder / CARD_NAME
    if not path.is_file():
        return None
    try:
        card = tomllib.loads(bytes(read_bytes(path, limit=_LIMIT)).decode("utf-8"))
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, or nested without end
        raise ModelFormatError(path, f"not TOML: {str(error)[:120] or type(error).__name__}") from None
    words = {name: _text(path, card, name) for name in ("summary", "source", "target", "licence", "made")}
    limits = _list(path, card, "limits")
    if not all(isinstance(limit, str) for limit in limits):
        raise _wrong(path, "limits", "a list of texts")
    return ModelCard(
        **words,
        data=tuple(_source(path, entry) for entry in _list(path, card, "data")),
        scores=tuple(_score(path, entry) for entry in _list(path, card, "scores")),
        limits=tuple(limits),
    )


def _source(path: Path, entry: Any) -> DataSource:
    lines = entry.get("lines") if isinstance(entry, dict) else None
    if isinstance(lines, bool) or not isinstance(lines, int) or not 0 <= lines <= 10**12:
        raise _wrong(path, "data", "tables of name, licence and lines, a whole number")
    return DataSource(_text(path, entry, "name"), _text(path, entry, "licence"), lines)


def _score(path: Path, entry: Any) -> Score:
    value = entry.get("value") if isinstance(entry, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(path, "scores", "tables of test, metric and value, a number")
    return Score(_text(path, entry, "test"), _text(path, entry, "metric"), float(value))


def _text(path: Path, table: dict[str, Any], name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value:
        raise _wrong(path, name, "a text")
    return value


def _list(path: Path, table: dict[str, Any], name: str) -> list[Any]:
    value = table.get(name)
    if not isinstance(value, list) or len(value) > _MOST:
        raise _wrong(path, name, f"a list of at most {_MOST}")
    return value


def _wrong(path: Path, name: str, expected: str) -> ModelFormatError:
    advice = "See docs/demo-models.md."
    return ModelFormatError(path, "missing, or of another type", parameter=name, expected=expected, advice=advice)
