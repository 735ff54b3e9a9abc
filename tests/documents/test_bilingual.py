"""Sentences and translations side by side."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dragoman import translate_file
from dragoman.errors import OptionsError


class Sentences:
    """Answers as `Translator.translate` does, in capitals."""

    def translate(self, texts: list[str], options: Any = None, **settings: Any) -> list[Any]:
        def one(text: str) -> Any:
            sentences = [SimpleNamespace(source=part, target=part.upper()) for part in text.split("\n") if part]
            return SimpleNamespace(text=text.upper(), sentences=sentences, warnings=())

        return [one(text) for text in texts]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text("One & two.\nThree\tfour.\nOne & two.\n")
    return path


def written(source: Path, name: str) -> str:
    output = source.parent / name
    translate_file(source, output, Sentences(), source="en", target="de", bilingual=True)
    return output.read_text("utf-8")


def test_a_table(source: Path) -> None:
    assert written(source, "x.tsv") == "One & two.\tONE & TWO.\nThree four.\tTHREE FOUR.\n"


def test_a_page_and_a_memory(source: Path) -> None:
    assert '<td lang="en">One &amp; two.</td><td lang="de">ONE &amp; TWO.</td>' in written(source, "x.html")
    memory = written(source, "x.tmx")
    assert memory.count("<tu>") == 2
    assert '<tuv xml:lang="de"><seg>ONE &amp; TWO.</seg></tuv>' in memory


def test_other_names_are_refused_before_the_work(source: Path) -> None:
    with pytest.raises(OptionsError, match=r"html or \.tmx"):
        written(source, "x.docx")
