"""The model card: what ``dragoman inspect`` shows of a demo model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from data import Direction
from evaluate import Result

_NAMES = {"en": "English", "de": "German", "fr": "French"}
_SUMMARY = "{source} to {target} for everyday sentences of up to 60 pieces; small enough to come with the package."
_LICENCE = (
    "CC BY 2.0 FR (attribution: tatoeba.org and www.manythings.org/anki). The word lists it also learnt from are under "
    "the GPL 2 or later."
)
_MADE = (
    "Trained on two CPU cores, going on from an earlier demo model, on sentence pairs and augmented lines; no teacher, "
    "no distillation. How: demo/README.md."
)
_LIMITS = (
    "Made for short everyday sentences: news, law, science and literature come out wrong, often fluently so.",
    "Words that are in neither the sentences nor the word lists are guessed or spelled over.",
    "Polite and familiar address (du, Sie, tu, vous) are chosen by chance.",
    "Sentences are translated one by one: pronouns do not know what came before.",
    "The corpus writes about Tom, Mary, Boston and Australia, and mirrors who writes at tatoeba.org.",
)


def write_card(
    path: Path, direction: Direction, data: Sequence[tuple[str, str, int]], results: Sequence[Result]
) -> None:
    """Write the card.

    Args:
        data: name, licence and lines of each source.
        results: scores of the model as it is shipped.
    """
    source, target = _NAMES[direction.source], _NAMES[direction.target]
    lines = [
        f"summary = {_quoted(_SUMMARY.format(source=source, target=target))}",
        f"source = {_quoted(direction.source)}",
        f"target = {_quoted(direction.target)}",
        f"licence = {_quoted(_LICENCE)}",
        f"made = {_quoted(_MADE)}",
        "limits = [",
        *(f"    {_quoted(limit)}," for limit in _LIMITS),
        "]",
    ]
    for name, licence, count in data:
        lines += ["", "[[data]]", f"name = {_quoted(name)}", f"licence = {_quoted(licence)}", f"lines = {count}"]
    for result in results:
        lines += ["", "[[scores]]", f"test = {_quoted(result.test)}"]
        lines += [f"metric = {_quoted(result.metric)}", f"value = {result.value:.1f}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _quoted(text: str) -> str:
    """A TOML basic string, which JSON's is too where nothing is escaped beyond the basic plane."""
    return json.dumps(text, ensure_ascii=False)
