"""The texts of a request, and the lines that models read of them: equal lines once. Records, without locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dragoman.options import DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.text.passage import Passage

__all__ = ["Text", "Texts", "WantedLine"]


@dataclass(eq=False, slots=True)
class WantedLine:
    """A sentence that a model reads.

    Attributes:
        prefix: what its translation begins with.
        linked: its alignment is needed.
        texts: that hold it.
        answer: once it is there.
    """

    text: str
    prefix: str
    linked: bool
    texts: list[Text] = field(default_factory=list)
    answer: Translation | FailedLine | None = None

    def answered(self, answer: Translation | FailedLine) -> list[Text]:
        """Returns the texts that miss no line any more."""
        self.answer = answer
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
        lines: of the passage, in order; one may be there several times.
        missing: how many different ones have no answer.
    """

    number: int
    passage: Passage
    prefix: str = ""
    lines: list[WantedLine] = field(default_factory=list)
    missing: int = 0

    def write(self, options: DecodingOptions) -> Translation | FailedLine:
        """The result, once no line is missing. ``options``: of the call."""
        answers: list[Translation] = []
        for line in self.lines:
            if isinstance(line.answer, FailedLine):
                return FailedLine(self.passage.source, line.answer.error)
            assert line.answer is not None
            answers.append(line.answer)
        return self.passage.write(answers, options)


class Texts:
    """All texts of a request.

    Args:
        passages: of the texts.
        prefixes: of each the beginning of its translation; empty: none.
        linked: all alignments are needed.
    """

    def __init__(self, passages: Sequence[Passage], prefixes: Sequence[str] = (), *, linked: bool = False) -> None:
        self._lines: dict[tuple[str, str], WantedLine] = {}
        self._linked = linked
        self.all = [
            Text(number, passage, prefixes[number] if prefixes else "") for number, passage in enumerate(passages)
        ]
        for text in self.all:
            self._add(text)

    def _add(self, text: Text) -> None:
        prefix = text.prefix
        for wanted, linked in zip(text.passage.lines, text.passage.linked, strict=True):
            line = self._lines.setdefault((wanted, prefix), WantedLine(wanted, prefix, self._linked))
            line.linked = line.linked or linked
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
