"""HTML in, the same HTML out with other words: contracts of the format, by example and on made-up pages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text.fakes import backwards, identity, is_well_formed, marks_of, shuffled, translate, upper, visible

from dragoman.text.codes import CodedText, Span
from dragoman.text.format import Places
from dragoman.text.html.page import read_html
from dragoman.text.words import split_words


def shouted(source: str) -> str:
    return translate(read_html(source), upper).text


CASES = [
    # blocks and inline elements
    ("<p>one <b>two</b> three</p><p>four<br>five", ["one two three", "four", "five"]),
    ("<ul><li>one<li>two</ul><table><tr><td>1<td>A</table>", ["one", "two", "A"]),
    ("a<custom-x>b</custom-x>c <cite>d</cite> <label>e</label>", ["abc d e"]),
    # white space as HTML makes of it
    ("<p>  one\r\n   two\t<i> three</i>\n</p>", ["one two three"]),
    ("<pre>  one\r\n   two</pre>", ["one\r\n   two"]),
    # references
    ("caf&eacute; &#39;x&#x2019; &amp;lt; &bogus; &nbsp;y", ["caf\u00e9 'x\u2019 &lt; &bogus; \u00a0y"]),
    # opaque elements: in a sentence, and alone
    ("use <code>ls &amp; cp</code> or <kbd>F1</kbd>", ["use ls & cp or F1"]),
    ("<pre><code>x = 1</code></pre><p><code>y</code></p>", []),
    ("<script>var a='<p>b</p>'</script><style>p{}</style><svg><text>t</text></svg>", []),
    ("<textarea>a</textarea><iframe>b</iframe><noscript>c</noscript><object>d</object>", []),
    ("<span translate=no>Foo</span> and <i class='x notranslate y'>Bar</i> sing", ["Foo and Bar sing"]),
    ("<div translate='no'>a <p translate=yes>b</p> c</div> d", ["b", "d"]),
    ("<p>one <code>two<p>three", ["one", "three"]),
    ("<code>a <b translate='yes'>b</b></code>", ["b"]),
    # attributes
    ("<img alt='a dog' title=cat src=x>", ["a dog", "cat"]),
    ("<p alt=no placeholder=no label=no value=no title=yes aria-label=also>", ["yes", "also"]),
    ("<input type=submit value=Go><input value=stay placeholder=name><textarea placeholder=say></textarea>",
     ["Go", "name", "say"]),
    ("<option label=o><optgroup label=g><track label=t><area alt=a>", ["o", "g", "t", "a"]),
    ("<meta name=description content=d><meta property='og:title' content=t><meta name=keywords content=k>",
     ["d", "t"]),
    ("<div translate=no title=t><b title=u>x</b></div><code title=v></code>", ["v"]),
    # titles are text, not markup
    ("<title>a &lt;b&gt; <c></title>", ["a <b> <c>"]),
    ("", []),
    (" \n ", []),
    ("&nbsp;", []),
]  # fmt: skip


@pytest.mark.parametrize(("source", "texts"), CASES)
def test_what_is_read(source: str, texts: list[str]) -> None:
    page = read_html(source)
    assert [block.coded.text for block in page.blocks] == texts
    assert identity(page) == source


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("<P CLASS = x>a <B>b</B></p >", "<P CLASS = x>A <B>B</B></p >"),
        ("a &lt; b &amp; c", "A &lt; B &amp; C"),
        ("a&nbsp;b", "A&nbsp;B"),
        ("a\u00a0b", "A\u00a0B"),
        ("a &eacute; &amp;lt;", "A \u00c9 &amp;LT;"),
        ("see <a title='x &amp; \"y\"' href=z>it</a>", "SEE <a title='X &amp; \"Y\"' href=z>IT</a>"),
        ("<img alt=dog> barks", '<img alt="DOG"> BARKS'),
        ("run <code>ls -l</code> now", "RUN <code>ls -l</code> NOW"),
        ("one <img src=a> two", "ONE <img src=a> TWO"),
        ("one<!-- c --> two", "ONE<!-- c --> TWO"),
        ("<p>a\r\nb</p>\r\n", "<p>A B</p>\r\n"),
        ("</i>a</b> b <i>c", "</i>A</b> B <i>C"),
        ("<b>a <i>b</b> c</i>", "<b>A <i>B</i></b> C"),
        ("<b> a</b> b", "<b>A</b> B"),
    ],
)
def test_what_is_written(source: str, wanted: str) -> None:
    assert shouted(source) == wanted


def test_what_is_kept_and_not_found_stands_between_spaces() -> None:
    page = read_html("<p>press <kbd>Ctrl</kbd> and <kbd>C</kbd> now</p>")
    (block,) = page.blocks
    translation = CodedText("jetzt beide", tuple(replace(code, at=6, width=0) for code in block.coded.codes))
    assert page.write([translation]).text == "<p>jetzt <kbd>Ctrl</kbd> <kbd>C</kbd> beide</p>"


def quoting(text: str) -> tuple[str, str]:
    shown = text.replace("three", '"3"').upper()
    return shown, " ".join("0" for _ in split_words(shown))


def test_a_quote_that_never_ends_gets_no_partner() -> None:
    source = """one <b>two</b> six <a href="x>three four</a> five"""
    out = translate(read_html(source), quoting).text
    assert "&quot;3&quot;" in out
    assert marks_of(out) == marks_of(source)


