# ruff: noqa: E501  (files as they are)
"""Office files and books: formats follow their words, everything without text is the same byte for byte."""

from __future__ import annotations

import io
import zipfile

import pytest
from documents.fakes import identity, shouting

from dragoman.documents.translate import translate_bytes
from dragoman.documents.unit import Settings
from dragoman.errors import DocumentError

W = 'xmlns:w="urn:w" xmlns:r="urn:r" xmlns:wps="urn:wps"'
BODY = (
    "<w:p><w:pPr><w:jc/></w:pPr><w:r><w:rPr><w:lang/></w:rPr><w:t>Hel</w:t></w:r><w:proofErr/><w:r><w:t>lo </w:t></w:r>"
    "<w:r><w:rPr><w:b/></w:rPr><w:t>bold</w:t></w:r><w:r><w:t xml:space=\"preserve\"> and </w:t></w:r>"
    '<w:hyperlink r:id="r1"><w:r><w:rPr><w:u/></w:rPr><w:t>a link</w:t></w:r></w:hyperlink>'
    "<w:r><w:footnoteReference/></w:r><w:r><w:t> end here</w:t></w:r></w:p>"
    "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>cell</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    "<w:p><w:r><w:t>outer words</w:t></w:r><w:r><w:pict><w:txbxContent><w:p><w:r><w:t>inner</w:t></w:r></w:p>"
    "</w:txbxContent></w:pict></w:r></w:p>"
    "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:t>kept</w:t></w:r></w:p>"
    "<w:p><w:r><w:t>123</w:t></w:r></w:p>"
)
ODT = (
    '<office:t xmlns:office="o" xmlns:text="t"><text:h>Title</text:h><text:p>Some <text:span text:s="b">bold</text:span>'
    '<text:s/>words<text:note><text:note-body><text:p>a note</text:p></text:note-body></text:note>.</text:p></office:t>'
)
PAGE = '<?xml version="1.0"?><html xmlns="x"><head><title>Title</title></head><body><p>One <i>two</i><br/></p></body></html>'


def container(**parts: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            stored = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), text, compress_type=stored)
    return target.getvalue()


FILES = {
    "a.docx": container(**{"[Content_Types].xml": "<a/>", "word/document.xml": f"<w:document {W}>{BODY}</w:document>",
                           "word/media/x.png": "raw"}),
    "a.xlsx": container(**{"xl/workbook.xml": "<w/>", "xl/sharedStrings.xml":
                           "<sst><si><t>red wine</t></si><si><r><rPr><b/></rPr><t>big</t></r><r><t> sale</t></r></si>"
                           "<si><t>42</t></si><si><t>Head</t></si></sst>",
                           "xl/worksheets/sheet1.xml": '<s><c t="s"><f>A1</f><v>0</v></c></s>',
                           "xl/tables/table1.xml": '<table><tableColumn name="Head"/></table>'}),
    "a.pptx": container(**{"ppt/presentation.xml": "<p/>", "ppt/slides/slide1.xml":
                           '<p:s xmlns:a="a" xmlns:p="p"><a:p><a:r><a:rPr lang="en"/><a:t>Slide</a:t></a:r><a:br/>'
                           "<a:r><a:t>two</a:t></a:r><a:endParaRPr/></a:p></p:s>"}),
    "a.odt": container(mimetype="application/vnd.oasis.opendocument.text", **{"content.xml": ODT}),
    "a.epub": container(mimetype="application/epub+zip", **{
        "META-INF/container.xml": '<c><rootfiles><rootfile full-path="E/c.opf"/></rootfiles></c>',
        "E/c.opf": '<package><manifest><item href="a%20b.xhtml" media-type="application/xhtml+xml"/>'
                   '<item href="toc.ncx" media-type="application/x-dtbncx+xml"/></manifest></package>',
        "E/a b.xhtml": PAGE, "E/toc.ncx": "<ncx><navLabel><text>Start</text></navLabel></ncx>", "E/s.css": "p {}"}),
}  # fmt: skip


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


@pytest.mark.parametrize("name", FILES)
def test_an_identity_changes_no_byte(name: str) -> None:
    assert translate_bytes(FILES[name], name, identity().translate).data == FILES[name]


