"""Lines whose translations are in a memory, and those that go into it: for translators and workers alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from dragoman.backends.batch import RawHypothesis
from dragoman.errors import DragomanError, OptionsError
from dragoman.memory.entries import Entry, Key
from dragoman.memory.memory import TranslationMemory
from dragoman.memory.scope import people_scope, scope_of
from dragoman.model import Model
from dragoman.options import DecodingOptions
from dragoman.result import FailedLine, Hypothesis, Translation
from dragoman.run.flights import Found, answer_lines
from dragoman.text.lines import Line
from dragoman.text.whole import WHOLE

__all__ = ["LineMemory", "check_memory"]


def check_memory(memory: object) -> TranslationMemory:
    """Raises OptionsError unless it is a memory."""
    if isinstance(memory, TranslationMemory):
        return memory
    raise OptionsError("memory", memory, "a TranslationMemory, or None")


class LineMemory:
    """A memory for lines that some models translate with some options.

    A person's translation (from a TMX file) goes before a model's; that is the same bit for bit as it was.

    Args:
        memory: any.
        models: one, or an ensemble.
        options: of the search.
    """

    def __init__(self, memory: TranslationMemory, models: Sequence[Model], options: DecodingOptions) -> None:
        self._memory, self._model, self._options = memory, models[0], options
        plain = options.replace(target_prefix=None, constraints=()) if _differs_by_line(options) else options
        self._scope = scope_of([model.fingerprint for model in models], plain, models[0].languages)
        self._people = people_scope(models[0].languages)

    def recall(self, lines: Sequence[Line]) -> list[Translation | FailedLine | None]:
        """The translations of lines; None where there is none."""
        written = [line for line in lines if line.segments]
        by_people = self._memory.get([Key(self._people, line.text) for line in written], count=False)
        asked = [line for line, entry in zip(written, by_people, strict=True) if entry is None]
        by_models = iter(self._memory.get([self._key(line) for line in asked]))
        entries = iter([next(by_models) if entry is None else entry for entry in by_people])
        return [self._answer(line, next(entries)) if line.segments else None for line in lines]

    def keep(
        self, lines: Sequence[Line], results: Sequence[Found], answers: Sequence[Translation | FailedLine]
    ) -> None:
        """Remember what was translated.

        Args:
            lines, results: as given to `dragoman.run.flights.answer_lines`.
            answers: what it gave.
        """
        rest = iter(results)
        items: list[tuple[Key, Entry]] = []
        for line, answer in zip(lines, answers, strict=True):
            found = [next(rest) for _ in line.segments]
            sound = [one for one in found if not isinstance(one, DragomanError)]
            if found and len(sound) == len(found) and isinstance(answer, Translation):
                items.append((self._key(line), Entry.of(answer.text, sound)))
        self._memory.put(items)

    def _key(self, line: Line) -> Key:
        own = f" {line.prefix!r} {line.phrases!r}" if line.prefix or line.phrases else ""
        return Key(self._scope + own, line.text)

    def _answer(self, line: Line, entry: Entry | None) -> Translation | FailedLine | None:
        if entry is None:
            return None
        if not entry.segments:
            return _by_people(line.text, entry.target, max(1, len(self._options.weights)))
        if len(entry.segments) != len(line.segments):
            return None  # a file that somebody changed
        found = [cast(list[RawHypothesis], list(segment)) for segment in entry.segments]  # they look alike
        return answer_lines([line], found, self._model, self._options)[0]


def _differs_by_line(options: DecodingOptions) -> bool:
    return options.target_prefix is not None or bool(options.constraints)


def _by_people(source: str, target: str, models: int) -> Translation:
    """Without tokens, so without scores of words and alignments."""
    return Translation(source, (), (Hypothesis(target, (), 0.0, 0.0, (0.0,) * models),), recipe=WHOLE)
