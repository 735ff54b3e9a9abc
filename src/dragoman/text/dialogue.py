"""The way of one line: what models are asked, and what they are asked again because of an answer.

Most lines are one question. A line that came back as a runaway is asked once more with a wider beam, then in shorter
segments; one with other numbers, with a wider beam; one whose stand-ins were lost, with others; one with terms climbs
the ladder of `dragoman.text.terms`.
Whoever translates holds many dialogues at once, and answers those that are open in batches.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from dragoman.errors import TranslationError
from dragoman.options import Constraint, DecodingOptions
from dragoman.result import FailedLine, Translation
from dragoman.text import terms
from dragoman.text.codes import AlignedPart, Code, CodedText, CodeKind, Span
from dragoman.text.editing import edited
from dragoman.text.glossary import TermMatch
from dragoman.text.linking import token_links
from dragoman.text.numbers import check_numbers, mended_numbers
from dragoman.text.projection import project
from dragoman.text.quality import find_runaway
from dragoman.text.settled import settled_line
from dragoman.text.terms import GlossaryMethod, settle_terms

__all__ = ["PLAIN_ASK", "STAND_INS", "Ask", "AskKind", "Dialogue", "PlannedLine"]

STAND_INS = ("John", "London")
"""Models need not copy a stand-in, only look at it: what it becomes is overwritten. Few words are as well known to all
of them, or keep a sentence as fluent."""
_BEAM = 4
_SHORT = 24
_DIGIT = re.compile(r"\d")
_FEWEST_REPEATED = 6
"""Tokens that a repetition has twice, at least."""


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """What a model is to read.

    Attributes:
        linked: its translation is needed with a soft alignment.
        stand_ins: where the text has `STAND_INS`' first for what is copied.
        terms: of a glossary, with spans in the text; ``method``: how they are got into the translation.
        exact: what the model answers is the translation, whatever it is.
    """

    text: str
    linked: bool = False
    stand_ins: tuple[Span, ...] = ()
    terms: tuple[TermMatch, ...] = ()
    method: GlossaryMethod = "auto"
    exact: bool = False


class AskKind(NamedTuple):
    """What questions of one batch have in common.

    Attributes:
        linked: with a soft alignment.
        effort: 0: with the options of the call; 1: with a wider beam; 2: and in shorter segments.
    """

    linked: bool = False
    effort: int = 0

    def options(self, options: DecodingOptions) -> DecodingOptions:
        """Those of the call, for such questions."""
        if self.linked:
            options = options.replace(alignment="soft")
        if self.effort:
            options = options.replace(beam_size=max(_BEAM, options.beam_size))
        if self.effort > 1:
            options = options.replace(max_length=min(_SHORT, options.max_length), long_lines="cut")
        return options


PLAIN_ASK = AskKind()


class Ask(NamedTuple):
    """A question to a model.

    Attributes:
        prefix: what the translation begins with.
        constraints: what it must contain, with spans in the text.
    """

    text: str
    prefix: str = ""
    kind: AskKind = PLAIN_ASK
    constraints: tuple[Constraint, ...] = ()


_Talk = Generator[Ask, Translation | None, Translation]
"""Sent: an answer, or None where a second question failed; the first one's failure ends it."""


class Dialogue:
    """A line under way.

    Attributes:
        ask: the open question; None: it is over.
        result: once it is over.
    """

    __slots__ = ("_first", "_talk", "ask", "result")

    def __init__(self, line: PlannedLine, prefix: str = "", constraints: tuple[Constraint, ...] = ()) -> None:
        self._talk = _talk(line, prefix, constraints)
        self._first = True
        self.result: Translation | FailedLine | None = None
        self.ask: Ask | None = next(self._talk)

    def answer(self, answer: Translation | FailedLine) -> None:
        """To the open question."""
        failed = isinstance(answer, FailedLine)
        if failed and self._first:
            self.ask, self.result = None, answer
            return
        self._first = False
        try:
            self.ask = self._talk.send(None if isinstance(answer, FailedLine) else answer)
        except StopIteration as end:
            self.ask, self.result = None, end.value
        except Exception as error:  # a defect; other lines wait for their answers
            known = TranslationError(f"a defect of dragoman: {type(error).__name__}: {error}")
            self.ask, self.result = None, FailedLine(answer.source, known)


def _talk(line: PlannedLine, prefix: str, constraints: tuple[Constraint, ...]) -> _Talk:
    if line.terms:
        return (yield from _with_terms(line, prefix))
    if line.exact:
        only = yield Ask(line.text, prefix, AskKind(line.linked), constraints)
        assert only is not None
        return only
    first = yield from _numbered(Ask(line.text, prefix, AskKind(line.linked), constraints))
    assert first is not None
    if not line.stand_ins or _keeps_stand_ins(line, STAND_INS[0], first):
        return first
    for other in (*STAND_INS[1:], ""):
        text, places = _with_stand_in(line, other)
        again = yield from _sound(Ask(text, prefix, AskKind(linked=True)))
        if again is not None:
            moved = _moved_back(line, places, again)
            if not other or _keeps_stand_ins(line, other, moved):
                return moved
    return first


