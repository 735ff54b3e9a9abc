# ruff: noqa: E501  (files as they are)
"""Files of text: nothing but words changes, and an identity translator changes no byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from documents.fakes import identity, shouting

from dragoman.documents.translate import translate_bytes, translate_file
from dragoman.documents.unit import Settings
from dragoman.errors import DocumentError, OptionsError

LANGUAGES = Settings(source="en", target="de")

CASES = {
    "cues.srt": (
        "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}Hello there, this is a\n\n2\n00:00:02,000 --> 00:00:03,000\n"
        "long sentence. <i>Yes.</i>\n\n3\n00:00:04,000 --> 00:00:05,000\n- Who?\n- Me.\n",
        "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}HELLO THERE, THIS IS A\n\n2\n00:00:02,000 --> 00:00:03,000\n"
        "LONG SENTENCE. <i>YES.</i>\n\n3\n00:00:04,000 --> 00:00:05,000\n- WHO?\n- ME.\n",
    ),
    "cues.vtt": (
        "WEBVTT\n\nNOTE hello\n\nSTYLE\n::cue {}\n\n00:01.000 --> 00:02.000 line:0\n<v Bob>Good <b>morning</b> to you\n",
        "WEBVTT\n\nNOTE hello\n\nSTYLE\n::cue {}\n\n00:01.000 --> 00:02.000 line:0\n<v Bob>GOOD <b>MORNING</b> TO YOU\n",
    ),
    "data.json": (
        '{"key": "Hello \\u00e9", "u":"http://x.y/z", "n": 1, "l": ["One two", true, null]}',
        '{"key": "HELLO \\u00c9", "u":"http://x.y/z", "n": 1, "l": ["ONE TWO", true, null]}',
    ),
    "data.yaml": (
        "en:\n  title: Hello world # c\n  q: 'It''s good'\n  n: 12\n  b: yes\n  d: &a \"Line one\\nTwo\"\n  r: *a\n"
        "  lit: |\n    First line\n    Second line\n  fold: >-\n    folded text\n    goes on\n",
        "en:\n  title: HELLO WORLD # c\n  q: 'IT''S GOOD'\n  n: 12\n  b: yes\n  d: &a \"LINE ONE\\nTWO\"\n  r: *a\n"
        "  lit: |\n    FIRST LINE\n    SECOND LINE\n  fold: >-\n    FOLDED TEXT GOES ON\n",
    ),
    "x.properties": (
        "# c\nkey=Hello world \\\n   again\nurl=http://a.b\nx\\ y : caf\\u00e9 time\n",
        "# c\nkey=HELLO WORLD AGAIN\nurl=http://a.b\nx\\ y : CAF\\u00C9 TIME\n",
    ),
    "x.csv": (
        'id,name,text\n1,Widget,"Hello, ""you"""\r\n2,,http://a.b/c\n',
        'id,name,text\n1,WIDGET,"HELLO, ""YOU"""\r\n2,,http://a.b/c\n',
    ),
    "x.tsv": ("a\tb\nred wine\t7\n", "a\tb\nRED WINE\t7\n"),
    "strings.xml": (
        '<resources><string name="a">Don\\\'t <b>panic</b>\\n</string><string name="b" translatable="false">X y</string>'
        '<plurals name="p"><item quantity="one">one thing</item></plurals></resources>',
        '<resources><string name="a">DON\\\'T <b>PANIC</b>\\n</string><string name="b" translatable="false">X y</string>'
        '<plurals name="p"><item quantity="one">ONE THING</item></plurals></resources>',
    ),
    "old.xlf": (
        '<xliff version="1.2"><file source-language="en" target-language="de"><body>\n  <trans-unit id="1">\n'
        '    <source>Hello <g id="1">big</g> <x id="2"/>world</source>\n  </trans-unit></body></file></xliff>',
        '<xliff version="1.2"><file source-language="en" target-language="de"><body>\n  <trans-unit id="1">\n'
        '    <source>Hello <g id="1">big</g> <x id="2"/>world</source>\n'
        '    <target state="needs-review-translation" state-qualifier="mt-suggestion">HELLO <g id="1">BIG</g> '
        '<x id="2"/>WORLD</target>\n  </trans-unit></body></file></xliff>',
    ),
    "new.xliff": (
        '<xliff version="2.0" srcLang="en" trgLang="de"><file id="f"><unit id="1"><segment>'
        '<source>Hello <pc id="1">you</pc></source></segment></unit></file></xliff>',
        '<xliff version="2.0" srcLang="en" trgLang="de"><file id="f"><unit id="1"><segment>'
        '<source>Hello <pc id="1">you</pc></source><target>HELLO <pc id="1">YOU</pc></target></segment></unit></file></xliff>',
    ),
    "x.tmx": (
        '<tmx version="1.4"><header srclang="en"/><body>\n<tu>\n <tuv xml:lang="en"><seg>Hello '
        '<bpt i="1">&lt;b></bpt>you<ept i="1">&lt;/b></ept></seg></tuv>\n</tu></body></tmx>',
        '<tmx version="1.4"><header srclang="en"/><body>\n<tu>\n <tuv xml:lang="en"><seg>Hello '
        '<bpt i="1">&lt;b></bpt>you<ept i="1">&lt;/b></ept></seg></tuv>\n <tuv xml:lang="de"><seg>HELLO '
        '<bpt i="1">&lt;b></bpt>YOU<ept i="1">&lt;/b></ept></seg></tuv>\n</tu></body></tmx>',
    ),
    "x.txt": ("Hello.\r\nWorld", "HELLO.\r\nWORLD"),
    "x.html": ("<p>Hello <b>x</b></p>", "<p>HELLO <b>X</b></p>"),
}  # fmt: skip
ADDS_TARGETS = {"old.xlf", "new.xliff", "x.tmx"}


