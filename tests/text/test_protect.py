"""What is not translated is found, whole, and nothing else is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.errors import OptionsError
from dragoman.text.protect import Keep, Protection, find_protected, miscounted, needs_model


def spans(text: str, keep: Keep | None = None) -> list[str]:
    found = find_protected(text, keep) if keep else find_protected(text)
    return [text[one.span.start : one.span.stop] for one in found]


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("url", "See https://example.com/a(b)?x=1&y=2.", ["https://example.com/a(b)?x=1&y=2"]),
        ("url", "(http://foo.org/bar_(baz)), ok", ["http://foo.org/bar_(baz)"]),
        ("url", "请访问https://example.com/a获取。", ["https://example.com/a"]),
        ("url", "https://zh.wikipedia.org/wiki/中文", ["https://zh.wikipedia.org/wiki/中文"]),
        ("url", "www.test.de/x! heise.de, bbc.co.uk.", ["www.test.de/x", "heise.de", "bbc.co.uk"]),
        ("url", "Ruf tel:+4930123 oder mailto:a@b.c an", ["tel:+4930123", "mailto:a@b.c"]),
        ("email", "Mail max.muster+tag@example.co.uk!", ["max.muster+tag@example.co.uk"]),
        ("path", "Open /etc/passwd, ~/x/y.txt and ./run", ["/etc/passwd", "~/x/y.txt", "./run"]),
        ("path", r"In C:\Program Files\App\a.dll is", [r"C:\Program Files\App\a.dll"]),
        ("path", "Rename *.txt to config.yaml or src/main.cpp.", ["*.txt", "config.yaml", "src/main.cpp"]),
        ("placeholder", "%s has %1$s of %d %(n)s, %-5.2f%%", ["%s", "%1$s", "%d", "%(n)s", "%-5.2f", "%%"]),
        ("placeholder", "{0} {name} {{a.b}} ${x} %{y} #{z} {%if%}", None),
        ("placeholder", "Hi {n, plural, one {# file} other {# files}}!", ["{n, plural, one {# file} other {# files}}"]),
        ("placeholder", "a <b>bold</b> &nbsp; <@12> :smile:", ["<b>", "</b>", "&nbsp;", "<@12>", ":smile:"]),
        ("emoji", "Flag 🇩🇪, family 👨‍👩‍👧‍👦 thumb 👍🏽👍 key 1️⃣ arrow →", ["🇩🇪", "👨‍👩‍👧‍👦", "👍🏽👍", "1️⃣", "→"]),
        ("symbol", "Acme® und • Punkt", ["®", "•"]),
        ("hashtag", "#hashtag und #123 und #größe", ["#hashtag", "#123", "#größe"]),
        ("mention", "Frag @user_1 und @me@mastodon.social.", ["@user_1", "@me@mastodon.social"]),
        ("serial", "AB-1234-X i7-9700K COVID-19 CVE-2024-1234", ["AB-1234-X", "i7-9700K", "COVID-19", "CVE-2024-1234"]),
        ("serial", "DE89 3704 0044 0532 0130 00 ist die IBAN", ["DE89 3704 0044 0532 0130 00"]),
        ("serial", "deadbeef12 0xFF #ff00aa 192.168.0.1:80", ["deadbeef12", "0xFF", "#ff00aa", "192.168.0.1:80"]),
        ("version", "Python 3.11 and version 2.5.1-rc1 or v2.0", ["3.11", "2.5.1-rc1", "v2.0"]),
        ("number", "+49 30 1234567, 978-3-16-148410-0, 12345678", ["+49 30 1234567", "978-3-16-148410-0", "12345678"]),
        ("code", "call os.path.join() with snake_case --verbose", ["os.path.join()", "snake_case", "--verbose"]),
    ],
)
def test_kinds(kind: str, text: str, found: list[str] | None) -> None:
    assert spans(text) == (text.split() if found is None else found)
    assert {one.kind for one in find_protected(text)} == {Protection(kind)}


@pytest.mark.parametrize(
    "text",
    [
        "50% sure, 100% der Leute, eine 5%-ige Lösung",
        "am 13.05.2024 um 10:30:45, 2024-05-13, 1.000.000 oder 1,234.56 oder 5'000 oder 3.11",
        "z.B. e.g. i.e. d.h. u.a. AT&T R&D C# C++ A/B-Test 24/7 TCP/IP and/or he/she 5 km/h",
        "MP3 A4 1990s 10km 100MB F-16 UTF-8 B2B 18th 747-400",
        "Ende.Die nächste; Satz eins.Satz zwei; if a < b and c > d",
        "Das kostet $5 oder US$ 7, {see the note below}.",
        "It's 3.5 million people",
        "",
    ],
)
def test_nothing_else(text: str) -> None:
    assert spans(text) == []


def test_keep() -> None:
    keep = Keep(("Apple", "Apple Pie", "C++", re.compile(r"[A-Z]{3}-\w")))
    assert spans("Apple Pie, Apple, Apples, C++, ABC-x and Pineapple", keep) == ["Apple Pie", "Apple", "C++", "ABC-x"]
    assert spans("www.Apple.com and Apple 1234567", keep) == ["www.Apple.com", "Apple", "1234567"]
    assert spans("https://a.de/Apple Pie", keep) == ["Apple Pie"], "what overlaps goes before what was guessed"


@pytest.mark.parametrize(
    "wrong", [("",), (5,), "Apple", (re.compile("(a+)+$"),), (re.compile("(x|(?:[)]a*)){2,}"),), (re.compile(b"x"),)]
)
def test_wrong_keep(wrong: object) -> None:
    with pytest.raises(OptionsError, match="keep"):
        Keep(wrong)  # type: ignore[arg-type]


def test_patterns_that_are_bounded() -> None:
    for pattern in (r"(ab)+", r"[(+)]*", r"\(a+\)+", r"(?:a{1,3})+", r"a+b+", r"(a+)?"):
        Keep((re.compile(pattern),))


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("42 😀", False),
        ("https://a.de %s {0}", False),
        ("", False),
        ("— … !", False),
        ("%s files", True),
        ("ß", True),
        ("木", True),
    ],
)
def test_what_needs_a_model(text: str, needed: bool) -> None:
    assert needs_model(text, find_protected(text)) is needed


@given(st.text(st.sampled_from("aA1.:/@#%{}<>_-$&\\ ()[]\u00a0中😀\u200d🇩")))
def test_spans_of_any_text(text: str) -> None:
    found = find_protected(text, Keep(("a", re.compile("1+"))))
    edges = [edge for one in found for edge in one.span]
    assert edges == sorted(edges) and all(one.span.start < one.span.stop for one in found)
    assert all(0 <= edge <= len(text) for edge in edges)
    copied = [text[one.span.start : one.span.stop] for one in found]
    assert not needs_model("".join(copied), find_protected("")) or any(map(str.isalpha, "".join(copied)))


@pytest.mark.parametrize(
    "seed", ["a-", "a.", "{", "{}", "a@", "%", "<a ", "a_", "a:", "😀", "https://x)", "AB1-", "+1", "version 1."]
)
def test_long_texts(seed: str) -> None:
    """Quadratic time would take minutes."""
    find_protected(seed * 20_000 + " 1 %")


def test_miscounted() -> None:
    assert miscounted(["%s", "%s", "%d"], "%s von %s: %d") == ()
    assert miscounted(["%s", "%s", "%d"], "%s von: %d %d") == ("%s", "%d")
    assert miscounted(["a.de", "www.a.de"], "www.a.de und a.de") == ()
    assert miscounted(["a.de", "www.a.de"], "www.a.de") == ("a.de",)
