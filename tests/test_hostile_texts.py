"""Whatever stands in a line, it gets a translation or an error of its own, and all other lines are unharmed.

With the demo models, so that it runs wherever the package does.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import dragoman
from dragoman.catalogue.bundled import find_route

SOUND = ["How are you today?", "The train leaves at eight.", "I like green apples."]
HOSTILE = {
    "empty": "",
    "spaces": " \t  ",
    "NUL": "one\0two\0\0",
    "lone surrogates": "a \ud800 b \udfff",
    "surrogate pair": "a \ud83d\ude00 b",
    "unknown characters": "\u4e00\u0e01\u0915 \U0001f600 \uffff",
    "line ends": "one\r\ntwo\rthree\x0bfour\u2028five",
    "right to left": "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u202eabc\u202c",
    "combining": "e" + "\u0301" * 500,
    "controls": "".join(map(chr, range(1, 32))),
    "ten thousand words": "word, " * 10_000,
    "one long word": "z" * 20_000,
}


@pytest.fixture(scope="module")
def translator() -> dragoman.Translator:
    return dragoman.Translator(dragoman.load(*find_route("en", "de")), threads=2)


def test_all_lines_at_once(translator: dragoman.Translator) -> None:
    expected = [translator.translate(line, split="none").text for line in SOUND]
    lines = [line for hostile in HOSTILE.values() for line in (SOUND[0], hostile, *SOUND[1:])]
    found = translator.translate(lines, split="none")
    for number, name in enumerate(HOSTILE):
        first, hostile, *rest = found[4 * number : 4 * number + 4]
        assert [first.text, *(one.text for one in rest)] == expected, name
        hostile.text.encode("utf-8")
        assert "\n" not in hostile.text


@pytest.mark.parametrize("name", HOSTILE)
def test_each_line_alone_is_what_it_is_among_others(translator: dragoman.Translator, name: str) -> None:
    alone = translator.translate(HOSTILE[name])
    among = translator.translate([SOUND[0], HOSTILE[name], SOUND[1]])[1]
    assert (alone.text, alone.score) == (among.text, among.score)


def test_long_lines_are_whole(translator: dragoman.Translator) -> None:
    """Every part of a long line is translated, in order."""
    sentence = "My brother lives in a small house near the river."
    alone = translator.translate(sentence)
    length = len(alone.source_tokens) + 1
    found = translator.translate(" ".join([sentence] * 300), split="none", max_length=length).text
    assert found == " ".join([alone.text] * 300)


@pytest.mark.slow
def test_a_line_of_a_million_characters(translator: dragoman.Translator) -> None:
    found = translator.translate(["a" * 1_000_000, "word " * 200_000, *SOUND])
    assert [one.text for one in found[2:]] == [translator.translate(line).text for line in SOUND]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """Invalid UTF-8 through the command line: as many lines out as in."""
    source = tmp_path / "in.txt"
    lines = [b"How are you today?", b"\xff\xfe\x00 caf\xe9", b"", b"\xed\xa0\x80", b"The train leaves at eight.\r"]
    source.write_bytes(b"\n".join(lines))
    command = [sys.executable, "-c", "from dragoman.cli.main import main; main()"]
    done = subprocess.run(
        [*command, "translate", "--from", "en", "--to", "de", "--input", str(source)], capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = done.stdout.decode("utf-8").split("\n")
    assert len(found) == 6 and found[-1] == "" and found[2] == ""
    assert found[4] == dragoman.Translator(dragoman.load(*find_route("en", "de"))).translate(SOUND[1]).text
