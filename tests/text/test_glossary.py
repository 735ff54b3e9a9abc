"""Glossaries are read from every form, checked, and their terms found as people write them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman import Glossary, OptionsError, TextFormatError
from dragoman.text.codes import Span
from dragoman.text.inflection import forms

TBX_V2 = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE martif SYSTEM "TBXcoreStructV02.dtd">
<martif type="TBX" xml:lang="en"><text><body>
<termEntry id="1">
 <langSet xml:lang="en"><tig><term>hard disk</term></tig></langSet>
 <langSet xml:lang="de">
  <ntig><termGrp><term>Platte</term>
   <termNote type="administrativeStatus">deprecatedTerm-admn-sts</termNote></termGrp></ntig>
  <tig><term>Festplatte</term><termNote type="administrativeStatus">preferredTerm-admn-sts</termNote></tig>
 </langSet>
</termEntry>
<termEntry><langSet xml:lang="en"><tig>
 <term>Dragoman</term><termNote type="translationNote">no</termNote></tig></langSet></termEntry>
</body></text></martif>"""
TBX_V3 = """<tbx type="TBX-Basic" style="dca" xml:lang="en" xmlns="urn:iso:std:iso:30042:ed-2"><text><body>
<conceptEntry id="c1"><langSec xml:lang="en"><termSec><term>mouse</term></termSec></langSec>
<langSec xml:lang="fr-CA"><termSec><term>souris</term></termSec></langSec></conceptEntry></body></text></tbx>"""


def found(glossary: Glossary, text: str, source: str = "en", target: str = "de") -> list[tuple[str, str]]:
    return [(text[one.span.start : one.span.stop], one.target) for one in glossary.finder(source, target).find(text)]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_tsv_and_csv(tmp_path: Path) -> None:
    tsv = Glossary.load(
        write(tmp_path, "a.tsv", "\ufeffsource\ttarget\r\n\r\n Haus \t house \r\nBank\tbank, bench\r\n")
    )
    assert [(one.source, one.target) for one in tsv.terms] == [("Haus", "house"), ("Bank", "bank, bench")]
    csv = Glossary.load(write(tmp_path, "a.csv", 'Haus,"house, home"\nTür,door,DE,en-gb\n'), source="de")
    assert [(one.target, one.source_language, one.target_language) for one in csv.terms] == [
        ("house, home", "de", ""),
        ("door", "de", "en-GB"),
    ]
    assert found(csv, "Haus und Tür", "de-AT", "en-US") == [("Haus", "house, home"), ("Tür", "door")]
    assert found(csv, "Haus und Tür", "de", "fr") == [("Haus", "house, home")]


def test_tbx(tmp_path: Path) -> None:
    glossary = Glossary.load(write(tmp_path, "a.tbx", TBX_V2))
    assert found(glossary, "Dragoman reads hard disks") == [("Dragoman", "Dragoman"), ("hard disks", "Festplatte")]
    assert glossary.finder("en", "de").forbidden == {"hard disk": ("Platte",)}
    assert found(glossary, "Die Festplatte und die Platte", "de", "en") == [
        ("Festplatte", "hard disk"),
        ("Platte", "hard disk"),
    ]
    other = Glossary.load(write(tmp_path, "b.xml", TBX_V3))
    assert found(other, "two mouses", "en", "fr") == [("mouses", "souris")]
    assert found(other, "two mouses", "en", "de") == []


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("a.tsv", "", "no terms"),
        ("a.tsv", "a\tb\nc\n", "line 2: 1 columns"),
        ("a.tsv", "a\tb\tc\n", "line 1: 3 columns"),
        ("a.tsv", "a\tb\n\na\tc\n", "line 3: 'a' is translated in another way in line 1"),
        ("a.tsv", "a\t\n", "line 1: the target is empty"),
        ("a.tsv", "a\x07\tb\n", "line 1: the source holds a control"),
        ("a.tsv", f"{'ä' * 513}\tb\n", "more than 1024 bytes"),
        ("a.csv", 'a,"b\n', "not CSV"),
        ("a.csv", "a,b,xx yy,de\n", "line 1: language"),
        ("a.tbx", "<tbx><body>", "line 1: not well-formed"),
        ("a.tbx", "<html/>", "line 1: not TBX"),
        ("a.tbx", '<!DOCTYPE tbx [<!ENTITY a "b">]><tbx>&a;</tbx>', "entity 'a' is declared"),
        ("a.tbx", "<tbx>" * 300, "nested more than 200"),
        ("a.tbx", f"<tbx><term>{'a' * (1 << 20)}b</term></tbx>", "more than 1048576 characters"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, text: str, named: str) -> None:
    with pytest.raises(TextFormatError, match=named):
        Glossary.load(write(tmp_path, name, text))