def _with_terms(line: PlannedLine, prefix: str) -> _Talk:
    """Up the ladder, as far as it takes."""
    ladder = settle_terms(line.text, line.terms, line.method, stand_ins=STAND_INS)
    said: dict[terms.Ask, Translation] = {}
    wanted = next(ladder)
    while True:
        answer = yield from _sound(Ask(wanted.text, prefix, AskKind(linked=True), wanted.constraints))
        if answer is None:  # of a further step: what there is holds
            ladder.close()
            return next(iter(said.values()))
        said[wanted] = answer
        try:
            wanted = ladder.send(terms.Answer(answer.text, partial(token_links, answer)))
        except StopIteration as end:
            settled: terms.Settled = end.value
            return settled_line(line.text, settled, said[settled.ask])


def _numbered(ask: Ask) -> Generator[Ask, Translation | None, Translation | None]:
    """The answer with the numbers of the question: if they differ, of a wider beam, else written over where clear."""
    first = yield from _sound(ask)
    if first is None or not _DIGIT.search(ask.text + first.text) or check_numbers(ask.text, first.text).passed:
        return first
    if not first.warnings:  # of a runaway that was one already
        again = yield ask._replace(kind=ask.kind._replace(effort=1))
        if again is not None and check_numbers(ask.text, again.text).passed:
            return again
    edits = mended_numbers(ask.text, first.text)
    if edits:
        return edited(first, edits)
    return replace(first, warnings=(*first.warnings, f"Check the numbers: {_shown(ask.text)}"))


def _sound(ask: Ask) -> Generator[Ask, Translation | None, Translation | None]:
    """The answer, or that of a second question if it is a runaway."""
    first = best = yield ask
    if first is None or not _ran_away(first):
        return first
    for effort in (1, 2):
        again = yield ask._replace(kind=ask.kind._replace(effort=effort))
        if again is not None and len(again.tokens) < len(best.tokens if best else ()):
            best = again
        if again is not None and not _ran_away(again):
            break
    assert best is not None
    what = "Translated a second time" if best is not first else "Repeats itself, also the second time"
    return replace(best, warnings=(*best.warnings, f"{what}, as the model repeated itself: {_shown(ask.text)}"))


def _ran_away(answer: Translation) -> bool:
    tokens = answer.tokens
    if len(tokens) - len(set(tokens)) < _FEWEST_REPEATED and len(tokens) <= 2 * len(answer.source_tokens):
        return False  # most are: what follows takes its time
    return find_runaway(answer.source_tokens, tokens) is not None


def _shown(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _keeps_stand_ins(line: PlannedLine, word: str, answer: Translation) -> bool:
    """Whether each has words in the translation that were made of it, and there is no copy of it elsewhere.

    Args:
        word: that the model read as the stand-in.
    """
    places = enumerate(line.stand_ins)
    codes = tuple(Code(CodeKind.EMPTY, str(number), start, width=stop - start) for number, (start, stop) in places)
    part = AlignedPart(Span(0, len(line.text)), Span(0, len(answer.text)), token_links(answer))
    found = project(CodedText(line.text, codes), answer.text, (part,)).coded.codes
    left, done = [], 0
    for code in found:
        left.append(answer.text[done : code.at])
        done = code.at + code.width
    left.append(answer.text[done:])
    return all(code.width for code in found) and not any(word in part for part in left)


def _with_stand_in(line: PlannedLine, other: str) -> tuple[str, tuple[Span, ...]]:
    """The line with another stand-in, and where they are then. Without any, one of two blanks goes too."""
    pieces: list[str] = []
    places: list[Span] = []
    done = length = 0
    for start, stop in line.stand_ins:
        before = line.text[done:start]
        length += len(before)
        pieces += (before, other)
        places.append(Span(length, length + len(other)))
        length += len(other)
        done = stop
    pieces.append(line.text[done:])
    return "".join(pieces), tuple(places)


def _moved_back(line: PlannedLine, places: tuple[Span, ...], answer: Translation) -> Translation:
    """The answer to a line with other stand-ins as one to the line itself."""
    edges = [(0, 0)]
    for (start, stop), (first, last) in zip(line.stand_ins, places, strict=True):
        edges += ((first, start), (last, stop))

    def back(offset: int) -> int:
        before, after = edges[bisect_right(edges, (offset, len(line.text))) - 1]
        return min(after + offset - before, len(line.text))

    spans = answer.source_spans
    moved = None if spans is None else tuple(Span(back(start), max(back(start), back(stop))) for start, stop in spans)
    return replace(answer, source=line.text, source_spans=moved)
