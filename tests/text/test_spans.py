"""Characters of each piece, through normalisation and back; words and links from them."""

from __future__ import annotations

import math
import random
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dragoman
from dragoman.formats.bundle import Bundle
from dragoman.formats.vocabulary import plain_vocabulary, read_vocabulary
from dragoman.result import Hypothesis, SoftAlignment, Span, Translation
from dragoman.text.linking import linked_parts, token_links, word_links, words_of
from dragoman.text.pieces import WORD_START, Pieces, clean

VOCABULARY = Path(dragoman.__file__).parent / "demo_models" / "ende" / "vocab.spm"
NORMALISED = "\ufb01ne \u2460 \u2026 \u00bd e\u0301t\u00e9 \u3314 a\u200bb\u00ad \u00a0 \U0001f600  x "


def files(spm: Path | None = None) -> Bundle:
    none = Path("none")
    return Bundle(none, (none, none), None, None, None, spm, spm, "files")


@pytest.fixture(scope="module", params=["sentencepiece", "words", "opus", "backwards"])
def pieces(request: pytest.FixtureRequest) -> Pieces:
    spm = read_vocabulary(VOCABULARY)
    if request.param in ("sentencepiece", "backwards"):
        return Pieces.of_model(files(), spm, spm, right_to_left=request.param == "backwards")
    if request.param == "words":
        words = {word: id_ for id_, word in enumerate(["</s>", "<unk>", "a", "man", "in", "", "hat."])}
        vocabulary = plain_vocabulary(words, Path("vocab.yml"))
        return Pieces.of_model(files(), vocabulary, vocabulary)
    names = [*(spm.piece_of(id_) for id_ in range(spm.size)), ">>de<<"]
    random.Random(1).shuffle(names)
    vocabulary = plain_vocabulary({name: id_ for id_, name in enumerate(names)}, Path("vocab.yml"))
    return Pieces.of_model(files(VOCABULARY), vocabulary, vocabulary)


def check_spans(text: str, spans: list[Span]) -> None:
    at = 0
    for start, stop in spans:
        assert at <= start <= stop <= len(text)
        assert text[start:stop] == text[start:stop].strip()
        at = stop


@settings(max_examples=200)
@given(st.text(st.one_of(st.sampled_from("ab \u00a0\ufb01\u2026\n"), st.characters())))
def test_source_spans_of_any_text(pieces: Pieces, text: str) -> None:
    text = clean(text)
    spans = pieces.source_spans(text)
    assert len(spans) == len(pieces.encode([text])[0])
    check_spans(text, spans)


@pytest.mark.parametrize("text", ["A man in an orange hat.", ">>de<< a man", NORMALISED, "\U0001f600 man", ""])
def test_source_spans_are_the_pieces(pieces: Pieces, text: str) -> None:
    """What a span holds, normalised as the model does it, is its piece."""
    (ids,) = pieces.encode([text])
    for span, piece, id_ in zip(pieces.source_spans(text), pieces.source_tokens(ids), ids, strict=True):
        held = text[span.start : span.stop]
        if held and id_ != pieces.source.unk_id and text != NORMALISED:
            assert piece.replace(WORD_START, "").strip() == held
        if piece.strip(WORD_START).isalpha() and held and id_ != pieces.source.unk_id:
            folded = unicodedata.normalize("NFKC", held).replace("\u200b", "").replace("\u00ad", "")
            assert piece.replace(WORD_START, "") in folded


def test_characters_of_a_normalised_text() -> None:
    spm = read_vocabulary(VOCABULARY)
    own = Pieces.of_model(files(), spm, spm)
    text = "  the \ufb01rst\u00a0man \u2026 e"
    held = [text[start:stop] for start, stop in own.source_spans(text)]
    assert "".join(held) == "the\ufb01rstman\u2026e"
    assert held[0] == "the"


@settings(max_examples=200)
@given(st.lists(st.integers(-2, 40_000), max_size=12), st.booleans())
def test_target_spans_of_any_ids(pieces: Pieces, ids: list[int], ended: bool) -> None:
    ids = [id_ for id_ in ids if id_ != pieces.target.eos_id]
    if ended:
        ids.append(pieces.target.eos_id)
    try:
        (text,) = pieces.decode([ids])
    except OverflowError:
        return
    spans = pieces.target_spans(ids, text)
    assert len(spans) == len(ids)
    assert all(0 <= start <= stop <= len(text) for start, stop in spans)
    if ended:
        assert spans[-1] == (len(text), len(text))


