"""The held out inputs are held out: no line written for training says the same."""

from __future__ import annotations

from pathlib import Path

import everyday
import pytest

_ARTICLES = ("the", "a", "an", "der", "die", "das", "ein", "eine", "le", "la", "un", "une")
LISTS = Path(__file__).parents[2] / "demo" / "lists"


@pytest.mark.parametrize("name", ["phrases.tsv", "nouns.tsv", "words.tsv", "templates.tsv"])
def test_held_out_inputs_are_in_no_list(name: str) -> None:
    rows = (LISTS / name).read_text(encoding="utf-8").splitlines()
    columns = zip(*(row.split("\t") for row in rows if not row.startswith("#")), strict=True)
    for language, cells in zip(everyday.LANGUAGES, columns, strict=True):
        written = {_plain(version) for cell in cells for version in cell.split(" | ")}
        held = {_plain(one.source(language)) for one in everyday.read() if one.held}
        assert len(written) > 50 and not held & written


def _plain(text: str) -> str:
    words = text.lower().rstrip(" .!?").split()
    return " ".join(words[1:] if words and words[0] in _ARTICLES else words)
