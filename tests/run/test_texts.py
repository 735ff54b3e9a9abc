"""Whole texts through the public face, with a model that comes along."""

from __future__ import annotations

import re

import pytest

import dragoman
from dragoman.catalogue.bundled import find_route
from dragoman.errors import OptionsError
from dragoman.run.translates import Translates


@pytest.fixture(scope="module")
def translator() -> dragoman.Translator:
    return dragoman.Translator(dragoman.load(find_route("en", "de")[0]))


def test_every_sentence_is_translated(translator: dragoman.Translator) -> None:
    text = "My name is Peter. I was born in London.\n\n I have two brothers.  They live in Germany.\r\n---\n"
    found = translator.translate(text)
    lines = [sentence.source for sentence in found.sentences]
    assert lines == [
        "My name is Peter.",
        "I was born in London.",
        "I have two brothers.",
        "They live in Germany.",
        "---",
    ]
    alone = [one.text for one in translator.translate(lines[:4], split="none")]
    assert [sentence.target for sentence in found.sentences] == [*alone, "---"]
    assert found.text == f"{alone[0]} {alone[1]}\n\n {alone[2]}  {alone[3]}\r\n---\n"


def test_sentences_are_the_same_whatever_is_beside_them(translator: dragoman.Translator) -> None:
    texts = ["Two dogs play.", "Two dogs play. See https://example.com now.", "A man sleeps. Two dogs play."]
    found = translator.translate(texts)
    assert found[0].text in found[1].text and found[0].text in found[2].text
    assert [one.text for one in found] == [translator.translate(text).text for text in texts]
    assert [one.text for one in found] == [one.text for one in translator.translate(texts, alignment="soft")]


def test_what_is_copied(translator: dragoman.Translator) -> None:
    text = "Please open https://example.com/a?b=1 with {name} now. \U0001f600 Ask me@example.org about ACME Corp."
    found = translator.translate(text, keep=["ACME Corp", re.compile("w[i]th")])
    for kept in ("https://example.com/a?b=1", "{name}", "\U0001f600", "me@example.org", "ACME Corp", "with"):
        assert found.text.count(kept) == 1
    for sentence in found.sentences:
        assert found.source[slice(*sentence.source_span)] == sentence.source
        assert found.text[slice(*sentence.target_span)] == sentence.target
    assert translator.translate("https://example.com {0} 12").text == "https://example.com {0} 12"


def test_alignments_are_those_that_were_asked_for(translator: dragoman.Translator) -> None:
    text = "Two dogs play with {name}. A man sleeps."
    none, hard, soft = (translator.translate(text, alignment=kind) for kind in (None, "hard", "soft"))
    assert none.text == hard.text == soft.text
    assert all(sentence.alignment is None for sentence in none.sentences)
    for found in (hard, soft):
        for sentence in found.sentences:
            assert sentence.alignment
    assert isinstance(hard.alignment, tuple)
    assert hard.alignment == tuple(sorted(hard.alignment))


def test_a_prefix_begins_a_text(translator: dragoman.Translator) -> None:
    found = translator.translate(["A man sleeps. A dog plays.", "A dog plays."], target_prefix=["Eine Frau", ""])
    assert found[0].text.startswith("Eine Frau")
    assert found[0].sentences[1].target == found[1].text


def test_a_stream_of_texts(translator: dragoman.Translator) -> None:
    texts = ["A man sleeps. A dog plays.", "", "A cat."]
    found = list(translator.translate_stream(texts))
    assert found == translator.translate(texts)
    whole = list(translator.translate_stream(texts, split="none"))
    assert whole[0] != found[0] and whole[2] == found[2]


def test_wrong_arguments(translator: dragoman.Translator) -> None:
    for wrong in ({"split": "words"}, {"format": "pdf"}, {"keep": [""]}, {"source_language": "?"}):
        with pytest.raises(OptionsError):
            translator.translate("a", **wrong)  # type: ignore[call-overload]


def test_a_translator_translates(translator: dragoman.Translator) -> None:
    protocol: Translates = translator
    assert protocol.translate("A dog.").text


def test_languages_of_models() -> None:
    assert dragoman.load(find_route("en", "fr")[0]).languages == ("en", "fr")


def test_html(translator: dragoman.Translator) -> None:
    page = (
        '<!doctype html><p class="a">Two <b>dogs</b> play. A man <br>sleeps &amp; walks.</p>\n'
        '<img alt="A dog" src="x"><pre>\n</pre><p lang=en>---</p><script>var a = "<p>A dog.</p>"</script>'
    )
    found = translator.translate(page, format="html")
    once = ('<!doctype html><p class="a">', "<b>", "</b>", "<br>", "</p>\n<img alt=", "<pre>\n</pre><p lang=en>---</p>")
    for kept in once:
        assert found.text.count(kept) == 1
    assert found.text.endswith('<script>var a = "<p>A dog.</p>"</script>')
    for sentence in found.sentences:
        assert found.source[slice(*sentence.source_span)] == sentence.source
        assert found.text[slice(*sentence.target_span)] == sentence.target
        for word in sentence.words:
            assert found.text[slice(*word.span)] == word.text
    plain = translator.translate("Two dogs play.").text
    assert re.sub("<.*?>", "", found.sentences[0].target) == plain


def test_a_glossary(translator: dragoman.Translator) -> None:
    glossary = dragoman.Glossary.from_pairs([("dog", "Vierbeiner"), ("red ball", "Rotkugel"), ("absent", "fern")])
    text = "A dog plays with a red ball. A man sleeps. See https://example.com with the dog."
    found = translator.translate(text, glossary=glossary)
    assert found.text.count("Vierbeiner") == 2 and found.text.count("Rotkugel") == 1
    assert "https://example.com" in found.text
    assert found.sentences[1].target == translator.translate("A man sleeps.").text
    for sentence in found.sentences:
        assert found.source[slice(*sentence.source_span)] == sentence.source
        assert found.text[slice(*sentence.target_span)] == sentence.target
    marked = translator.translate("<p>A <b>dog</b> plays with a red ball.</p>", format="html", glossary=glossary)
    assert "<b>Vierbeiner</b>" in marked.text and "Rotkugel" in marked.text
    placed = translator.translate("A dog plays.", glossary=glossary, glossary_method="placeholder", alignment="hard")
    assert "Vierbeiner" in placed.text and placed.sentences[0].alignment
    scored = translator.translate("A dog plays.", glossary=glossary, word_scores=True)
    assert len(scored.word_scores or ()) == len(scored.tokens)
    with pytest.raises(OptionsError, match="Glossary"):
        translator.translate("a", glossary={"a": "b"})  # type: ignore[call-overload]
