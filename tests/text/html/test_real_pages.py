"""Pages that nobody here wrote, whole and damaged: no crash, no lost tag, no lost byte, nothing torn apart.

From the folder that DRAGOMAN_PAGES names, else from Debian's documentation of what happens to be installed.
"""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from text.fakes import backwards, identity, is_well_formed, marks_of, shuffled, translate
from text.html.test_page import broken, well_formed

from dragoman.text.html.page import read_html

FOLDER = Path(os.environ.get("DRAGOMAN_PAGES", "/usr/share/doc"))
PAGES, MUTATED, GENERATED = 2_000, 2_000, 5_000
LONGEST = 400_000
DAMAGE = ["<", "</b>", ">", "<b>", '"', "'", "<!--", "-->", "<p translate=no>", "&", "</p>", "<a href='", "]]>",
          "</div>", "<i>", "\0", "<code>", "<![CDATA[", "</"]  # fmt: skip


def pages(count: int) -> Iterator[tuple[Path, str]]:
    files = sorted(path for path in FOLDER.rglob("*.htm*") if path.is_file())
    random.Random(0).shuffle(files)
    for path in files:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = data.decode("utf-8", "replace")
        if len(text) <= LONGEST:
            yield path, text
            count -= 1
        if not count:
            return


def damaged(text: str, chance: random.Random) -> str:
    for _ in range(chance.randrange(1, 30)):
        place, other = chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text = text[:place] + text[place + chance.randrange(1, 40) :]
            case 1:
                text = text[:place] + chance.choice(DAMAGE) + text[place:]
            case 2:
                text = text[:place] + text[other : other + 40] + text[place:]
            case 3:
                text = text[:place] + text[place + 1 :][:40][::-1] + text[place + 41 :]
    return text


def check(source: str) -> None:
    page = read_html(source)
    assert identity(page) == source
    for fake in (backwards, shuffled):
        out = translate(page, fake, texts_only=True).text
        assert marks_of(out) == marks_of(source)
        assert is_well_formed(out) or not is_well_formed(source)


@pytest.mark.slow
def test_real_pages() -> None:
    for path, text in pages(PAGES):
        try:
            check(text)
        except Exception as error:
            raise AssertionError(path) from error


@pytest.mark.slow
def test_damaged_pages() -> None:
    for path, text in pages(MUTATED):
        for line in ("\n", "\r\n"):
            try:
                check(damaged(text.replace("\n", line), random.Random(str(path))))
            except Exception as error:
                raise AssertionError(path, line) from error


@pytest.mark.slow
@given(source=well_formed() | broken)
@settings(max_examples=GENERATED, deadline=None)
def test_generated_pages(source: str) -> None:
    check(source)
