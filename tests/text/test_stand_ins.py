"""Stand-ins go in and come out, and everything else stays where it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman.text.codes import Code, CodedText, CodeKind, Span
from dragoman.text.stand_ins import Replacement, restore, substitute


def test_there_and_back() -> None:
    text = "Mail a@b.de now 😀 please"
    codes = (Code(CodeKind.OPEN, "<b>", 5, 0), Code(CodeKind.CLOSE, "</b>", 11, 0))
    made = substitute(
        CodedText(text, codes), [Replacement(Span(5, 11), "a@b.de", "X1"), Replacement(Span(16, 17), "😀", "")]
    )
    assert made.coded.text == "Mail X1 now  please"
    assert [(code.kind, code.at, code.width) for code in made.coded.codes] == [
        (CodeKind.OPEN, 5, 0),
        (CodeKind.EMPTY, 5, 2),
        (CodeKind.CLOSE, 7, 0),
        (CodeKind.EMPTY, 12, 0),
    ]
    assert made.source_of(Span(0, 4)) == (0, 4) and made.source_of(Span(8, 11)) == (12, 15)
    assert made.source_of(Span(6, 11)) == (5, 15), "half of a stand-in is all of it"
    german = CodedText(
        "Bitte jetzt X1 schreiben",
        (
            Code(CodeKind.EMPTY, made.coded.codes[3].raw, 6),
            Code(CodeKind.OPEN, "<b>", 12, 0),
            Code(CodeKind.EMPTY, made.coded.codes[1].raw, 12, width=2),
            Code(CodeKind.CLOSE, "</b>", 14, 0),
        ),
    )
    back = restore(german, made)
    assert back.coded.text == "Bitte 😀 jetzt a@b.de schreiben"
    assert [(code.raw, code.at) for code in back.coded.codes] == [("<b>", 14), ("</b>", 20)]
    assert back.places == (Span(14, 20), Span(6, 7))


def test_what_is_left_out() -> None:
    """A mark inside, or another stand-in over it."""
    codes = (Code(CodeKind.EMPTY, "<code>x</code>", 0, width=4), Code(CodeKind.EMPTY, "<br>", 8))
    asked = [Replacement(Span(2, 5), "1", "1"), Replacement(Span(6, 10), "2", "2"), Replacement(Span(10, 12), "3", "3")]
    made = substitute(CodedText("abcd efghijklm", codes), asked)
    assert made.made == (asked[2],) and made.coded.text == "abcd efghi3lm"
    assert [code.at for code in made.coded.codes] == [0, 8, 10]


def test_stand_ins_in_one_place() -> None:
    """What follows is not taken for a stand-in twice."""
    made = substitute(CodedText("a b c"), [Replacement(Span(0, 1), "X", "Y"), Replacement(Span(2, 3), "Z", "Y")])
    codes = tuple(Code(CodeKind.EMPTY, code.raw, 0, width=1) for code in made.coded.codes)
    assert restore(CodedText("Y bleibt", codes), made).coded.text.endswith(" bleibt")


def test_a_lost_code() -> None:
    made = substitute(CodedText("a b"), [Replacement(Span(0, 1), "X", "Y")])
    assert restore(CodedText("c"), made).places == (None,)


@given(st.text("ab <>", max_size=12), st.data())
def test_an_identity_translator(text: str, data: st.DataObject) -> None:
    """Whatever is replaced by whatever, the unchanged translation gives the source with its codes."""
    ats = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    codes = tuple(Code(CodeKind.EMPTY, f"<{number}>", at) for number, at in enumerate(ats))
    edges = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    asked = [
        Replacement(Span(start, stop), text[start:stop], data.draw(st.sampled_from(["X", "Long 1", "q7"])))
        for start, stop in zip(edges[::2], edges[1::2], strict=False)
    ]
    made = substitute(CodedText(text, codes), asked)
    back = restore(made.coded, made)
    assert back.coded == CodedText(text, codes)
    assert back.places == tuple(one.span for one in made.made)
    for one, place in zip(made.made, made.places, strict=True):
        assert made.source_of(place) == one.span
    assert made.source_of(Span(0, len(made.coded.text))) == (0, len(text))
