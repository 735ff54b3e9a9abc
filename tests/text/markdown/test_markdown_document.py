"""Markdown in, the same Markdown out with other words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text.fakes import backwards, identity, shuffled, translate, upper

from dragoman.text.markdown.document import read_markdown
from dragoman.text.markdown.emphasis import find_pairs, run_at
from dragoman.text.markdown.inlines import Kind, read_inlines

CASES = [
    ("# One *two*\n\nthree\nfour\n", ["One two", "three four"]),
    ("Title\n===\n\n* a\n* b\n  c\n\n1. d\n", ["Title", "a", "b c", "d"]),
    ("> quote\n> more\n>\n> > deep\n> > er\n", ["quote more", "deep er"]),
    ("one  \ntwo\\\nthree\n", ["one", "two", "three"]),
    ("| a | b \\| c |\n|---|---|\n| d | `e` |\n", ["a", "b | c", "d"]),
    ("---\ntitle: no\n---\n\nyes\n", ["yes"]),
    ("+++\ntitle = 1\n+++\n\nyes\n", ["yes"]),
    ("```py\nno\n```\n\n    no\n\n~~~\nno\n~~~\n", []),
    ("use `ls -l` and <http://x.y> or $a+b$\n", ["use ls -l and http://x.y or a+b"]),
    ('see [a *b*](u "t") and [c][d] [e] [f][]\n\n[d]: x "no"\n[e]: y\n[f]: z\n', ["see a b and c e f"]),
    ("[x] not a link, 2 * 3 * 4 and snake_case_name\n", ["[x] not a link, 2 * 3 * 4 and snake_case_name"]),
    ("![a picture](src) says ![more][r]\n\n[r]: x\n", ["says", "a picture", "more"]),
    ("text[^1]\n\n[^1]: note *n*\n[^2]: other\n", ["text", "note n", "other"]),
    ("- [x] task\n- [ ] other\n", ["task", "other"]),
    ("> [!NOTE]\n> hello\n\n:::tip Title\nhello\n:::\n", ["hello", "hello"]),
    ("import X from 'y'\n\n{{< fig >}}\n\n{% raw %}\n\nyes {#id}\n", ["yes"]),
    ("a &lt;b&gt; \\*c\\* caf&eacute;\n", ["a <b> *c* caf\u00e9"]),
    ("a <b>b</b> <kbd>F1</kbd> c<br>d <!-- no -->\n", ["a b F1 c", "d"]),
    ("<div class='x'>\nhtml <i>text</i>\n</div>\n\n<script>\nno()\n</script>\n", ["html text"]),
    ("it costs $5 and $10\n", ["it costs $5 and $10"]),
    ("", []),
]


@pytest.mark.parametrize(("source", "texts"), CASES)
def test_what_is_read(source: str, texts: list[str]) -> None:
    document = read_markdown(source)
    assert sorted(block.coded.text for block in document.blocks) == sorted(texts)
    assert identity(document) == source
    windows = source.replace("\n", "\r\n")
    assert sorted(block.coded.text for block in read_markdown(windows).blocks) == sorted(texts)
    assert identity(read_markdown(windows)) == windows


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("# One *two* #\n", "# ONE *TWO* #\n"),
        ("> a **b\n> c** d\n", "> A **B C** D\n"),
        ('see [a](u "t") [b]\n\n[b]: x\n', 'SEE [A](u "t") [B][b]\n\n[b]: x\n'),
        ("say ![cat *x*](u) to\n", "SAY ![CAT *X*](u) TO\n"),
        ("| a \\| `x` | b |\n|:-:|---|\n", "| A \\| `x` | B |\n|:-:|---|\n"),
        ("a \\*b\\* &lt;c>\n", "A \\*B\\* \\<C>\n"),
        ("2 * 3 and a_b_c\n", "2 * 3 AND A_B_C\n"),
        ("`a` b `c`\n", "`a` B `c`\n"),
        ("a  \nb\r\n", "A  \nB\r\n"),
    ],
)
def test_what_is_written(source: str, wanted: str) -> None:
    assert translate(read_markdown(source), upper).text == wanted


@pytest.mark.parametrize(
    "target", ["# a", "- a", "1. a", "> a", "a * b * c *d*", "[d](e)", "`a`", "---", "a\\*", "<b>", "&lt;"]
)
def test_a_translation_begins_nothing(target: str) -> None:
    """Whatever a model writes is text: read again it is what the model wrote."""
    out = translate(read_markdown("word\n"), lambda text: (target, " ".join("0" * len(target)))).text
    assert [(block.coded.text, block.coded.codes) for block in read_markdown(out).blocks] in ([(target, ())], [])
    assert target == "---" or len(read_markdown(out).blocks) == 1


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("*a*", ["*a*"]),
        ("**a** *b*", ["**a**", "*b*"]),
        ("***a** b*", ["**a**", "***a** b*"]),
        ("a_b_c _d_", ["_d_"]),
        ("*a **b* c**", ["*b*", "**b* c*", "*a **b* c**"]),
        ("**a", []),
        ("~~a~~ ~b~", ["~~a~~", "~b~"]),
        ("* a *", []),
    ],
)
def test_emphasis(text: str, pairs: list[str]) -> None:
    runs, place = [], 0
    while place < len(text):
        if text[place] in "*_~":
            runs.append(run_at(text, place))
            place = runs[-1].stop
        else:
            place += 1
    assert sorted(text[a:d] for a, _, _, d in find_pairs(runs)) == sorted(pairs)


def test_links_have_no_links_in_them() -> None:
    kinds = [item.kind for item in read_inlines("[a [b](c) d](e)", frozenset())]
    assert kinds.count(Kind.OPEN) == 1


PIECES = st.sampled_from(
    ["word ", "two words", " ", "\n", "\n\n", "*", "**", "_", "`", "``", "[", "](u)", "]", "![", "<b>", "</b>", "<br>",
     "> ", "- ", "1. ", "# ", "|", "\n|---|\n", "\\", "&lt;", "~~", "$", "```\n", "  \n", "\r\n", "[^1]", "[a]: b\n",
     "<!-- ", "-->", "{{x}}", "<div>\n", "\u4e2d\u6587", "\t", "---\n"]
)  # fmt: skip


@pytest.mark.parametrize("fake", [upper, backwards, shuffled])
@given(pieces=st.lists(PIECES, max_size=30))
def test_anything_comes_back(fake, pieces: list[str]) -> None:  # type: ignore[no-untyped-def]
    source = "".join(pieces)
    document = read_markdown(source)
    assert identity(document) == source
    out = translate(document, fake).text
    for block in document.blocks:
        # The description of a picture is translated inside its mark.
        assert all(code.raw.strip() in out for code in block.coded.codes if "![" not in code.raw)


BEGINNINGS = ["*", "[", "![", "`a ", "> ", "- ", "**a ", "_a", "[a](", "<!--", "$a", "***a", "a*", "[]", "[a](b)",
              "<b>", "<code>", "| a ", "~", "{{", "a\n", '[a](b "']  # fmt: skip


@pytest.mark.parametrize("unit", BEGINNINGS)
def test_twenty_kilobytes_of_beginnings(unit: str) -> None:
    """Linear time and no recursion: what is quadratic would take long."""
    source = unit * (20_000 // len(unit))
    assert identity(read_markdown(source)) == source
