"""Codes and names of languages, however spelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.errors import OptionsError
from dragoman.languages import (
    canonical_code,
    closest_language,
    is_language,
    language_distance,
    language_name,
    languages_of_name,
    parse_language,
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("EN-GB", "en-GB"),
        ("pt_BR", "pt-BR"),
        ("zh-hans", "zh-Hans"),
        ("zh_Hant_TW", "zh-Hant-TW"),
        ("deu", "de"),
        ("ger", "de"),
        ("cmn", "zh"),
        ("iw", "he"),
        ("tl", "fil"),
        ("zt", "zh-Hant"),
        ("pb", "pt-BR"),
        ("es-419", "es-419"),
        ("de_DE.UTF-8", "de-DE"),
        ("sr@latin", "sr-Latn"),
        ("sl-rozaj-biske", "sl"),
        ("de-u-co-phonebk", "de"),
        ("hsb", "hsb"),
        ("xx", "xx"),
        ("German", "de"),
        (" deutsch ", "de"),
        ("Français", "fr"),
        ("franc\u0327ais", "fr"),
        ("日本語", "ja"),
        ("Portuguese (Brazilian)", "pt-BR"),
        ("CHINESE (TRADITIONAL)", "zh-Hant"),
    ],
)
def test_one_form(text: str, code: str) -> None:
    assert canonical_code(text) == code


@pytest.mark.parametrize("text", ["", "d", "auto", "e n", "de-", "-de", "Klingonese", "de\x00", "a" * 10_000, None, 5])
def test_what_is_no_language(text: str) -> None:
    with pytest.raises(OptionsError, match="language is"):
        parse_language(text)


@given(st.text(max_size=30))
def test_any_text_is_a_language_or_refused(text: str) -> None:
    try:
        code = canonical_code(text)
    except OptionsError:
        assert not is_language(text)
    else:
        assert canonical_code(code) == code and language_distance(text, code) == 0
        assert closest_language(text, ["??", code.upper()]) == code.upper()


@pytest.mark.parametrize(
    ("wanted", "available", "found"),
    [
        ("en-US", "de en", "en"),
        ("en", "en-GB en-US", "en-GB"),
        ("zh-Hans", "zh", "zh"),
        ("zh-TW", "zh zh_hant", "zh_hant"),
        ("zh-TW", "zh_CN", None),
        ("zh", "zh_hant zh_hans", "zh_hans"),
        ("pt_BR", "pt-PT pt", "pt"),
        ("pt_BR", "pt-PT", "pt-PT"),
        ("sr-Latn", "sr-Cyrl", None),
        ("no", "sv nb", "nb"),
        ("nb", "no nb", "nb"),
        ("de", "en ROMANCE ?", None),
    ],
)
def test_the_closest(wanted: str, available: str, found: str | None) -> None:
    assert closest_language(wanted, available.split()) == found


def test_names() -> None:
    assert [language_name(code) for code in ("de", "deu", "pt_br", "pt-AO", "zh_hant", "xx")] == [
        "German",
        "German",
        "Brazilian Portuguese",
        "Portuguese (AO)",
        "Traditional Chinese",
        "xx",
    ]


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("ende", ("en", "de")),
        ("en-de", ("en", "de")),
        ("EN_DE.tiny", ("en", "de")),
        ("deen-tiny-ssru", ("de", "en")),
        ("demo-enfr", ("en", "fr")),
        ("demo-ende", ("en", "de")),
        ("student.base.csen", ("cs", "en")),
        ("opus-mt-en-de", ("en", "de")),
        ("Helsinki-NLP/opus-mt-tc-big-en-pt", ("en", "pt")),
        ("opus-mt-eng-deu", ("en", "de")),
        ("model.enzh.intgemm.alphas.bin", ("en", "zh")),
        ("zh_hant-en", ("zh-Hant", "en")),
        ("enzh_hant", ("en", "zh-Hant")),
        ("en-pt_br", ("en", "pt-BR")),
        ("pt_BR-en", ("pt-BR", "en")),
        ("en-ca", ("en", "ca")),
        ("en_us-de", ("en-US", "de")),
        ("fr-be", ("fr", "be")),
        ("opus-mt-en-ROMANCE", None),
        ("tiny", None),
        ("m0", None),
        ("demo", None),
        ("", None),
    ],
)
def test_languages_of_names(name: str, pair: tuple[str, str] | None) -> None:
    assert languages_of_name(name) == pair
