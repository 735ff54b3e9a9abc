"""Terms come into a translation, or are named; sentences are never lost for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dragoman import Glossary, Translator, load
from dragoman.catalogue.bundled import find_route
from dragoman.options import Constraint
from dragoman.text.codes import Span, TokenLinks
from dragoman.text.glossary import TermMatch
from dragoman.text.linking import token_links
from dragoman.text.term_placing import missing_terms, place_terms
from dragoman.text.terms import Answer, Ask, GlossaryMethod, Settled, settle_terms
from dragoman.text.words import split_words


def matches(text: str, pairs: dict[str, str]) -> tuple[TermMatch, ...]:
    return Glossary.from_pairs(pairs.items()).finder("en", "de").find(text)


def linked(source: str, target: str, links: str) -> TokenLinks:
    """Words as tokens; ``links`` names of each target word the source words it comes from: "0 2+1 1"."""
    columns = split_words(source)
    weights = []
    for one in links.split():
        numbers = [int(number) for number in one.split("+")]
        weights.append(tuple(numbers.count(column) / len(numbers) for column in range(len(columns))))
    return TokenLinks(tuple(columns), tuple(split_words(target)), tuple(weights))


def test_written_over_by_alignment() -> None:
    source, target = "The small dog sleeps", "Der kleine Hund schläft"
    found = place_terms(matches(source, {"dog": "Vierbeiner"}), target, linked(source, target, "0 1 2 3"))
    assert found.text == "Der kleine Vierbeiner schläft" and not found.open
    assert found.edits == ((Span(11, 15), Span(11, 21)),)
    assert found.links is not None
    assert [found.text[start:stop] for start, stop in found.links.target] == found.text.split()


def test_several_words_and_several_terms() -> None:
    source, target = "data bases and dogs", "Hunde und die Basen der Daten"
    terms = matches(source, {"data base": "Datenbank", "dog": "Köter"})
    found = place_terms(terms, target, linked(source, target, "3 2 0 1 1+0 0"))
    assert found.text == "Köter und Datenbank" and not found.open
    assert found.links is not None and found.links.target[2] == (10, 19)
    assert found.links.weights[2] == (0.625, 0.375, 0.0, 0.0)


def test_already_right() -> None:
    terms = matches("dogs and a dog", {"dog": "Hund"})
    for text in ("Hunde und ein Hund", "Hund, Hunden"):
        assert place_terms(terms, text, None).open == () == missing_terms(terms, text)
    assert [one.span for one in missing_terms(terms, "ein Hund")] == [(11, 14)]
    assert len(missing_terms(terms, "Hundert Windhunde")) == 2


def test_what_is_not_clear_is_open() -> None:
    source, target = "The baseball cap", "Die Baseballmütze"
    columns = tuple(split_words(source))
    halves = TokenLinks(columns, (Span(0, 3), Span(4, 12), Span(12, 17)), ((1, 0, 0), (0, 1, 0), (0, 0, 1)))
    terms = matches(source, {"baseball": "Schlagball"})
    assert place_terms(terms, target, halves).open == terms, "a part of a compound"
    assert place_terms(terms, target, None).open == terms, "no alignment"
    nothing = TokenLinks(columns, (Span(0, 3), Span(4, 17)), ((1, 0, 0), (0.5, 0, 0.5)))
    assert place_terms(terms, target, nothing).open == terms, "nothing comes from it"


def test_a_capital_at_the_beginning() -> None:
    source, target = "Dogs sleep", "Hunde schlafen"
    links = linked(source, target, "0 1")
    assert place_terms(matches(source, {"dog": "köter"}), target, links).text == "Köter schlafen"
    assert place_terms(matches(source, {"dog": "iDog"}), target, links).text == "iDog schlafen"


def drive(
    source: str, pairs: dict[str, str], method: GlossaryMethod, translate: Callable[[Ask], str]
) -> tuple[Settled, list[Ask]]:
    steps = settle_terms(source, matches(source, pairs), method, stand_ins=("John", "Tom"))
    asks = [next(steps)]
    while True:
        text = translate(asks[-1])
        asked = asks[-1].text
        copied = " ".join(str(number) for number in range(len(split_words(asked))))
        links = linked(asked, text, copied) if len(split_words(text)) == len(split_words(asked)) else None
        try:
            asks.append(steps.send(Answer(text, lambda links=links: links)))
        except StopIteration as end:
            return end.value, asks


def test_the_ladder() -> None:
    found, asks = drive("a dog and a cat", {"dog": "Hund"}, "auto", lambda ask: "ein Hund und eine Katze")
    assert not found.missing and asks == [Ask("a dog and a cat")]
    found, asks = drive("a dog and a cat", {"dog": "Köter"}, "auto", lambda ask: "ein Hund und eine Katze")
    assert found.answer.text == "ein Köter und eine Katze" and len(asks) == 1

    def forgets(ask: Ask) -> str:
        return "ein John da" if "John" in ask.text else "irgendwas"

    constrained = Ask("a dog", (Constraint("Köter", (2, 5)),))
    found, asks = drive("a dog", {"dog": "Köter"}, "auto", forgets)
    assert asks == [Ask("a dog"), constrained, Ask("a John")] and not found.missing
    assert found.answer.text == "ein Köter da" and found.ask == asks[2]

    def obeys(ask: Ask) -> str:
        return f"ja {ask.constraints[0].text} ja" if ask.constraints else "irgendwas"

    found, asks = drive("a dog", {"dog": "Köter"}, "auto", obeys)
    assert asks[1:] == [constrained] and found.answer.text == "ja Köter ja"


def test_each_method_by_name() -> None:
    found, asks = drive("a dog", {"dog": "Köter"}, "placeholder", lambda ask: ask.text.replace("a", "ein"))
    assert asks == [Ask("a John")] and found.answer.text == "ein Köter"


def test_more_terms_than_stand_ins() -> None:
    """Equal ones are told apart by their order."""
    pairs = {"dog": "Köter", "cat": "Miez", "cow": "Kuh"}
    found, asks = drive("a dog, a cat, a cow", pairs, "placeholder", lambda ask: ask.text.replace("a ", "ein "))
    assert asks == [Ask("a John, a Tom, a John")] and found.answer.text == "ein Köter, ein Miez, ein Kuh"


def test_constraints_by_name() -> None:
    def obeys(ask: Ask) -> str:
        return "ein " + "".join(one.text for one in ask.constraints)

    found, asks = drive("a dog", {"dog": "Köter"}, "constrained", obeys)
    assert asks == [Ask("a dog", (Constraint("Köter", (2, 5)),))] and found.answer.text == "ein Köter"


def test_nothing_helps() -> None:
    found, asks = drive("a dog", {"dog": "Köter"}, "auto", lambda ask: "etwas")
    assert found.answer.text == "etwas" and [one.target for one in found.missing] == ["Köter"] and len(asks) == 3


def test_a_model() -> None:
    """Sentences of a shipped model: every term comes in by alignment or a stand-in."""
    sentences = [
        "Tom bought a new car.",
        "I like your book very much.",
        "The house is small.",
        "My dog is in the garden.",
    ]
    pairs = {"car": "Karosse", "book": "Schmöker", "house": "Bauwerk", "dog": "Vierbeiner", "garden": "Park"}
    with Translator(load(*find_route("en", "de"))) as translator:
        for source in sentences:
            steps = settle_terms(source, matches(source, pairs), stand_ins=("John",), constrains=False)
            ask = next(steps)
            while True:
                line = translator.translate(ask.text, alignment="soft")
                try:
                    ask = steps.send(Answer(line.text, lambda line=line: token_links(line)))
                except StopIteration as end:
                    settled: Settled = end.value
                    break
            assert not settled.missing, settled
            links = settled.answer.links
            if settled.ask.text == source and links is not None:
                assert all(stop <= len(settled.answer.text) for _, stop in links.target)


@pytest.mark.parametrize("text", ["", "Köter", "Köterköter Köter, köter"])
def test_missing_in_any_text(text: str) -> None:
    terms = matches("dog", {"dog": "Köter"})
    assert bool(missing_terms(terms, text)) is (" Köter" not in text and text != "Köter")
