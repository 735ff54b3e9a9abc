"""Several models as one translator: the same as a service's route."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import dragoman
from dragoman.catalogue.bundled import find_route
from dragoman.errors import OptionsError, TextTooLongError, TranslatorClosedError
from dragoman.run.route import Route
from dragoman.run.translates import Translates

TEXT = "Zwei Hunde spielen. Ein Mann schl\u00e4ft.\n Siehe https://example.com jetzt."


@pytest.fixture
def route() -> Iterator[Route]:
    with Route([dragoman.Translator(dragoman.load(path)) for path in find_route("de", "fr")]) as made:
        yield made


def test_what_a_service_says(route: Route) -> None:
    with dragoman.Fleet() as fleet:
        for pair in (("de", "en"), ("en", "fr")):
            fleet.add("-".join(pair), find_route(*pair)[0], languages=pair)
        with dragoman.Service(fleet, workers=1) as service:
            for options in ({}, {"alignment": "soft"}, {"alignment": "hard"}, {"format": "html"}):
                expected = service.translate(TEXT, route=("de", "fr"), **options)  # type: ignore[call-overload]
                found = route.translate(TEXT, **options)  # type: ignore[call-overload]
                assert (found.text, found.alignment) == (expected.text, expected.alignment)
                assert [one.target for one in found.sentences] == [one.target for one in expected.sentences]


def test_streams_and_failures(route: Route) -> None:
    assert list(route.translate_stream([TEXT, ""])) == route.translate([TEXT, ""])
    with pytest.raises(TextTooLongError):
        route.translate("Wort " * 40, max_length=20, long_lines="refuse")
    assert route.languages == ("de", "fr")
    protocol: Translates = route
    assert protocol.translate("Ein Hund.").text


def test_wrong_arguments(route: Route) -> None:
    with pytest.raises(OptionsError, match="at least one"):
        Route([])
    with pytest.raises(OptionsError, match="target_prefix"):
        route.translate("Ein Hund.", target_prefix="Un")
    route.close()
    with pytest.raises(TranslatorClosedError):
        route.translate("Ein Hund.")
