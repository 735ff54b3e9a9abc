"""Sentences: every character in its place on any text, and the places where people end sentences."""

# ruff: noqa: RUF001
from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.options import Split
from dragoman.text import boundaries
from dragoman.text.sentences import has_letters, split_sentences

SPLITS: tuple[Split, ...] = ("paragraph", "sentence", "wrapped_text", "none")
NASTY = [
    *"aA1.!?…。！؟।;:\"'“”«»()[]„‘’ \t\n\r\v\f\x00\x1c\x85\xa0\u2028\u2029\u202f\u3000\ud800中あก٣ß",
    "Dr.",
    "z. B. ",
    ". ",
]


def sentences(text: str, language: str = "", split: Split = "paragraph") -> list[str]:
    return [text[start:stop] for start, stop in split_sentences(text, split, language)]


def check_tiling(text: str, split: Split, language: str) -> None:
    at = 0
    for start, stop in split_sentences(text, split, language):
        assert at <= start < stop
        assert not text[at:start].strip()
        assert text[start:stop] == text[start:stop].strip()
        if split in ("paragraph", "sentence"):
            assert "\n" not in text[start:stop]
        at = stop
    assert not text[at:].strip()


@given(
    st.text(st.one_of(st.sampled_from("aB. !?。\n\xa0\u2028\"')1"), st.characters())),
    st.sampled_from(SPLITS),
    st.sampled_from(["", "de", "fr", "zh", "xx", "en-US"]),
)
def test_nothing_is_lost(text: str, split: Split, language: str) -> None:
    check_tiling(text, split, language)


def test_nothing_is_lost_in_100_000_texts() -> None:
    seeded = random.Random(1)
    for _ in range(100_000):
        text = "".join(seeded.choices(NASTY, k=seeded.randrange(40)))
        check_tiling(text, seeded.choice(SPLITS), seeded.choice(["", "de", "fr", "cs", "ja", "ar", "el"]))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "My name is Peter.|I was born in London.|I have two brothers.|They live in Germany."),
        ("en", "Dr. Smith met Mr. Jones at 5 p.m. on 3 May.|He left at 6.30.|See p. 12 of vol. 3, e.g. No. 5."),
        ("en", "He has a Ph.D. in physics.|Is it so?|\"It is!\"|(He laughed.)|Then he left.|Really?"),
        ("en", "Visit www.example.com. It is free.".replace(". It", ".|It")),
        ("en", "Version 2.0.1 costs $3.50!|J. R. R. Tolkien wrote it.|1. First item.|2. Second item."),
        ("de", "Im 19. Jahrhundert war es so.|Das kostet inkl. MwSt. 20 Euro.|Er kam z. B. gestern.|„Wirklich?“|Ja."),
        ("de", "Am 3. Mai kam Hr. Müller.|Es waren 20.|Die anderen gingen.|Siehe S. 12 ff. und Nr. 7."),
        ("fr", "M. Dupont est là.|Il a dit\xa0: «\xa0Bonjour.\xa0»|Puis il est parti.|Voir p. 12, art. 3."),
        ("fr", "B\xa0. Voilà.|Mme\xa0B\xa0. est venue."),
        ("cs", "V 19. století to bylo jinak.|Cena je např. 20 Kč.|Přišel Ing. Novák."),
        ("es", "¿Cómo está Ud. hoy?|¡Muy bien!|El Sr. García llegó."),
        ("ru", "Это было в 1905 г. в Москве.|Он сказал: «Да.»|А. С. Пушкин писал, т. е. сочинял."),
        ("el", "Τι κάνεις;|Καλά είμαι.|Ο κ. Παπάς ήρθε."),
        ("hy", "Սա առաջինն է։|Սա երկրորդն է։"),
        ("hi", "यह पहला है।|यह दूसरा है।"),
        ("zh", "你好。|我是学生！|2008年来的。|他说：“好。”|走了"),
        ("ja", "はい。|「そうです。」|行きます！"),
        ("ar", "هل أنت بخير؟|نعم."),
        ("", "Ein Satz.|Noch einer.|Ὁ τρίτος."),
    ],
)
def test_where_sentences_end(language: str, text: str) -> None:
    expected = text.split("|")
    joined = ("" if language in ("zh", "ja") else " ").join(expected)
    assert sentences(joined, language) == expected


def test_lines() -> None:
    text = "One. Two.\r\n  three\n\n----\nfour\nfive. \n"
    assert sentences(text, "en") == ["One.", "Two.", "three", "----", "four", "five."]
    assert sentences(text, "en", "sentence") == ["One. Two.", "three", "----", "four", "five."]
    assert sentences(text, "en", "wrapped_text") == ["One.", "Two.\r\n  three", "----\nfour\nfive."]
    assert sentences(text, "en", "none") == [text.strip()]
    assert sentences(" \n\t", "en") == sentences("", "en") == []


@pytest.mark.parametrize(
    "unit", ["中。", "a. ", "A\xa0. ", "“", ". ", ".", "!", "(", "a ", "x. 5 ", "'", "A.B.", "?\u2028"]
)
def test_long_lines(unit: str) -> None:
    """Linear in the length, whatever repeats."""
    check_tiling(unit * 100_000, "paragraph", "de")


def test_a_panic_is_caught(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The library panics on this text, with an exception that is no `Exception`."""
    monkeypatch.setattr(boundaries, "_masked", lambda text: text)
    assert boundaries.sentence_ends("Er hat B\xa0. Gut. Dann ging er.", "fr")


def test_other_base_exceptions_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(text: str) -> str:
        raise KeyboardInterrupt

    import sentencex

    monkeypatch.setattr(sentencex, "get_sentence_boundaries", lambda *_: interrupted(""))
    with pytest.raises(KeyboardInterrupt):
        boundaries.sentence_ends("One. Two.", "en")


def test_letters() -> None:
    assert has_letters("a") and has_letters("中") and has_letters("1 б")
    assert not has_letters("1 + 2 = 3 😀 ---")


@pytest.mark.parametrize("marker", ["- ", "\t* ", "\u2013 ", "\u2022 "])
def test_markers_of_items_stand_between_sentences(marker: str) -> None:
    text = f"{marker}One cat. Two cats.\n{marker}A dog."
    found = [text[start:stop] for start, stop in split_sentences(text, "paragraph", "en")]
    assert found == ["One cat.", "Two cats.", "A dog."]
    whole = f"{marker}One cat."
    assert split_sentences(whole, "sentence") == [(len(whole) - len(whole.lstrip()), len(whole))]
