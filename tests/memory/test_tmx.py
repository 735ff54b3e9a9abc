"""Translation memories in and out as TMX."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman import OptionsError, TextFormatError
from dragoman.memory.tmx import TmxUnit, read_tmx, write_tmx

FILE = """<?xml version="1.0"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en"/><body>
<tu><prop type="x">y</prop><tuv xml:lang="en-US">
 <seg>Click <bpt i="1">&lt;b></bpt>here<ept i="1">&lt;/b></ept> <hi>now</hi></seg></tuv>
 <tuv xml:lang="DE"><seg>Hier klicken</seg></tuv><tuv xml:lang="fr"><seg>Cliquez</seg></tuv></tu>
<tu><tuv lang="en"><seg>only English</seg></tuv></tu>
<tu><tuv xml:lang="en-GB"><seg>colour</seg></tuv><tuv xml:lang="en-US"><seg>color</seg></tuv>
 <tuv xml:lang="de"><seg>Farbe</seg></tuv></tu>
</body></tmx>"""


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.tmx"
    path.write_text(FILE)
    assert list(read_tmx(path, "en", "German")) == [("Click here now", "Hier klicken"), ("colour", "Farbe")]
    assert list(read_tmx(path, "en_US", "de"))[1] == ("color", "Farbe")
    assert list(read_tmx(path, "fr", "en")) == [("Cliquez", "Click here now")]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "not well-formed"),
        ("<html/>", "root is 'html'"),
        ("<tmx><body><tu>", "not well-formed"),
        ('<!DOCTYPE tmx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><tmx>&b;</tmx>', "entity"),
        ("<tmx>" + "<x>" * 300, "nested"),
    ],
)
def test_damaged(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "a.tmx"
    path.write_text(text)
    with pytest.raises(TextFormatError, match=named):
        list(read_tmx(path, "en", "de"))
    with pytest.raises(TextFormatError, match="cannot be read"):
        list(read_tmx(tmp_path / "none", "en", "de"))
    with pytest.raises(OptionsError):
        read_tmx(path, "no language", "de")


def test_no_other_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    path = tmp_path / "a.tmx"
    path.write_text(f'<!DOCTYPE tmx [<!ENTITY a SYSTEM "file://{tmp_path}/secret">]><tmx>&a;</tmx>')
    with pytest.raises(TextFormatError, match="entity"):
        list(read_tmx(path, "en", "de"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=4))
def test_there_and_back(tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    path = tmp_path / "b.tmx"
    units = [TmxUnit(*pair) for pair in pairs]
    assert write_tmx(path, units, "en", "pt_br") == len(units)
    kept = [TmxUnit(*map(_in_xml, unit)) for unit in units]
    assert list(read_tmx(path, "en", "pt-BR")) == [unit for unit in kept if unit.source.strip() and unit.target.strip()]


def _in_xml(text: str) -> str:
    return "".join(one for one in text if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff"))


@pytest.mark.skipif(shutil.which("xmllint") is None, reason="no xmllint")
def test_well_formed(tmp_path: Path) -> None:
    path = tmp_path / "c.tmx"
    write_tmx(path, [TmxUnit("a < b & c\x00", '"d" > e\r\n')], "en", "de")
    subprocess.run(["xmllint", "--noout", str(path)], check=True)
