"""Words in foreign letters: found in long stretches, copied by translators."""

from __future__ import annotations

import pytest

from dragoman import Translator, load
from dragoman.catalogue.bundled import find_route
from dragoman.text.protect import Keep
from dragoman.text.scripts import foreign_words


@pytest.mark.parametrize("language", ["", "ru", "zh-Hans", "sr", "el", "und"])
def test_nothing_is_foreign_to_what_is_unknown_or_not_latin(language: str) -> None:
    assert foreign_words(language) is None


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("Straße, naïve, Łódź, Việt: µm, 5 °C, a\u0301", []),
        ("The angle \u03b1 is small.", ["\u03b1"]),
        ("I saw \u65e5\u672c, \u4eac\u90fd! and left", ["\u65e5\u672c, \u4eac\u90fd"]),
        ("\u041c\u0438\u0440, \u043c\u0438\u0440!", ["\u041c\u0438\u0440, \u043c\u0438\u0440"]),
        ("\u05d0 one \u05d1", ["\u05d0", "\u05d1"]),
        ("\u03b1\n\u03b2", ["\u03b1", "\u03b2"]),
    ],
)
def test_what_is_found(text: str, foreign: list[str]) -> None:
    pattern = foreign_words("pt-BR")
    assert pattern is not None and pattern.findall(text) == foreign
    assert Keep().more(pattern).patterns == (pattern,)


def test_demo_models_copy_it() -> None:
    with Translator(load(find_route("en", "de")[0])) as translator:
        whole = "\u6700\u8fd1\u7684\u706b\u8f66\u7ad9\u5728\u54ea\u91cc?"
        assert translator.translate(whole).text == whole
        assert "\u6771\u4eac" in translator.translate("My name is \u6771\u4eac.").text