@pytest.mark.parametrize("name", CASES)
def test_words_change_and_nothing_else(name: str) -> None:
    source, expected = CASES[name]
    assert translate_bytes(source.encode(), name, shouting().translate, settings=LANGUAGES).data.decode() == expected


@pytest.mark.parametrize("name", sorted(CASES.keys() - ADDS_TARGETS))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_identity_changes_no_byte(name: str, encoding: str) -> None:
    data = CASES[name][0].encode(encoding)
    assert translate_bytes(data, name, identity().translate, settings=LANGUAGES).data == data


CATALOGUE = """# c
msgid ""
msgstr ""
"Language: \\n"
"Plural-Forms: nplurals=3; plural=0;\\n"

#, c-format
msgid "Hello %s\\n"
msgstr ""

msgid "one file"
msgid_plural "%d files"
msgstr[0] ""
msgstr[1] ""

msgid "done"
msgstr "fertig"

#~ msgid "old"
#~ msgstr ""
"""


def test_catalogues_are_filled() -> None:
    found = translate_bytes(CATALOGUE.encode(), "x.po", shouting().translate, settings=LANGUAGES).data.decode()
    expected = CATALOGUE.replace('"Language: \\n"', '"Language: de\\n"').replace("#, c-format", "#, fuzzy, c-format")
    expected = expected.replace('Hello %s\\n"\nmsgstr ""', 'Hello %s\\n"\nmsgstr "HELLO %S\\n"')
    expected = expected.replace('msgid "one file"', '#, fuzzy\nmsgid "one file"')
    forms = 'msgstr[0] "ONE FILE"\nmsgstr[1] "%D FILES"\nmsgstr[2] "%D FILES"\n'
    expected = expected.replace('msgstr[0] ""\nmsgstr[1] ""\n', forms)
    assert found == expected
    plain = Settings(target="de", fuzzy=False)
    assert "fuzzy" not in translate_bytes(CATALOGUE.encode(), "x.po", shouting().translate, settings=plain).data.decode()


def test_equal_texts_are_asked_once() -> None:
    fake = shouting()
    translate_bytes(b'["one word", "one word", "another"]', "x.json", fake.translate)
    assert fake.calls[0][0] == ["one word", "another"]


def test_columns_by_name_and_number() -> None:
    data = b"id;name;note\nx y;red wine;a b\n"
    by_name = translate_bytes(data, "x.csv", shouting().translate, settings=Settings(columns=("Name",))).data
    assert by_name == b"id;name;note\nx y;RED WINE;a b\n"
    by_number = Settings(columns=("1",), header=False)
    assert translate_bytes(data, "x.csv", shouting().translate, settings=by_number).data == b"ID;name;note\nX Y;red wine;a b\n"
    with pytest.raises(OptionsError, match="columns"):
        translate_bytes(data, "x.csv", shouting().translate, settings=Settings(columns=("colour",)))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("x.txt", b"abc\n\xffd", r"byte 4 \(line 2\) is 0xff"),
        ("x.json", b'{"a": ', "not JSON"),
        ("x.json", b"[" * 20_000 + b"]" * 20_000, "nested 20000 deep"),
        ("x.yaml", b"a: [", "not YAML"),
        ("x.xlf", b"<xliff><file>", "not well-formed"),
        ("x.xlf", b'<!DOCTYPE a [<!ENTITY b "c">]><xliff/>', "entities of its own"),
        ("x.tmx", b"<a/>", "no TMX"),
        ("x.docx", b"PK", "not a zip file"),
        ("x.unknown", b"", "not a known kind"),
    ],
)
def test_what_is_wrong_is_said(name: str, data: bytes, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        translate_bytes(data, name, identity().translate, settings=LANGUAGES)


def test_stated_encodings() -> None:
    found = translate_bytes("café time".encode("latin-1"), "x.txt", shouting().translate, settings=Settings(encoding="latin-1"))
    assert found.data == "CAFÉ TIME".encode("latin-1")
    with pytest.raises(OptionsError, match="encoding"):
        translate_bytes(b"a", "x.txt", shouting().translate, settings=Settings(encoding="no-such"))


def test_what_stands_at_the_output(tmp_path: Path) -> None:
    """Links stay links, modes stay, pipes and devices are written to."""
    source, target, link, pipe = (tmp_path / name for name in ("a.txt", "b.txt", "c.txt", "d.txt"))
    source.write_text("one two")
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    translate_file(source, link, shouting())
    assert link.is_symlink() and target.read_text() == "ONE TWO" and target.stat().st_mode & 0o777 == 0o600
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    translate_file(source, pipe, shouting())
    assert os.read(reader, 100) == b"ONE TWO" and pipe.is_fifo()
    os.close(reader)


def test_files_that_are_none(tmp_path: Path) -> None:
    for wrong in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(DocumentError, match="cannot be read"):
            translate_file(wrong, tmp_path / "out.txt", identity())
    (tmp_path / "a.docx").write_bytes(b"PK")
    with pytest.raises(DocumentError, match=r"a\.docx: not a zip"):
        translate_file(tmp_path / "a.docx", tmp_path / "b.docx", identity())
    for wrong in (5, None):
        with pytest.raises(OptionsError):
            translate_file(wrong, tmp_path / "b.txt", identity())  # type: ignore[arg-type]
        with pytest.raises(OptionsError, match="translator"):
            translate_file(tmp_path / "a.docx", tmp_path / "b.docx", wrong)  # type: ignore[arg-type]
