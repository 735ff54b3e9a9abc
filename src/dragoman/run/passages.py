"""Passages through whatever translates lines: equal lines once, failures where they belong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dragoman.options import DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.text.dialogue import Ask, AskKind, Dialogue, PlannedLine
from dragoman.text.passage import Passage

__all__ = ["TranslateLines", "translate_passages"]

TranslateLines = Callable[[Sequence[str], DecodingOptions], list[Translation | FailedLine]]

_Key = tuple[PlannedLine, str]
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
    keys: list[list[_Key]] = []
    for number, passage in enumerate(passages):
        prefix = prefixes[number] if prefixes else ""
        keys.append([(line, "" if place else prefix) for place, line in enumerate(passage.lines)])
    dialogues = {key: Dialogue(*key) for key in dict.fromkeys(key for own in keys for key in own)}
    _hold(list(dialogues.values()), options, translate)
    return [
        _written(passage, [dialogues[key].result for key in own], options)
        for passage, own in zip(passages, keys, strict=True)
    ]


def _hold(dialogues: Sequence[Dialogue], options: DecodingOptions, translate: TranslateLines) -> None:
    """All to their end: questions with the same options in one batch, equal ones once."""
    while dialogues:
        asked: dict[AskKind, dict[Ask, list[Dialogue]]] = {}
        for dialogue in dialogues:
            if dialogue.ask is not None:
                asked.setdefault(dialogue.ask.kind, {}).setdefault(dialogue.ask, []).append(dialogue)
        for kind, alike in asked.items():
            asks = list(alike)
            chosen = kind.options(options)
            if options.target_prefix is not None:
                chosen = chosen.replace(target_prefix=tuple(ask.prefix for ask in asks))
            if any(ask.constraints for ask in asks):
                chosen = chosen.replace(constraints=tuple(ask.constraints for ask in asks))
            for ask, answer in zip(asks, translate([ask.text for ask in asks], chosen), strict=True):
                for dialogue in alike[ask]:
                    dialogue.answer(answer)
        dialogues = [dialogue for dialogue in dialogues if dialogue.ask is not None]


def _written(
    passage: Passage, results: Sequence[Translation | FailedLine | None], options: DecodingOptions
) -> Translation | FailedLine:
    lines: list[Translation] = []
    for result in results:
        if isinstance(result, FailedLine):
            return FailedLine(passage.source, result.error)
        assert result is not None
        lines.append(result)
    return passage.write(lines, options)
