"""XML in, the same XML out with other words."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text.fakes import backwards, identity, shuffled, translate, upper

from dragoman.text.xml.document import read_xml
from dragoman.text.xml.tokens import Kind, tokenize

CASES = [
    ("<a><p>one <b>two</b> three</p><p>four</p></a>", ["one two three", "four"]),
    ("see <a><b>this</b></a> page", ["see this page"]),
    ("<p>list <l><i>one</i><i>two</i></l></p>", ["list", "one", "two"]),
    ("<code>a</code><script>b &lt; c</script>", ["a", "b < c"]),  # HTML's names mean nothing
    ("<P>one</P><p title='no'>two</p>", ["one", "two"]),
    ("<p translate='no'>one</p><p>see <x translate='no'>Foo &amp; Bar</x> here</p>", ["see Foo & Bar here"]),
    ("<p>a <!-- no --> b <?no p?> c</p>", ["a b c"]),
    ("<p>&lt;b&gt; &#233; &#xE9;</p>", ["<b> \u00e9 \u00e9"]),
    ("<p>by &product; now</p>", ["by product now"]),
    ("<p>a <![CDATA[b < c]]> d</p>", ["a b < c d"]),
    ("<p><![CDATA[<p>one <i>two</i></p>three]]></p>", ["one two", "three"]),
    ("<p>  one\n   two </p><p xml:space='preserve'> one\n  two</p>", ["one two", "one\n  two"]),
    ("<!DOCTYPE a [<!ENTITY b 'c>d'><!-- ]> -->]><a>one</a>", ["one"]),
    ("<a>one<b>two</a></q> three <d 'e>four</d>", ["onetwo", "three", "four"]),
    ("1 < 2 <a", []),
    ("", []),
]


@pytest.mark.parametrize(("source", "texts"), CASES)
def test_what_is_read(source: str, texts: list[str]) -> None:
    document = read_xml(source)
    assert [block.coded.text for block in document.blocks] == texts
    assert identity(document) == source


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("<p  a='1' >a &lt; &amp;<x/> b</p >", "<p  a='1' >A &lt; &amp;<x/> B</p >"),
        ("<p>a <![CDATA[b < c]]> d&gt;</p>", "<p>A <![CDATA[B < C]]> D&gt;</p>"),
        ("<p>by &Product; now</p>", "<p>BY &Product; NOW</p>"),
        ("<p><![CDATA[<p>a <i>b</i> &amp; c</p>]]></p>", "<p><![CDATA[<p>A <i>B</i> &amp; C</p>]]></p>"),
    ],
)
def test_what_is_written(source: str, wanted: str) -> None:
    assert translate(read_xml(source), upper).text == wanted


def test_what_cdata_cannot_hold_is_split() -> None:
    document = read_xml("<p><![CDATA[one]]></p>")
    out = translate(document, lambda text: ("a ]]> b", "0 0 0 0 0")).text
    assert "".join(ElementTree.fromstring(out).itertext()) == "a ]]> b"


PIECES = st.sampled_from(
    ["word", " ", " two words ", "\r\n", ".", "&amp;", "&lt;", "<x/>", "<y a='b > c'/>", "<!-- c -->", "<?p i?>",
     "<![CDATA[raw < text]]>", "<![CDATA[<b>html</b> text]]>", "\u4e2d\u6587"]
)  # fmt: skip


@st.composite
def well_formed(draw: st.DrawFn, depth: int = 3) -> str:
    pieces = []
    for _ in range(draw(st.integers(0, 5))):
        if depth and draw(st.booleans()):
            name = draw(st.sampled_from(["a", "b c='d'", "e translate='no'", "f xml:space='preserve'"]))
            pieces.append(f"<{name}>{draw(well_formed(depth - 1))}</{name[0]}>")
        else:
            pieces.append(draw(PIECES))
    return "".join(pieces)


def marks_of(source: str) -> Counter[str]:
    kinds = (Kind.START, Kind.END, Kind.EMPTY, Kind.OTHER, Kind.BREAK)
    return Counter(source[token.start : token.stop] for token in tokenize(source) if token.kind in kinds)


@pytest.mark.parametrize("fake", [upper, backwards, shuffled])
@given(source=well_formed())
def test_well_formed_stays_so(fake, source: str) -> None:  # type: ignore[no-untyped-def]
    source = f"<r>{source}</r>"
    document = read_xml(source)
    assert identity(document) == source
    out = translate(document, fake).text
    assert marks_of(out) == marks_of(source)
    before, after = ElementTree.fromstring(source), ElementTree.fromstring(out)
    assert Counter(one.tag for one in before.iter()) == Counter(one.tag for one in after.iter())


@given(st.lists(PIECES | st.sampled_from(["<a>", "</a>", "<", ">", "'", "&", "<!", "<?", "]]>", "<a b='"])))
def test_anything_comes_back(pieces: list[str]) -> None:
    source = "".join(pieces)
    document = read_xml(source)
    assert identity(document) == source
    assert sum(token.stop - token.start for token in tokenize(source)) == len(source)
    translate(document, upper)


@pytest.mark.parametrize(
    "unit",
    ["<a>", "<a b='", "<![CDATA[", "<!--", "<?", "<!DOCTYPE [", "<", "</a>", "<a/", "&x;", "<!DOCTYPE x '", "a ",
     "<!DOCTYPE a [<!ENTITY b '&b;&b;'>]>"],
)  # fmt: skip
def test_two_hundred_kilobytes_of_beginnings(unit: str) -> None:
    """Linear time and no recursion, nothing expanded: what is quadratic would not end here."""
    source = "x" + unit * (200_000 // len(unit))
    document = read_xml(source)
    assert identity(document) == source