def test_other_errors(tmp_path: Path) -> None:
    with pytest.raises(TextFormatError, match="no such file"):
        Glossary.load(tmp_path / "none.tsv")
    (tmp_path / "latin.tsv").write_bytes("ä\tb\n".encode("latin-1"))
    with pytest.raises(TextFormatError, match="byte 0"):
        Glossary.load(tmp_path / "latin.tsv")
    with pytest.raises(OptionsError, match="source"):
        Glossary.load(tmp_path / "latin.tsv", source="no language")
    for pairs in ([("a",)], ["ab"], [("a", "")], [("a", "b"), ("a", "c")], [("a", 5)]):
        with pytest.raises(OptionsError, match="glossary"):
            Glossary.from_pairs(pairs)  # type: ignore[arg-type]


GLOSSARY = Glossary.from_pairs(
    [
        ("database", "Datenbank"),
        ("bank account", "Bankkonto"),
        ("bank", "Bank"),
        ("Apple", "Apple"),
        ("apple", "Apfel"),
        ("US", "USA"),
        ("city", "Stadt"),
        ("C++", "C++"),
        ("数据库", "Datenbank"),
    ]
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Databases hold bank accounts.", [("Databases", "Datenbank"), ("bank accounts", "Bankkonto")]),
        ("THE DATABASE OF APPLE", [("DATABASE", "DATENBANK"), ("APPLE", "APPLE")]),
        ("Apple sells apples", [("Apple", "Apple"), ("apples", "Apfel")]),
        ("us and US, focus", [("US", "USA")]),
        ("bank\u00a0account, bank\naccount", [("bank\u00a0account", "Bankkonto"), ("bank\naccount", "Bankkonto")]),
        ("data\u00adbase, cities and a city-state", [("data\u00adbase", "Datenbank"), ("cities", "Stadt")]),
        ("banker, embankment, Bank-holiday", []),
        ("C++ or C", [("C++", "C++")]),
        ("我的数据库很大", [("数据库", "Datenbank")]),
        ("the bank's account", [("bank", "Bank")]),
        ("", []),
    ],
)
def test_finding(text: str, terms: list[tuple[str, str]]) -> None:
    assert found(GLOSSARY, text) == terms


def test_taken_spans() -> None:
    text = "bank account at bank.de or bank"
    finder = GLOSSARY.finder()
    assert [one.span for one in finder.find(text, [Span(16, 23)])] == [(0, 12), (27, 31)]
    assert [one.span for one in finder.find(text, [Span(5, 12), Span(16, 23)])] == [(0, 4), (27, 31)]


def test_inflections() -> None:
    assert "katze" in forms("katzen", "de") and "libro" in forms("libri", "it") and "kniha" in forms("knihou", "cs")
    assert forms("news", "en") == ("news",) and "plan" not in forms("planes", "en")
    assert forms("talo", "fi") == ("talo",)


def test_equal_and_pickled() -> None:
    again = pickle.loads(pickle.dumps(GLOSSARY))
    assert again == GLOSSARY and again.fingerprint == GLOSSARY.fingerprint and len(again) == 9
    assert Glossary.from_pairs([("a", "b")]).fingerprint != Glossary.from_pairs([("a", "c")]).fingerprint


@given(
    st.lists(st.tuples(st.text("abAB +ä中-'", min_size=1, max_size=6), st.just("x")), max_size=8),
    st.text("abABs +ä中-'"),
)
def test_matches_in_any_text(pairs: list[tuple[str, str]], text: str) -> None:
    try:
        finder = Glossary.from_pairs(dict((one.strip(), other) for one, other in pairs).items()).finder("de", "en")
    except OptionsError:
        return
    edges = [edge for one in finder.find(text) for edge in one.span]
    assert edges == sorted(edges) and all(0 <= edge <= len(text) for edge in edges)
    for source, _ in pairs:
        if source.strip():
            words = {"".join(one.term.source.split()).lower() for one in finder.find(source)}
            assert "".join(source.split()).lower() in words, "a term is found in itself"
