"""Passages through whatever translates lines: equal lines once, failures where they belong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dragoman.options import DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.text.passage import Passage

__all__ = ["TranslateLines", "translate_passages"]

TranslateLines = Callable[[Sequence[str], DecodingOptions], list[Translation | FailedLine]]

_Key = tuple[str, str]
"""A line, and what its translation begins with."""


def translate_passages(
    passages: Sequence[Passage], options: DecodingOptions, translate: TranslateLines
) -> list[Translation | FailedLine]:
    """The translation of each text; of one of which a line failed, that line's error.

    Args:
        passages: of the texts.
        options: of the call. A target prefix begins the first line of its text.
        translate: lines, each different, to their translations.
    """
    prefixes = options.prefixes(len(passages))
    wanted: dict[_Key, bool] = {}
    keys: list[list[_Key]] = []
    for number, passage in enumerate(passages):
        prefix = prefixes[number] if prefixes else ""
        keys.append([(line, "" if place else prefix) for place, line in enumerate(passage.lines)])
        for key, linked in zip(keys[-1], passage.linked, strict=True):
            wanted[key] = linked or wanted.get(key, False)
    answers: dict[_Key, Translation | FailedLine] = {}
    for linked in (False, True):  # an alignment costs time: only where it is needed
        own = [key for key, needed in wanted.items() if needed is linked]
        chosen = options.replace(alignment="soft") if linked else options
        if prefixes is not None:
            chosen = chosen.replace(target_prefix=tuple(prefix for _, prefix in own))
        answers.update(zip(own, translate([line for line, _ in own], chosen), strict=True))
    return [
        _written(passage, [answers[key] for key in own], options) for passage, own in zip(passages, keys, strict=True)
    ]


def _written(
    passage: Passage, answers: Sequence[Translation | FailedLine], options: DecodingOptions
) -> Translation | FailedLine:
    lines: list[Translation] = []
    for answer in answers:
        if isinstance(answer, FailedLine):
            return FailedLine(passage.source, answer.error)
        lines.append(answer)
    return passage.write(lines, options)
