"""HTML's tokens are stretches of the source that are all of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.text.html.tokens import Kind, attributes_of, tokenize

PARTS = st.sampled_from(
    ["<", ">", "</", "/>", "<b>", "</b>", "<!--", "-->", "--!>", "<!", "<?", "<![CDATA[", "]]>", '"', "'", "=", " a",
     "<script>", "</script>", "<title>", "</title ", "<svg>", "</svg>", "<p a='", "<style/>", "&amp;", "\r\n", "\0",
     "<plaintext>", "text", "<a b", "/"]
)  # fmt: skip


def kinds(source: str) -> list[tuple[str, str]]:
    return [(token.kind.name, source[token.start : token.stop]) for token in tokenize(source)]


@given(st.lists(PARTS, max_size=25).map("".join))
def test_tokens_are_the_source(source: str) -> None:
    tokens = list(tokenize(source))
    edges = [0, *(token.stop for token in tokens)]
    assert [token.start for token in tokens] == edges[:-1] and edges[-1] == len(source)
    for token in tokens:
        if token.kind is Kind.START:
            values = [source[start:stop] for _, start, stop, _ in attributes_of(source, token)]
            assert all(value in source[token.start : token.stop] for value in values)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("a < b & c<3", [("TEXT", "a < b & c<3")]),
        ("<p class='a>b'>x", [("START", "<p class='a>b'>"), ("TEXT", "x")]),
        ("<a title=it's>q</A >", [("START", "<a title=it's>"), ("TEXT", "q"), ("END", "</A >")]),
        ("<!-->x<!--->y<!-- - --!>z", [("OTHER", "<!-->"), ("TEXT", "x"), ("OTHER", "<!--->"), ("TEXT", "y"),
                                       ("OTHER", "<!-- - --!>"), ("TEXT", "z")]),
        ("x<!-- never ends <b>", [("TEXT", "x"), ("TORN", "<!-- never ends <b>")]),
        ("<![CDATA[ > <b> ]]>x", [("OTHER", "<![CDATA[ > <b> ]]>"), ("TEXT", "x")]),
        ("<![CDATA[ > x", [("OTHER", "<![CDATA[ >"), ("TEXT", " x")]),
        ("</>x</ y>z<?php 1 ?>", [("OTHER", "</>"), ("TEXT", "x"), ("OTHER", "</ y>"), ("TEXT", "z"),
                                  ("OTHER", "<?php 1 ?>")]),
        ("x <a hre", [("TEXT", "x "), ("TORN", "<a hre")]),
        ("<a href='x>y</a>", [("TORN", "<a href='x>"), ("TEXT", "y"), ("END", "</a>")]),
        ("<script>a<b '</p>'</SCRIPT>x", [("START", "<script>"), ("RAW", "a<b '</p>'"), ("END", "</SCRIPT>"),
                                          ("TEXT", "x")]),
        ("<script><!-- <script> </script> --></script>x", [
            ("START", "<script>"), ("RAW", "<!-- <script> </script> -->"), ("END", "</script>"), ("TEXT", "x")]),
        ("<title>a <b></title>", [("START", "<title>"), ("RAW", "a <b>"), ("END", "</title>")]),
        ("<svg><title/><style>a</svg>x", [("START", "<svg>"), ("START", "<title/>"), ("START", "<style>"),
                                          ("TEXT", "a"), ("END", "</svg>"), ("TEXT", "x")]),
    ],
)  # fmt: skip
def test_tokens(source: str, wanted: list[tuple[str, str]]) -> None:
    assert kinds(source) == wanted


def test_attributes() -> None:
    source = """<a href=x title = 'it "s' B c="" d=>"""
    found = [(name, source[a:b], quote) for name, a, b, quote in attributes_of(source, next(tokenize(source)))]
    assert found == [("href", "x", ""), ("title", 'it "s', "'"), ("b", "", ""), ("c", "", '"'), ("d", "", "")]


BEGINNINGS = ["<a ", "<![CDATA[", "<!--", "<a b='", "<a b=\"'", "</", "<?", "<a =", "<svg>", "<!", "<title>", "&#",
              "<script><!--<script>", "<a/", "</a", "<a b='>", "<p>", "]]>"]  # fmt: skip


@pytest.mark.parametrize("unit", BEGINNINGS)
def test_a_megabyte_of_beginnings(unit: str) -> None:
    """Linear time: what is quadratic would not end here."""
    source = unit * (1_000_000 // len(unit))
    assert sum(token.stop - token.start for token in tokenize(source)) == len(source)
