"""The way of a sentence with terms: from its first translation to one that has them, or to a report of those it lacks.

The ladder of text-semantics 7.4: what is right already stays; what is clearly aligned is written over; else the sentence
is translated again, with stand-ins for the terms that are open, then with constraints in the search. The attempt with
the fewest missing terms wins, of equals the earlier one, so that no sentence is lost for a term.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from dragoman.text.codes import AlignedPart, CodedText, Span, TokenLinks
from dragoman.text.glossary import TermMatch
from dragoman.text.projection import project
from dragoman.text.stand_ins import Replacement, Substituted, restore, substitute
from dragoman.text.term_placing import missing_terms, place_terms

__all__ = ["Answer", "Ask", "GlossaryMethod", "Settled", "settle_terms"]

GlossaryMethod = Literal["auto", "constrained", "placeholder"]


class Ask(NamedTuple):
    """What is to be translated, softly aligned.

    Attributes:
        text: of a sentence.
        constraints: texts that the search must put into the translation.
    """

    text: str
    constraints: tuple[str, ...] = ()


class Answer(NamedTuple):
    """A translation. ``links`` are None where the model gives none."""

    text: str
    links: TokenLinks | None


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
    steps = {"auto": "plain placeholder constrained", "placeholder": "placeholder plain", "constrained": "constrained plain"}
    best: Settled | None = None
    wanted = tuple(matches)
    for step in steps[method].split():
        if step == "constrained" and constrains:
            found = yield from _constrained(source, matches, wanted)
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


def _constrained(
    source: str, matches: Sequence[TermMatch], wanted: Sequence[TermMatch]
) -> Generator[Ask, Answer, Settled]:
    ask = Ask(source, tuple(match.target for match in wanted))
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
    return _settled(ask, _restored(answer, made), matches)


def _settled(ask: Ask, answer: Answer, matches: Sequence[TermMatch]) -> Settled:
    placed = place_terms(matches, answer.text, answer.links)
    return Settled(Answer(placed.text, placed.links), missing_terms(matches, placed.text), ask)


def _restored(answer: Answer, made: Substituted) -> Answer:
    """The answer with the terms in it, and links between the sentence as it was and the text as it is."""
    source, links = made.coded, answer.links
    whole = AlignedPart(Span(0, len(source.text)), Span(0, len(answer.text)), links)
    coded = project(source, answer.text, (whole,)).coded
    text = restore(coded, made).coded.text
    if links is None:
        return Answer(text, None)
    changes = [(Span(code.at, code.at + code.width), len(_result(code.raw, made))) for code in coded.codes]
    target = tuple(Span(_after(token.start, changes), _after(token.stop, changes)) for token in links.target)
    return Answer(text, TokenLinks(tuple(map(made.source_of, links.source)), target, links.weights))
