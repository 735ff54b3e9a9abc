"""Texts to lines and back, around models that are made up."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_models import answer

from dragoman.options import DecodingOptions, Split
from dragoman.result import SoftAlignment, Translation
from dragoman.text.linking import token_links
from dragoman.text.passage import read_plain
from dragoman.text.pieces import clean
from dragoman.text.reading import Reading

SPLITS: tuple[Split, ...] = ("paragraph", "sentence", "wrapped_text", "none")


def translate(
    text: str,
    say: Callable[[str], str | list[str]] = str.upper,
    *,
    split: Split = "paragraph",
    language: str = "en",
    options: DecodingOptions | None = None,
) -> Translation:
    options = options or DecodingOptions(alignment="soft", word_scores=True)
    passage = read_plain(clean(text), Reading(split, language=language))
    said = [(line.text, say(line.text)) for line in passage.lines]
    lines = [answer(line, [told] if isinstance(told, str) else told, options) for line, told in said]
    return passage.write(lines, options)


def check_spans(found: Translation) -> None:
    """Everything stands where it says."""
    at = there = 0
    for sentence in found.sentences:
        (start, stop), (first, last) = sentence.source_span, sentence.target_span
        assert at <= start < stop and there <= first <= last
        assert not found.source[at:start].strip() and not found.text[there:first].strip()
        assert found.source[start:stop] == sentence.source == sentence.source.strip()
        assert found.text[first:last] == sentence.target == sentence.target.strip()
        at, there = stop, last
        for word in sentence.words:
            assert found.text[word.span.start : word.span.stop] == word.text
            assert first <= word.span.start <= word.span.stop <= last
        for left, right in sentence.alignment or ():
            assert start <= left.start < left.stop <= stop and first <= right.start < right.stop <= last
    assert not found.source[at:].strip() and (not found.text[there:].strip() or not found.source.strip())


@given(st.text(st.one_of(st.sampled_from("aB. !?。\n\r\u2028 "), st.characters())), st.sampled_from(SPLITS))
def test_a_model_that_says_the_same_changes_nothing(text: str, split: Split) -> None:
    found = translate(text, str, split=split)
    assert found.source == found.text == clean(text)
    check_spans(found)


@given(st.text(st.sampled_from("ab. !?。中\n")), st.sampled_from(SPLITS))
def test_spans_are_those_of_the_texts(text: str, split: Split) -> None:
    found = translate(text, lambda line: f" x {line[::-1]}\ny ", split=split)
    check_spans(found)
    if found.source_spans is not None and split != "none":
        for span, token in zip(found.source_spans, found.source_tokens, strict=True):
            assert found.source[span.start : span.stop] == token
    best = found.n_best[0]
    assert best.spans is not None
    assert [found.text[start:stop] for start, stop in best.spans] == list(best.tokens)
    assert len(best.word_scores or ()) == len(best.tokens)
    assert isinstance(best.alignment, SoftAlignment)
    assert best.alignment.array().shape == (len(best.tokens), len(found.source_tokens))


def test_four_sentences_are_four() -> None:
    found = translate("My name is Peter. I was born in London.\n\n I have two brothers.  They live in Germany.\n")
    assert found.text == "MY NAME IS PETER. I WAS BORN IN LONDON.\n\n I HAVE TWO BROTHERS.  THEY LIVE IN GERMANY.\n"
    assert [sentence.source for sentence in found.sentences] == [
        "My name is Peter.",
        "I was born in London.",
        "I have two brothers.",
        "They live in Germany.",
    ]
    second = found.sentences[1]
    assert second.score == -1.0
    assert second.quality == pytest.approx(np.exp(-1))
    assert [word.text for word in second.words] == ["I", "WAS", "BORN", "IN", "LONDON", "."]
    assert second.alignment is not None
    left, right = second.alignment[2]
    assert (found.source[slice(*left)], found.text[slice(*right)]) == ("born", "BORN")
    assert len(second.n_best) == 1


def test_what_has_no_letters_is_copied() -> None:
    found = translate("----\nOne.\n* * *\n1 + 1 = 2 \U0001f600")
    assert found.text == "----\nONE.\n* * *\n1 + 1 = 2 \U0001f600"
    copied = found.sentences[0]
    assert copied.source == copied.target == "----"
    assert (copied.score, copied.quality, copied.n_best) == (None, None, ())
    assert [sentence.source for sentence in found.sentences] == ["----", "One.", "* * *", "1 + 1 = 2 \U0001f600"]
    nothing = translate(" \n")
    assert (nothing.text, nothing.sentences, nothing.tokens) == (" \n", (), ())


def test_gaps_follow_the_script() -> None:
    english = {"你好。": "Hello.", "我来了。": "I am here."}
    assert translate("你好。我来了。", english.__getitem__, language="zh").text == "Hello. I am here."
    chinese = {"Hello.": "你好。", "I am here.": "我来了。"}
    assert translate("Hello. I am here.", chinese.__getitem__).text == "你好。我来了。"
    assert translate("Hello.  I am here.\nHello.", chinese.__getitem__).text == "你好。  我来了。\n你好。"
    korean = {"Hello.": "안녕하세요.", "I am here.": "왔어요."}
    assert translate("Hello. I am here.", korean.__getitem__).text == "안녕하세요. 왔어요."


def test_n_best_of_a_text() -> None:
    options = DecodingOptions(n_best=3, alignment="hard")
    said = {"One.": ["Eins.", "Ein."], "Two.": ["Zwei.", "Zwo.", "2."]}
    found = translate(" One. Two.", said.__getitem__, options=options)
    assert [one.text for one in found.n_best] == [" Eins. Zwei.", " Ein. Zwo.", " Ein. 2."]
    for one in found.n_best:
        assert [one.text[start:stop] for start, stop in one.spans or ()] == list(one.tokens)
    assert found.alignment == ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5))
    assert found.n_best[0].path_score == -6
    check_spans(found)


def test_one_sentence_is_the_line_itself() -> None:
    found = translate("One two.")
    assert found == answer("One two.", ["ONE TWO."], DecodingOptions(alignment="soft", word_scores=True))
    links = token_links(found)
    assert links is not None and links.source[0] == (0, 3)
    check_spans(found)


def test_results_survive_pickling() -> None:
    found = translate("One. Two.\n--")
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    assert again.sentences == found.sentences


def test_alignments_that_would_fill_the_memory_are_left_out() -> None:
    found = answer("a " * 1200, ["b " * 1200], DecodingOptions(alignment="soft"))
    assert token_links(found) is None
    assert token_links(answer("a " * 100, ["b " * 100], DecodingOptions(alignment="soft"))) is not None
