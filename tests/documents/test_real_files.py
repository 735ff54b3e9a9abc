# ruff: noqa: E501  (files as they are)
"""What files in the wild do that their formats do not say."""

from __future__ import annotations

import io
import zipfile

import pytest
from documents.fakes import identity, shouting
from documents.test_containers import BODY, FILES, PAGE, W, container, parts

from dragoman.documents.translate import translate_bytes
from dragoman.documents.unit import Settings
from dragoman.errors import DocumentError


def test_a_timing_ends_a_cue_though_no_blank_line_does() -> None:
    cues = "WEBVTT\n\n00:01.000 --> 00:02.000\nOne.\n00:02.000 --> 00:03.000\nTwo.\n"
    expected = cues.replace("One", "ONE").replace("Two", "TWO")
    assert translate_bytes(cues.encode(), "x.vtt", shouting().translate).data.decode() == expected
    numbered = "1\n00:00:01,000 --> 00:00:02,000\nOne.\n2\n00:00:02,000 --> 00:00:03,000\nTwo\n3\n"
    expected = numbered.replace("One", "ONE").replace("Two", "TWO")
    assert translate_bytes(numbered.encode(), "x.srt", shouting().translate).data.decode() == expected


def test_catalogues_say_their_encoding() -> None:
    source = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=ISO-8859-15\\n"\n\nmsgid "café"\nmsgstr ""\n'
    found = translate_bytes(source.encode("iso8859-15"), "x.po", shouting().translate).data
    assert 'msgstr "CAFÉ"' in found.decode("iso8859-15")


@pytest.mark.parametrize(("label", "encoding"), [("Shift_JIS", "cp932"), ("gb2312", "gb18030"), ("euc-kr", "cp949")])
def test_labels_mean_what_browsers_take_them_for(label: str, encoding: str) -> None:
    letters = {"cp932": "①", "gb18030": "朱镕基", "cp949": "뷁"}[encoding]
    page = f'<?xml version="1.0" encoding="{label}"?><a>word {letters}</a>'.encode(encoding)
    assert translate_bytes(page, "x.xml", identity().translate).data == page


def test_fonts_of_books_may_be_encrypted_and_pages_not() -> None:
    def book(encrypted: str) -> bytes:
        given = parts(FILES["a.epub"])
        scheme = f'<e><EncryptedData><CipherReference URI="{encrypted}"/></EncryptedData></e>'
        return container(**{name: data.decode() for name, data in given.items()}, **{"META-INF/encryption.xml": scheme})

    found = parts(translate_bytes(book("E/font.ttf"), "a.epub", shouting().translate).data)
    assert found["E/a b.xhtml"].decode() != PAGE
    with pytest.raises(DocumentError, match="encrypted"):
        translate_bytes(book("E/a%20b.xhtml"), "a.epub", shouting().translate)


def test_a_document_lies_where_its_package_says() -> None:
    rels = '<Relationships><Relationship Type="http://x/officeDocument" Target="/word/document2.xml"/></Relationships>'
    word = container(**{"_rels/.rels": rels, "word/document2.xml": f"<w:document {W}>{BODY}</w:document>"})
    assert b"BOLD" in parts(translate_bytes(word, "a.docx", shouting().translate).data)["word/document2.xml"]


def test_parts_of_one_name_are_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("word/document.xml", "<a/>")
        archive.writestr("word/document.xml", "<b/>")
    with pytest.raises(DocumentError, match="twice"):
        translate_bytes(target.getvalue(), "a.docx", identity().translate)


DEEP = 100_000


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.xlf", "<xliff><file><trans-unit><source>x" + "<g>" * DEEP + "</g>" * DEEP + "</source></trans-unit></file></xliff>"),
        ("x.tmx", "<tmx>" + "<tu>" * DEEP + "</tu>" * DEEP + "</tmx>"),
        ("strings.xml", "<resources><string>a" + "<b>" * DEEP + "</b>" * DEEP + "</string></resources>"),
        ("x.yaml", "[" * DEEP + "]" * DEEP),
        ("x.yaml", "- " * DEEP + "a"),
        ("x.json", "[" * DEEP + "]" * DEEP),
    ],
)  # fmt: skip
def test_deep_nesting_is_refused(name: str, data: str) -> None:
    with pytest.raises(DocumentError, match="nested"):
        translate_bytes(data.encode(), name, identity().translate, settings=Settings(target="de"))


@pytest.mark.parametrize(
    ("name", "mark", "data"),
    [
        ("x.xlf", "<ph>a</ph>", "<xliff><trans-unit><source>x" + "<ph>a</ph>" * DEEP + "</source></trans-unit></xliff>"),
        ("strings.xml", "<b/>", "<resources><string>a" + "<b/>" * DEEP + "</string></resources>"),
        ("x.srt", "<i>", "1\n00:00:01,000 --> 00:00:02,000\nx " + "<i>" * DEEP + "\n"),
        ("x.srt", "{\\", "1\n00:00:01,000 --> 00:00:02,000\nx " + "{\\\\" * DEEP + "\n"),
    ],
)
def test_many_marks_take_no_longer_each(name: str, mark: str, data: str) -> None:
    """Quadratic readers of these took minutes."""
    found = translate_bytes(data.encode(), name, shouting().translate, settings=Settings(target="de")).data.decode()
    assert found != data
    assert found.count(mark) >= DEEP
