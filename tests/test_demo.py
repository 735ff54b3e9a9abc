"""The models that come along translate; BLEU and provenance are in docs/demo-models.md."""

from __future__ import annotations

import pytest

import dragoman
from dragoman.catalogue.bundled import find_route, language_pairs
from dragoman.errors import OptionsError


@pytest.mark.parametrize(
    ("source", "target", "text", "words"),
    [
        ("en", "de", "Where is the station?", {"Wo", "Bahnhof"}),
        ("de", "en", "Ich trinke gern Kaffee.", {"I", "coffee"}),
        ("en", "fr", "I have a black dog.", {"chien", "noir"}),
        ("fr", "en", "Il fait froid aujourd'hui.", {"cold", "today"}),
        ("de", "fr", "Ich habe einen Hund.", {"chien"}),
    ],
)
def test_everyday_sentences(source: str, target: str, text: str, words: set[str]) -> None:
    for path in find_route(source, target):
        text = dragoman.Translator(dragoman.load(path)).translate(text).text
    assert words <= {word.strip(".,?!") for word in text.split()}, text


def test_every_pair_has_a_route() -> None:
    assert len(language_pairs()) == 6
    for source, target in language_pairs():
        assert all(path.is_dir() for path in find_route(source, target))
    with pytest.raises(OptionsError, match="de-en"):
        find_route("en", "xx")


def test_both_directions_share_a_vocabulary() -> None:
    ende, deen = (dragoman.load(*find_route(*pair)) for pair in (("en", "de"), ("de", "en")))
    assert ende.vocabularies == deen.vocabularies
    assert ende.plan is deen.plan
