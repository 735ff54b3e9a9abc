"""The texts of a request, and the lines that models read of them: equal lines once. Records, without locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dragoman.options import Constraint, DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.text.dialogue import Dialogue, PlannedLine
from dragoman.text.passage import Passage

__all__ = ["Text", "Texts", "WantedLine"]


@dataclass(eq=False, slots=True)
class WantedLine:
    """A sentence that a model reads. One question of its dialogue at a time is under way.

    Attributes:
        texts: that hold it.
    """

    dialogue: Dialogue
    texts: list[Text] = field(default_factory=list)

    def done(self) -> list[Text]:
        """The dialogue is over. Returns the texts that miss no line any more."""
        complete = []
        for text in self.texts:
            text.missing -= 1
            if not text.missing:
                complete.append(text)
        return complete


@dataclass(eq=False, slots=True)
class Text:
    """One text of a request.

    Attributes:
        number: its place in the request.
        passage: taken apart.
        prefix: what the translation of its first line begins with.
        constraints: what the translation of its only line must contain.
        lines: of the passage, in order; one may be there several times.
        missing: how many different ones have no answer.
    """

    number: int
    passage: Passage
    prefix: str = ""
    constraints: tuple[Constraint, ...] = ()
    lines: list[WantedLine] = field(default_factory=list)
    missing: int = 0

    def write(self, options: DecodingOptions) -> Translation | FailedLine:
        """The result, once no line is missing. ``options``: of the call."""
        answers: list[Translation] = []
        for line in self.lines:
            result = line.dialogue.result
            if isinstance(result, FailedLine):
                return FailedLine(self.passage.source, result.error)
            assert result is not None
            answers.append(result)
        return self.passage.write(answers, options)


class Texts:
    """All texts of a request.

    Args:
        passages: of the texts.
        prefixes: of each the beginning of its translation; empty: none.
        constraints: of each what its translation must contain; empty: nothing.
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        prefixes: Sequence[str] = (),
        constraints: Sequence[tuple[Constraint, ...]] = (),
    ) -> None:
        self._lines: dict[tuple[PlannedLine, str, tuple[Constraint, ...]], WantedLine] = {}
        self.all = [
            Text(number, passage, prefixes[number] if prefixes else "", constraints[number] if constraints else ())
            for number, passage in enumerate(passages)
        ]
        for text in self.all:
            self._add(text)

    def _add(self, text: Text) -> None:
        prefix = text.prefix
        for planned in text.passage.lines:
            key = (planned, prefix, text.constraints)
            line = self._lines.get(key)
            if line is None:
                line = self._lines[key] = WantedLine(Dialogue(*key))
            text.lines.append(line)
            prefix = ""
        own = dict.fromkeys(text.lines)
        text.missing = len(own)
        for line in own:
            line.texts.append(text)

    @property
    def lines(self) -> list[WantedLine]:
        """Each different one."""
        return list(self._lines.values())

    @property
    def without_lines(self) -> list[Text]:
        """Those that need no model."""
        return [text for text in self.all if not text.lines]
