"""Constraints of a call: read, put into pieces, and obeyed by models."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman import DecodingOptions, OptionsError, Service, Translator, load
from dragoman.catalogue.bundled import find_route
from dragoman.fleet.fleet import Fleet
from dragoman.options import Constraint
from dragoman.text.constraining import phrases_of
from dragoman.text.lines import make_lines

TEXTS = ["Tom bought a new car.", "The house is small.", "I like books and cars.", "Good morning."]
WANTED = [("Karosse",), [("Bauwerk", (4, 9))], ["Schmöker", ("Karosse", (17, 21))], None]


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator(load(*find_route("en", "de")))


def test_what_is_allowed() -> None:
    both = DecodingOptions(constraints=("a", ("b c", (0, 2))))
    assert both.constraints == (Constraint("a"), Constraint("b c", (0, 2)))
    assert DecodingOptions(constraints=[["a"], None, []]).constraints_of(3) == ((Constraint("a"),), (), ())
    assert DecodingOptions(constraints=["a"]).constraints_of(2) == ((Constraint("a"),),) * 2
    assert DecodingOptions().constraints_of(5) is None and DecodingOptions(constraints=[None]).constraints_of(5) is None
    with pytest.raises(OptionsError, match="2 sequences"):
        DecodingOptions(constraints=[["a"]]).constraints_of(2)


@pytest.mark.parametrize(
    "wrong", ["a", [""], [5], [("a", (2, 1))], [("a", (1,))], [("a", "b", "c"), 5], [[["a"]]], 5, None]
)
def test_what_is_not(wrong: object) -> None:
    with pytest.raises(OptionsError, match="constraints"):
        DecodingOptions(constraints=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("alignment", [None, "soft"])
def test_a_model_obeys(translator: Translator, beam: int, alignment: str | None) -> None:
    found = translator.translate(TEXTS, constraints=WANTED, beam_size=beam, alignment=alignment, split="none")  # type: ignore[call-overload]
    for one, words in zip(found, (["Karosse"], ["Bauwerk"], ["Schmöker", "Karosse"], []), strict=True):
        assert all(word in one.text for word in words), one.text
    plain = translator.translate(TEXTS[3], beam_size=beam, split="none")
    assert found[3].text == plain.text


def test_the_same_in_a_service(translator: Translator) -> None:
    """One line at a time, and all at once through a service: the same bits."""
    with Fleet() as fleet:
        fleet.add("ende", find_route("en", "de")[0])
        with Service(fleet, workers=2) as service:
            options = DecodingOptions(constraints=WANTED, alignment="soft")
            together = service.translate(TEXTS, options, model="ende", split="none")
            assert together == translator.translate(TEXTS, options, split="none")
            with pytest.raises(OptionsError, match="split"):
                service.translate(TEXTS, options, model="ende")
            for text, words in zip(TEXTS, WANTED, strict=True):
                options = DecodingOptions(constraints=words or (), alignment="soft", word_scores=True)
                alone = translator.translate(text, options, split="none")
                assert service.translate(text, options, model="ende", split="none") == alone


def test_texts_of_several_sentences(translator: Translator) -> None:
    with pytest.raises(OptionsError, match="split"):
        translator.translate("One. Two.", constraints=["Haus"])


def test_lines_that_are_cut(translator: Translator) -> None:
    """A constraint with a span belongs to the segment that has it."""
    pieces = translator.models[0].pieces
    text = "The house is small, and the garden is big, and the dog is old, and the car is new."
    wanted = (Constraint("Karosse", (text.index("car"), text.index("car") + 3)), Constraint("Bauwerk", (4, 9)))
    options = DecodingOptions(max_length=12, constraints=wanted)
    (line,) = make_lines([text], pieces, options)
    assert len(line.segments) > 1 and [len(own) for own in line.phrases] == [1, *[0] * (len(line.segments) - 2), 1]
    phrase = line.phrases[-1][0]
    assert 0 <= phrase.begin < phrase.end < len(line.segments[-1])
    assert "Karosse" in translator.translate(text, options, split="none").text


def test_what_is_left_out(translator: Translator) -> None:
    pieces = translator.models[0].pieces
    ids = pieces.finish(pieces.encode(["a house"])[0])
    many = [Constraint("Haus")] * 40
    assert len(phrases_of("a house", [ids], many, pieces)[0]) == 16
    assert phrases_of("", [], many, pieces) == ()
    (phrase,) = phrases_of("a house", [ids], [Constraint("Haus", (50, 60))], pieces)[0]
    assert phrase.begin == phrase.end, "nothing stands there"


def test_what_no_piece_spells_is_left_out(shared: Path) -> None:
    """The models that come along have a piece for each byte."""
    pieces = load(shared / "models" / "ende-tiny-ssru").pieces
    ids = pieces.finish(pieces.encode(["a house"])[0])
    assert phrases_of("a house", [ids], [Constraint("\u4e2d\U0001f600")], pieces) == ((),)