def test_places_lead_to_the_words() -> None:
    source = "<p>One <b>t&amp;wo</b> and <code>three</code></p>"
    page = read_html(source)
    (block,) = page.blocks

    def shown(text: str, places: Places, span: Span) -> str:
        start, stop = places.span(span)
        return text[start:stop]

    assert shown(source, block.places, Span(0, 3)) == "One"
    assert shown(source, block.places, Span(4, 8)) == "t&amp;wo"
    assert shown(source, block.places, Span(13, 18)) == "<code>three</code>"
    assert shown(source, block.places, Span(0, 18)) == source[3:-4]
    written = translate(page, upper)
    places = written.places[0]
    assert places is not None
    assert shown(written.text, places, Span(4, 8)) == "T&amp;WO"
    assert shown(written.text, places, Span(9, 18)) == "AND <code>three</code>"


NAMES = ["b", "i", "a href='x y'", "span", "code", "p", "div", "li", "em", "q", "table", "td", "pre", "h1", "x-y",
         "u class='notranslate'"]  # fmt: skip
PIECES = st.sampled_from(
    ["word", " ", " two words ", "\r\n", ".", "&amp;", "&eacute;", "&nbsp;", "<br>", "<img src=x>", "<img alt=Dog>",
     "<!-- c -->", "<wbr>", "<a href='x>", "'", "<!--", "<x/>", "\u4e2d\u6587", "<input type=submit value=Go>", "1 < 2"]
)  # fmt: skip


@st.composite
def well_formed(draw: st.DrawFn, depth: int = 3) -> str:
    pieces = []
    for _ in range(draw(st.integers(0, 6))):
        if depth and draw(st.booleans()):
            name = draw(st.sampled_from(NAMES))
            pieces.append(f"<{name}>{draw(well_formed(depth - 1))}</{name.split()[0]}>")
        else:
            pieces.append(draw(PIECES))
    return "".join(pieces)


TAGS = [tag for name in NAMES for tag in (f"<{name}>", f"</{name.split()[0]}>")]
broken = st.lists(PIECES | st.sampled_from(TAGS), max_size=30).map("".join)


@pytest.mark.parametrize("fake", [upper, backwards, shuffled])
@given(source=well_formed() | broken)
def test_every_tag_once(fake, source: str) -> None:  # type: ignore[no-untyped-def]
    page = read_html(source)
    assert identity(page) == source
    assert page.write([None] * len(page.blocks)).text == source
    out = translate(page, fake, texts_only=True).text
    assert marks_of(out) == marks_of(source)
    if is_well_formed(source):
        assert is_well_formed(out)
    translate(page, fake)


@given(st.text(alphabet="<>&;/!-='\"ab \n\u00e9", max_size=60))
def test_anything_comes_back(source: str) -> None:
    page = read_html(source)
    assert identity(page) == source
    translate(page, upper)


HOSTILE = {
    "deep blocks": ("<div>", "deep", "</div>"),
    "deep pairs": ("<b>", "deep words", "</b>"),
    "crossing": ("<b><i>", "x y", "</b></i>"),
    "never closed": ("word <b>", "", ""),
    "adjacent": ("<b>a</b> ", "", ""),
    "never opened": ("</b>", "x", ""),
    "switched off and on": ("<p translate=no>", "", "<i translate=yes>"),
    "opaque": ("<code>", "x", ""),
    "references": ("&amp", "x", "&"),
    "words": ("a ", "", ""),
    "foreign": ("<svg>", "x", ""),
    "items": ("<li>", "x", ""),
    "attributes": ("<img alt=x>", "", ""),
    "one tag": ("b=c ", "<a b=c ", ">x"),
}


def hold_out(name: str, count: int) -> None:
    before, middle, after = HOSTILE[name]
    source = before * count + middle + after * count + " end"
    page = read_html(source)
    assert identity(page) == source
    out = translate(page, upper, texts_only=len(page.blocks) < 100).text
    assert visible(out).upper().count("END") == visible(source).upper().count("END")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages(name: str) -> None:
    """Linear time and no recursion: what is quadratic would not end here."""
    hold_out(name, 5_000)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_of_a_hundred_thousand(name: str) -> None:
    hold_out(name, 100_000)