def test_target_spans_are_the_pieces(pieces: Pieces) -> None:
    text = "a man in a hat."
    ids = pieces.finish(pieces.encode([text])[0])
    if pieces.target is not pieces.source:
        return
    (decoded,) = pieces.decode([ids])
    assert decoded == text
    spans = pieces.target_spans(ids, decoded)
    held = [decoded[start:stop] for start, stop in spans]
    assert held == [piece.replace(WORD_START, "") for piece in pieces.target_tokens(ids)[:-1]] + [""]


def line(alignment: object, scores: tuple[float, ...] | None = None) -> Translation:
    """ "the cat" to "die Kat-ze", with end symbols."""
    tokens = ("\u2581die", "\u2581Kat", "ze", "</s>")
    spans = (Span(0, 3), Span(4, 7), Span(7, 9), Span(9, 9))
    best = Hypothesis("die Katze", tokens, -1.0, -1.0, (-1.0,), scores, alignment, spans)  # type: ignore[arg-type]
    return Translation("the cat", ("\u2581the", "\u2581cat", "</s>"), (best,), (Span(0, 3), Span(4, 7), Span(7, 7)))


def test_links_between_words() -> None:
    weights = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.0, 0.5, 0.5], [0, 0, 1]], np.float32)
    soft = line(SoftAlignment(3, ((0, weights),)))
    expected = (((0, 3), (0, 3)), ((4, 7), (4, 9)))
    assert word_links(soft, lambda span: span, lambda span: span) == expected
    assert word_links(line(((0, 0), (1, 1), (2, 3))), lambda span: span, lambda span: span) == expected
    assert word_links(line(None), lambda span: span, lambda span: span) is None
    links = token_links(soft)
    assert links is not None
    assert links.source == soft.source_spans
    assert [sum(row) for row in links.weights] == pytest.approx([1, 1, 1, 1])


def test_a_line_that_was_cut_is_as_many_parts() -> None:
    """Each with a matrix of its own: that of a line of a megabyte would not fit anywhere."""
    one, two = np.array([[0.9, 0.1], [0, 1]], np.float32), np.array([[0.8, 0.2], [0, 1]], np.float32)
    spans = (Span(0, 3), Span(3, 3), Span(4, 7), Span(7, 7))
    theirs = (*spans[:2], Span(4, 8), Span(8, 8))
    soft = SoftAlignment(4, ((0, one), (2, two)))
    best = Hypothesis("die Maus", ("die", "</s>", "Maus", "</s>"), -1.0, -1.0, alignment=soft, spans=theirs)
    cut = Translation("the cat", ("the", "</s>", "cat", "</s>"), (best,), spans)
    first, second = linked_parts(cut, Span(10, 17), Span(20, 27), led=1)
    assert (first.source, first.target) == ((10, 14), (20, 23))
    assert (second.source, second.target) == ((14, 17), (23, 27))
    assert second.links is not None
    assert second.links.source == ((0, 3), (3, 3)) and second.links.target == ((0, 4), (4, 4))
    assert second.links.weights[0] == pytest.approx((0.8, 0.2))
    (whole,) = linked_parts(line(None), Span(0, 7), Span(0, 9))
    assert whole.links is None


def test_words_have_the_mean_of_their_pieces() -> None:
    best = line(None, (-0.5, -1.0, -3.0, -0.1)).n_best[0]
    words, _ = words_of(best, lambda span: Span(span.start + 10, span.stop + 10))
    assert [(word.text, word.span, word.log_probability) for word in words] == [
        ("die", (10, 13), -0.5),
        ("Katze", (14, 19), -2.0),
    ]
    assert words[1].quality == pytest.approx(math.exp(-2))
    plain, quality = words_of(line(None).n_best[0], lambda span: span)
    assert quality is None
    assert [(word.text, word.quality) for word in plain] == [("die", None), ("Katze", None)]