@pytest.mark.parametrize("name", FILES)
def test_parts_without_text_stay(name: str) -> None:
    before, after = parts(FILES[name]), parts(translate_bytes(FILES[name], name, shouting().translate).data)
    assert list(before) == list(after)
    changed = {part for part in before if before[part] != after[part]}
    expected = {"a.docx": {"word/document.xml"}, "a.xlsx": {"xl/sharedStrings.xml"}, "a.pptx": {"ppt/slides/slide1.xml"},
                "a.odt": {"content.xml"}, "a.epub": {"E/a b.xhtml", "E/toc.ncx"}}  # fmt: skip
    assert changed == expected[name]
    if "mimetype" in before:
        with zipfile.ZipFile(io.BytesIO(translate_bytes(FILES[name], name, shouting().translate).data)) as archive:
            assert archive.infolist()[0].filename == "mimetype"
            assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED


def test_formats_follow_their_words() -> None:
    document = parts(translate_bytes(FILES["a.docx"], "a.docx", shouting().translate).data)["word/document.xml"].decode()
    assert (
        '<w:p><w:pPr><w:jc/></w:pPr><w:r><w:t xml:space="preserve">HELLO </w:t></w:r>'
        "<w:r><w:rPr><w:b/></w:rPr><w:t>BOLD</w:t></w:r>"
        '<w:r><w:t xml:space="preserve"> AND </w:t></w:r><w:hyperlink r:id="r1"><w:r><w:rPr><w:u/></w:rPr>'
        "<w:t>A LINK</w:t></w:r></w:hyperlink><w:r><w:footnoteReference/></w:r>"
        '<w:r><w:t xml:space="preserve"> END HERE</w:t></w:r></w:p>'
    ) in document
    assert "<w:t>CELL</w:t>" in document
    assert "<w:t>OUTER WORDS</w:t></w:r><w:r><w:pict><w:txbxContent><w:p><w:r><w:t>INNER</w:t>" in document
    assert "<w:delText>gone</w:delText>" in document and "<w:t>KEPT</w:t>" in document and "<w:t>123</w:t>" in document


def test_sheets_slides_notes_and_pages() -> None:
    strings = parts(translate_bytes(FILES["a.xlsx"], "a.xlsx", shouting().translate).data)["xl/sharedStrings.xml"].decode()
    assert strings == (
        "<sst><si><t>RED WINE</t></si><si><r><rPr><b/></rPr><t>BIG</t></r><r><t xml:space=\"preserve\"> SALE</t></r></si>"
        "<si><t>42</t></si><si><t>Head</t></si></sst>"
    )
    slide = parts(translate_bytes(FILES["a.pptx"], "a.pptx", shouting().translate).data)["ppt/slides/slide1.xml"].decode()
    assert "<a:t>SLIDE</a:t></a:r><a:br/><a:r>" in slide and slide.endswith("<a:endParaRPr/></a:p></p:s>")
    text = parts(translate_bytes(FILES["a.odt"], "a.odt", shouting().translate).data)["content.xml"].decode()
    assert text == ODT.replace("Title", "TITLE").replace("Some", "SOME").replace("bold<", "BOLD<").replace(
        "words", "WORDS").replace("a note", "A NOTE")  # fmt: skip
    page = parts(translate_bytes(FILES["a.epub"], "a.epub", shouting().translate).data)["E/a b.xhtml"].decode()
    assert page == PAGE.replace("Title", "TITLE").replace("One", "ONE").replace("two", "TWO")


def test_bombs_and_other_files() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"a" * (40 << 20))
    with pytest.raises(DocumentError, match="would take"):
        translate_bytes(target.getvalue(), "a.docx", identity().translate)
    with pytest.raises(DocumentError, match="another kind"):
        translate_bytes(FILES["a.odt"], "a.docx", identity().translate)
    evil = container(**{"xl/workbook.xml": "<w/>", "../../evil": "x", "xl/sharedStrings.xml": "<sst><si><t>a b</t></si></sst>"})
    assert "../../evil" in parts(translate_bytes(evil, "a.xlsx", shouting().translate, settings=Settings()).data)
