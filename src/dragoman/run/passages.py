"""Passages through whatever translates lines: equal lines once, failures where they belong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dragoman.options import DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.text.passage import Passage

__all__ = ["TranslateLines", "translate_passages"]

TranslateLines = Callable[[Sequence[str], DecodingOptions], list[Translation | FailedLine]]


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
    keys = [
        [(line, prefixes[number] if prefixes and not place else "") for place, line in enumerate(passage.lines)]
        for number, passage in enumerate(passages)
    ]
    distinct = list(dict.fromkeys(key for own in keys for key in own))
    if prefixes is not None:
        options = options.replace(target_prefix=tuple(prefix for _, prefix in distinct))
    answers = dict(zip(distinct, translate([line for line, _ in distinct], options), strict=True))
    return [
        _written(passage, [answers[key] for key in own], options)
        for passage, own in zip(passages, keys, strict=True)
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
