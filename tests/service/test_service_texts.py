"""Whole texts through a service: the same as through a translator, over routes as through each model in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import dragoman
from dragoman.catalogue.bundled import find_route
from dragoman.errors import OptionsError
from dragoman.result import FailedLine, SoftAlignment, Translation

TEXTS = [
    "My name is Peter. I was born in London.\n\n Two dogs play.  A man sleeps.\n---\n",
    "Two dogs play. See https://example.com/a now. \U0001f600 A man sleeps.",
    "",
    "--- 12",
    "A man sleeps.",
]


@pytest.fixture(scope="module")
def service() -> Iterator[dragoman.Service]:
    with dragoman.Fleet() as fleet:
        for pair in (("de", "en"), ("en", "fr"), ("en", "de")):
            fleet.add("-".join(pair), find_route(*pair)[0], languages=pair)
        with dragoman.Service(fleet, workers=2) as made:
            yield made


@pytest.fixture(scope="module")
def translator() -> dragoman.Translator:
    return dragoman.Translator(dragoman.load(find_route("en", "de")[0]))


@pytest.mark.parametrize(
    "options", [{}, {"alignment": "hard"}, {"alignment": "soft", "word_scores": True}, {"n_best": 2}]
)
@pytest.mark.parametrize("split", ["paragraph", "sentence", "wrapped_text", "none"])
def test_a_service_says_what_a_translator_says(
    service: dragoman.Service, translator: dragoman.Translator, options: dict[str, object], split: str
) -> None:
    expected = translator.translate(TEXTS, split=split, **options)  # type: ignore[call-overload]
    found = service.translate(TEXTS, model="en-de", split=split, **options)  # type: ignore[call-overload]
    assert found == expected
    assert [one.sentences for one in found] == [one.sentences for one in expected]


def test_equal_sentences_run_once(service: dragoman.Service) -> None:
    before = service.stats().sentences
    found = service.translate(["A red ball. A red ball.", "A red ball."] * 20, model="en-de")
    assert service.stats().sentences == before + 1
    assert found[0].text == f"{found[1].text} {found[1].text}"


def test_every_way_in(service: dragoman.Service) -> None:
    expected = service.translate(TEXTS, model="en-de")
    heard: dict[int, Translation | FailedLine] = {}
    assert service.submit(TEXTS, model="en-de", on_line=heard.__setitem__).result() == expected
    assert [heard[number] for number in range(len(TEXTS))] == expected
    assert list(service.stream(TEXTS, model="en-de")) == expected
    assert asyncio.run(service.translate_async(TEXTS, model="en-de")) == expected
    assert service.translate(TEXTS[0], model="en-de") == expected[0]


def test_a_route_keeps_sentences_and_spans(service: dragoman.Service) -> None:
    text = "Zwei Hunde spielen. Ein Mann schl\u00e4ft.\n Siehe https://example.com jetzt."
    found = service.translate(text, route=("de", "en", "fr"), alignment="soft")
    first = service.translate(text, model="de-en")
    for sentence, pivot in zip(found.sentences, first.sentences, strict=True):
        assert sentence.source == pivot.source
        assert found.source[slice(*sentence.source_span)] == sentence.source
        assert found.text[slice(*sentence.target_span)] == sentence.target
        assert sentence.alignment
    assert [one.target for one in found.sentences[:2]] == [
        service.translate(one.target, model="en-fr", split="none").text for one in first.sentences[:2]
    ]
    assert found.text.count("https://example.com") == 1
    assert isinstance(found.alignment, SoftAlignment)
    rows = found.alignment.array()
    assert rows.shape == (len(found.tokens), len(found.source_tokens))
    assert rows.sum(axis=1) == pytest.approx(1, abs=0.01)
    pairs = [(found.source[slice(*a)], found.text[slice(*b)]) for a, b in found.sentences[0].alignment or ()]
    assert ("Hunde", "chiens") in pairs
    plain = service.translate(text, route=("de", "en", "fr"))
    assert plain.text == found.text and all(one.alignment is None for one in plain.sentences)


def test_a_text_of_which_a_line_fails(service: dragoman.Service) -> None:
    long = "A man sleeps. " + "word " * 50 + "end."
    found = service.translate([long, "A dog."], model="en-de", failures="keep", max_length=20, long_lines="refuse")
    assert isinstance(found[0], FailedLine) and found[0].source == long
    assert isinstance(found[1], Translation)


def test_wrong_arguments(service: dragoman.Service) -> None:
    for wrong in ({"split": "words"}, {"format": "pdf"}, {"keep": [""]}, {"source_language": "?"}):
        with pytest.raises(OptionsError):
            service.translate("a", model="en-de", **wrong)  # type: ignore[call-overload]


def test_a_glossary_through_a_service(service: dragoman.Service, translator: dragoman.Translator) -> None:
    glossary = dragoman.Glossary.from_pairs([("dog", "Vierbeiner")])
    texts = ["A dog plays. A man sleeps.", "A <b>dog</b> plays."]
    for format in ("text", "html"):
        expected = translator.translate(texts, glossary=glossary, format=format)  # type: ignore[call-overload]
        found = service.translate(texts, model="en-de", glossary=glossary, format=format)  # type: ignore[call-overload]
        assert found == expected
    german = dragoman.Glossary.from_pairs([("Hund", "cabot")])
    route = service.translate("Ein Hund spielt.", route=("de", "en", "fr"), glossary=german)
    assert "cabot" in route.text
