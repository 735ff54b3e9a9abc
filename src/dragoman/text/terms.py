"""The way of a sentence with terms: from its first translation to one that has them, or to those it still lacks.

A ladder: what is right already stays; what is clearly aligned is written over; else the sentence is translated again,
with its terms as constraints of the search, which keeps it more fluent than what follows (decision 0021): stand-ins for
the terms that are open. The attempt with the fewest missing terms wins, of equals the earlier one, so that no sentence
is lost for a term.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

from dragoman.options import Constraint
from dragoman.text.codes import AlignedPart, Code, CodedText, Span, TokenLinks
from dragoman.text.glossary import TermMatch
from dragoman.text.projection import project
from dragoman.text.stand_ins import Replacement, Substituted, restore, substitute
from dragoman.text.term_placing import missing_terms, place_terms

__all__ = ["Answer", "Ask", "GlossaryMethod", "Settled", "settle_terms"]

GlossaryMethod = Literal["auto", "constrained", "placeholder"]


_STEPS: dict[GlossaryMethod, tuple[str, ...]] = {
    "auto": ("plain", "constrained", "placeholder"),
    "placeholder": ("placeholder", "plain"),
    "constrained": ("constrained", "plain"),
}


class Ask(NamedTuple):
    """What is to be translated, softly aligned.

    Attributes:
        text: of a sentence.
        constraints: what the search must put into the translation.
    """

    text: str
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True)
class Answer:
    """A translation. ``find_links`` gives its soft alignment, or None; it is called at most once, if at all."""

    text: str
    find_links: Callable[[], TokenLinks | None]

    @cached_property
    def links(self) -> TokenLinks | None:
        return self.find_links()


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a sentence.

    Attributes:
        answer: the translation; its links are of the sentence and this text, or None.
        missing: terms that are not in it.
        ask: what the answer answers: where there were stand-ins, scores of words are those of the text with them.
    """

    answer: Answer
    missing: tuple[TermMatch, ...]
    ask: Ask


def settle_terms(
    source: str,
    matches: Sequence[TermMatch],
    method: GlossaryMethod = "auto",
    *,
    stand_ins: Sequence[str] = (),
    constrains: bool = True,
) -> Generator[Ask, Answer, Settled]:
    """Asks for translations of a sentence until its terms are in one. Whoever drives it may ask for many at once.

    Args:
        source: the sentence.
        matches: its terms, ascending, without overlap; not empty.
        method: "auto" climbs the ladder; the others begin on their step, and fall back to the first.
        stand_ins: words that the model is known to carry over, the best first; empty: it carries none.
        constrains: whether the search can be constrained.
    """
    best: Settled | None = None
    wanted = tuple(matches)
    for step in _STEPS[method]:
        if step == "constrained" and constrains:
            found = yield from _constrained(source, matches)
        elif step == "placeholder" and stand_ins:
            found = yield from _with_stand_ins(source, matches, wanted, stand_ins)
        elif step == "plain":
            found = yield from _plain(source, matches)
        else:
            continue
        if best is None or len(found.missing) < len(best.missing):
            best = found
        if not best.missing:
            break
        wanted = best.missing
    assert best is not None  # "plain" is on every ladder
    return best


def _plain(source: str, matches: Sequence[TermMatch]) -> Generator[Ask, Answer, Settled]:
    ask = Ask(source)
    return _settled(ask, (yield ask), matches)


def _constrained(source: str, matches: Sequence[TermMatch]) -> Generator[Ask, Answer, Settled]:
    """All of them: the translation will be another, and need not have those that were right before."""
    ask = Ask(source, tuple(Constraint(match.target, (match.span.start, match.span.stop)) for match in matches))
    return _settled(ask, (yield ask), matches)


def _with_stand_ins(
    source: str, matches: Sequence[TermMatch], wanted: Sequence[TermMatch], stand_ins: Sequence[str]
) -> Generator[Ask, Answer, Settled]:
    free = [word for word in stand_ins if word not in source] or list(stand_ins)
    replacements = [
        Replacement(match.span, match.target, free[number % len(free)]) for number, match in enumerate(wanted)
    ]
    made = substitute(CodedText(source), replacements)
    ask = Ask(made.coded.text)
    answer = yield ask
    coded = _coded(answer, made)
    return (
        Settled(answer, tuple(matches), ask)
        if coded is None
        else _settled(ask, _restored(answer, coded, made), matches)
    )


def _settled(ask: Ask, answer: Answer, matches: Sequence[TermMatch]) -> Settled:
    if not missing_terms(matches, answer.text):
        return Settled(answer, (), ask)
    placed = place_terms(matches, answer.text, answer.links)
    return Settled(Answer(placed.text, lambda: placed.links), missing_terms(matches, placed.text), ask)


def _coded(answer: Answer, made: Substituted) -> CodedText | None:
    """The answer with the codes of the stand-ins; None if nobody knows where they are.

    One that is copied as often as it was there stands at its copies, in their order; others where the alignment says.
    """
    codes: list[Code] = []
    for word in dict.fromkeys(one.stand_in for one in made.made):
        copies = list(re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", answer.text))
        own = [code for code, one in zip(made.coded.codes, made.made, strict=True) if one.stand_in == word]
        if len(copies) == len(own):
            codes += [replace(code, at=copy.start()) for code, copy in zip(own, copies, strict=True)]
    if len(codes) == len(made.made):
        return CodedText(answer.text, tuple(sorted(codes, key=lambda code: code.at)))
    if answer.links is None:
        return None
    whole = AlignedPart(Span(0, len(made.coded.text)), Span(0, len(answer.text)), answer.links)
    return project(made.coded, answer.text, (whole,)).coded


def _restored(answer: Answer, coded: CodedText, made: Substituted) -> Answer:
    """The answer with the terms in it, and links between the sentence as it was and the text as it is."""
    restored = restore(coded, made)
    links = answer.links
    if links is None:
        return Answer(restored.coded.text, lambda: None)
    edges = ((0, 0), *restored.edges)
    target = tuple(Span(_moved(token.start, edges), _moved(token.stop, edges)) for token in links.target)
    moved = TokenLinks(tuple(map(made.source_of, links.source)), target, links.weights)
    return Answer(restored.coded.text, lambda: moved)


def _moved(offset: int, edges: Sequence[tuple[int, int]]) -> int:
    """Where a place of the translation with stand-ins is now; one inside a stand-in goes to its end."""
    number = bisect_right(edges, (offset, 1 << 62)) - 1
    before, now = edges[number]
    after = edges[number + 1][1] if number + 1 < len(edges) else now + offset - before
    return min(now + offset - before, after)
