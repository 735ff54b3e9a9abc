"""Inline codes follow their words, each comes out once, and nothing that an alignment says breaks that."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text.coded import aligned, coded, marked, translated

from dragoman.text.codes import AlignedPart, Code, CodedText, CodeKind, Span, TokenLinks
from dragoman.text.projection import project
from dragoman.text.verify import in_proportion, problem_of

CASES = [
    # a word moves
    ("the [b|red] house", "la maison rouge", "0 2 1", "la maison <b>rouge</b>"),
    # two pairs that swap
    ("the [b|red] [i|house]", "la maison rouge", "0 2 1", "la <i>maison</i> <b>rouge</b>"),
    # nested, and the outer one is contiguous
    (
        "see [a|the [b|red] house] now",
        "voir maintenant la maison rouge",
        "0 4 1 3 2",
        "voir maintenant <a>la maison <b>rouge</b></a>",
    ),
    # the words of a pair separate: one stretch, the pair once
    ("[a|turn off] the light", "mache das Licht aus", "0 2 3 1", "<a>mache das Licht aus</a>"),
    # a word that nobody looked at most still has its own column
    ("a [b|big] dog", "ein großer Hund", "0 2 2", "ein <b>großer</b> Hund"),
    # white space is nobody's
    ("go[b| home ]now", "geh jetzt heim", "0 2 1", "geh jetzt <b>heim</b>"),
    # punctuation is not drawn in, and stays where it was marked
    ("is it [b|red]?", "ist es rot?", "0 1 2 2", "ist es <b>rot</b>?"),
    ("is it [b|red?]", "ist es rot?", "0 1 2 3", "ist es <b>rot?</b>"),
    # adjacent pairs in one word
    ("[b|foo][i|bar] x", "abcdef x", "0 1", "<b>abc</b><i>def</i> x"),
    # two pairs become one word: it is shared
    ("[a|red] [i|hat]", "Rothut", "0", None),
    # a part of a word marks the word
    ("un[b|happy] man", "trauriger Mann", "0 1", "<b>trauriger</b> Mann"),
    # pairs without words travel whole, with what is in them
    ("x [a|<img>] y", "yy xx", "1 0", "<a><img></a>yy xx"),
    # a mark stays with the word it touches
    ("dog<1> and cat", "Katze und Hund", "2 1 0", "Katze und Hund<1>"),
    ("dog and <1>cat", "Katze und Hund", "2 1 0", "<1>Katze und Hund"),
    # marks keep their order, and stay in their pair
    ("dog<1> and cat<2>", "Katze und Hund", "2 1 0", None),
    ("[b|<1>red] house", "maison rouge", "1 0", "maison <b><1>rouge</b>"),
    # marks at the edges of a sentence stay there
    ("<0>red house<9>", "maison rouge", "1 0", "<0>maison rouge<9>"),
    # a stand-in is replaced where it was copied, and where it was not
    ("call {c|ls} now", "jetzt ls rufen", "2 1 0", "jetzt <c/> rufen"),
    ("call {c|foo()} now", "jetzt fuh rufen", "4 1 0", "jetzt <c/> rufen"),
    ("call {c|ls} and {d|ls}", "ls und ls rufen", "1 2 3 0", "<c/> und <d/> rufen"),
    ("all {c|Buffer}s here", "alle Buffers hier", "0 1 3", "alle <c/>s hier"),
    ("all {c|Buffer}s here", "alle Puffer hier", "0 1 3", "alle <c/> hier"),
    ("put it in {c|a/b/} now", "jetzt in A / B / legen", "7 2 3 4 5 6 0", "jetzt in <c/> legen"),
    # without spaces
    ("a [b|red] house", "红色的房子", "1 1 1 2 2", "<b>红</b>色的房子"),
    # French elision
    ("the [b|water]", "l'eau", "0 1", "l'<b>eau</b>"),
    # a hyphen joins two words of the source
    ("[b|black] and [i|white] dog", "schwarz-weißer Hund", "0 2", None),
]


@pytest.mark.parametrize(("written", "target", "order", "wanted"), CASES)
def test_codes_follow_their_words(written: str, target: str, order: str, wanted: str | None) -> None:
    source = coded(written)
    projected = translated(written, target, order)
    assert problem_of(source, projected.coded) is None
    assert projected.coded.text == target
    if wanted is not None:
        assert marked(projected.coded) == wanted


def test_two_pairs_share_a_word_and_neither_is_empty() -> None:
    written = marked(translated("[a|red] [i|hat]", "Rothut", "0").coded)
    assert written == "<a>Rot</a><i>hut</i>"


def test_halves_of_a_hyphenated_word() -> None:
    source = coded("[b|black] and [i|white] dog")
    words = [Span(0, 5), Span(6, 9), Span(10, 15), Span(16, 19)]
    tokens = (Span(0, 7), Span(7, 8), Span(8, 14), Span(15, 19))
    rows = ((0.9, 0.1, 0, 0), (0.3, 0.4, 0.3, 0), (0, 0.1, 0.9, 0), (0, 0, 0, 1.0))
    part = AlignedPart(Span(0, 19), Span(0, 19), TokenLinks(tuple(words), tokens, rows))
    assert marked(project(source, "schwarz-weißer Hund", [part]).coded) == "<b>schwarz</b>-<i>weißer</i> Hund"


def test_crossing_pairs_come_out_nested() -> None:
    codes = (
        Code(CodeKind.OPEN, "<b>", 0, 0),
        Code(CodeKind.OPEN, "<i>", 2, 1),
        Code(CodeKind.CLOSE, "</b>", 5, 0),
        Code(CodeKind.CLOSE, "</i>", 7, 1),
    )
    source = CodedText("a bb cc", codes)
    projected = project(source, "x yy zz", [aligned(source.text, "x yy zz", "0 1 2")])
    assert marked(projected.coded) == "<b>x <i>yy</i></b> zz"


def test_half_pairs_mark_what_follows_and_what_is_before() -> None:
    codes = (Code(CodeKind.CLOSE, "</u>", 3), Code(CodeKind.OPEN, "<b>", 8))
    source = CodedText("the big red house", codes)
    projected = project(source, "la grande maison rouge", [aligned(source.text, "la grande maison rouge", "0 1 3 2")])
    assert marked(projected.coded) == "la</u> grande <b>maison rouge"


def test_a_lost_stand_in_replaces_nothing() -> None:
    projected = translated("press {k|Ctrl} now", "drücke jetzt", "0 2")
    assert sorted(marked(projected.coded).replace("<k/>", "").split()) == ["drücke", "jetzt"]
    assert projected.warnings


def test_a_stand_in_that_the_model_did_not_see_stays_beside_its_neighbour() -> None:
    source = coded("open the {c|file} of Tom today")
    words = [Span(0, 4), Span(5, 8), Span(14, 16), Span(17, 20), Span(21, 26)]  # without the stand-in
    target = "heute Toms öffnen"
    tokens = (Span(0, 5), Span(6, 10), Span(11, 17))
    rows = ((0.0, 0, 0.1, 0, 0.9), (0, 0.1, 0.2, 0.7, 0), (0.8, 0.1, 0.1, 0, 0))
    part = AlignedPart(Span(0, len(source.text)), Span(0, len(target)), TokenLinks(tuple(words), tokens, rows))
    assert marked(project(source, target, [part]).coded) == "heute <c/>Toms öffnen"


def test_an_empty_translation_keeps_the_codes() -> None:
    source = coded("[a|red <1> house]")
    projected = project(source, "", [AlignedPart(Span(0, len(source.text)), Span(0, 0))])
    assert marked(projected.coded) == "<a><1></a>"
    assert projected.warnings


def test_sentences() -> None:
    """A pair over two sentences, marks between them, equal parts."""
    source = coded("Red [b|house.] <x>[i|Blue] sky.  [u|12 34]")
    target = "Maison rouge. Ciel bleu.  12 34"
    parts = [
        aligned("Red house.", "Maison rouge.", "1 0 2"),
        AlignedPart(Span(10, 11), Span(13, 14)),
        shifted(aligned("Blue sky.", "Ciel bleu.", "1 0 2"), 11, 14),
        AlignedPart(Span(20, 27), Span(24, 31)),
    ]
    assert marked(project(source, target, parts).coded) == ("<b>Maison</b> rouge. <x>Ciel <i>bleu</i>.  <u>12 34</u>")
    source = coded("Red [b|house. Blue] sky.  12 34")
    assert marked(project(source, target, parts).coded) == "<b>Maison rouge. Ciel bleu</b>.  12 34"


def shifted(part: AlignedPart, ours: int, theirs: int) -> AlignedPart:
    return AlignedPart(
        Span(part.source.start + ours, part.source.stop + ours),
        Span(part.target.start + theirs, part.target.stop + theirs),
        part.links,
    )


TEXT = st.text(alphabet="abc -'.,中文ก्é👍🏽\u200d\n", max_size=30)


@st.composite
def coded_texts(draw: st.DrawFn) -> CodedText:
    text = draw(TEXT)
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=14)))
    codes: list[Code] = []
    stack: list[int] = []
    free = 0
    for number, at in enumerate(places):
        choice = draw(st.sampled_from("ooccpshk"))
        at = max(at, free)
        if choice == "o":
            stack.append(number)
            codes.append(Code(CodeKind.OPEN, f"<{number}>", at, number))
        elif choice == "c" and stack:
            pair = stack.pop()
            codes.append(Code(CodeKind.CLOSE, f"</{pair}>", at, pair))
        elif choice == "k" and stack:  # crossing
            pair = stack.pop(0)
            codes.append(Code(CodeKind.CLOSE, f"</{pair}>", at, pair))
        elif choice == "s" and at < len(text):
            codes.append(Code(CodeKind.EMPTY, f"<{number}/>", at, width=1))
            free = at + 1
        elif choice == "h":
            codes.append(Code(draw(st.sampled_from([CodeKind.OPEN, CodeKind.CLOSE])), f"<h{number}>", at))
        else:
            codes.append(Code(CodeKind.EMPTY, f"<{number}>", at))
    return CodedText(text, tuple(codes))


def tokens(draw: st.DrawFn, text: str) -> tuple[Span, ...]:
    cuts = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=8))})
    return (*(Span(*pair) for pair in itertools.pairwise(cuts)), Span(len(text), len(text)))


@given(st.data(), coded_texts(), TEXT)
def test_whatever_the_alignment_says(data: st.DataObject, source: CodedText, target: str) -> None:
    cut, cut2 = data.draw(st.integers(0, len(source.text))), data.draw(st.integers(0, len(target)))
    parts = []
    for ours, theirs in ((Span(0, cut), Span(0, cut2)), (Span(cut, len(source.text)), Span(cut2, len(target)))):
        links = None
        if data.draw(st.booleans()):
            columns = tokens(data.draw, source.text[slice(*ours)])
            rows = tokens(data.draw, target[slice(*theirs)])
            seed = random.Random(data.draw(st.integers(0, 99)))
            links = TokenLinks(columns, rows, tuple(tuple(seed.random() for _ in columns) for _ in rows))
        parts.append(AlignedPart(ours, theirs, links))
    projected = project(source, target, parts)
    assert projected.coded.text == target
    assert problem_of(source, projected.coded) is None
    assert not any("proportion" in warning for warning in projected.warnings)  # the fallback is never needed
    assert problem_of(source, in_proportion(source, target)) is None


@given(coded_texts())
def test_an_equal_translation_is_the_source(source: CodedText) -> None:
    whole = Span(0, len(source.text))
    assert project(source, source.text, [AlignedPart(whole, whole)]).coded == source


def many(shape: str, count: int) -> tuple[CodedText, str]:
    """A text with many codes, and a translation."""
    if shape in ("nested", "crossing"):
        numbers = range(count)
        codes = [Code(CodeKind.OPEN, "<b>", 0, number) for number in numbers]
        ends = numbers if shape == "crossing" else reversed(numbers)
        codes += [Code(CodeKind.CLOSE, "</b>", 7, number) for number in ends]
        return CodedText("one two three", tuple(codes)), "eins zwei drei vier"
    codes = []
    for number in range(count):
        start, stop = (1, 2) if shape == "one word" else (5 * number, 5 * number + 4)
        if shape == "points":
            codes.append(Code(CodeKind.EMPTY, "<p>", start))
        else:
            codes.append(Code(CodeKind.OPEN, "<b>", start, number))
            codes.append(Code(CodeKind.CLOSE, "</b>", stop, number))
    text = "word " * (1 if shape == "one word" else count)
    return CodedText(text, tuple(codes)), f"Z {text}"


@pytest.mark.parametrize("shape", ["nested", "crossing", "adjacent", "points", "one word"])
def test_ten_thousand_codes(shape: str) -> None:
    """Linear time: what is quadratic would not end here."""
    source, target = many(shape, 10_000)
    parts = [AlignedPart(Span(0, len(source.text)), Span(0, len(target)))]
    projected = project(source, target, parts)
    assert problem_of(source, projected.coded) is None
    assert projected.coded.text == target
