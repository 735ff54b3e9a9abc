"""dragoman translate on real models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_tools import read_lines, run, start

from dragoman.catalogue import bundled as demo
from dragoman.errors import ModelNotFoundError

ODD = [
    b"A man.",
    b"",
    b"   ",
    b"A \xff\xfe man.\r",
    b"A\0man.",
    "A man.\u2028A woman.\x85A dog.".encode(),
    "\u05d0\u05d9\u05e9 \u0631\u062c\u0644".encode(),
    "\U0001f600 \u4eba".encode(),
    b"\xed\xa0\x80",
    b"A man.",
]


@pytest.fixture(scope="module")
def ende(shared: Path) -> Path:
    return shared / "models" / "ende-tiny-ssru"


def test_text_and_standard_input_and_files(ende: Path, tmp_path: Path) -> None:
    expected = read_lines(ende / "ref" / "f32.beam1.200.de", 12)
    config, source = ende / "decoder.yml", read_lines(ende / "ref" / "test200.en", 12)
    assert run("translate", "--model", config, source[0]).lines == expected[:1]
    assert run("translate", "--model", config, "\n".join(source[:2])).lines == expected[:2]
    assert run("translate", "--model", config, text="\n".join(source)).lines == expected
    (tmp_path / "in").write_text("\n".join(source) + "\n", encoding="utf-8")
    ran = run("translate", "--model", config, "--input", tmp_path / "in", "--output", tmp_path / "out")
    assert (ran.code, ran.output, ran.said) == (0, b"", "")
    assert read_lines(tmp_path / "out") == expected


def test_every_line_is_answered_in_its_place(ende: Path) -> None:
    ran = run("translate", "--model", ende, text=b"\n".join(ODD) + b"\n")
    assert ran.code == 0 and len(ran.lines) == len(ODD)
    assert ran.lines[0] == ran.lines[-1] != ""
    assert ran.lines[1:3] == [line.decode() for line in ODD[1:3]], "without letters they are copied"


def test_threads_change_nothing(ende: Path) -> None:
    source = "\n".join(read_lines(ende / "ref" / "test200.en", 100))
    one, three = (run("translate", "--model", ende, "--threads", n, text=source).output for n in ("1", "3"))
    assert one == three


def test_lists_and_alignments_are_fields_between_tabs(ende: Path) -> None:
    ran = run("translate", "--model", ende, "--n-best", "3", "--alignment", "hard", text="A man.\n\nA dog.\n")
    fields = [line.split("\t") for line in ran.lines]
    assert [line[:2] for line in fields[:3]] == [["1", "1"], ["1", "2"], ["1", "3"]]
    assert fields[3] == ["2", "1", "0", "", ""]
    assert [line[:2] for line in fields[4:]] == [["3", "1"], ["3", "2"], ["3", "3"]]
    assert all(float(line[2]) <= 0 for line in fields)
    (aligned,) = run("translate", "--model", ende, "--alignment", "soft", text="A man.\n").lines
    text, weights = aligned.split("\t")
    assert text == fields[0][3]
    assert all(abs(sum(map(float, row.split(","))) - 1) < 1e-4 for row in weights.split(" "))


def test_shortlist_and_precision_are_chosen(ende: Path, tmp_path: Path) -> None:
    source = "\n".join(read_lines(ende / "ref" / "test200.en", 40))
    lists = str(ende / "lex.50.50.s2t.bin")
    found = {
        (precision, shortlist): run(
            "translate", "--model", ende, "--precision", precision, "--shortlist", shortlist, text=source
        ).lines
        for precision in ("int8", "float32")
        for shortlist in ("none", lists)
    }
    for precision, name in (("float32", "f32.beam1.1000.de"), ("int8", "int8.beam1.1000.de")):
        expected = read_lines(ende / "ref" / name, 40)
        same = sum(a == b for a, b in zip(found[precision, "none"], expected, strict=True))
        assert same >= (40 if precision == "float32" else 36)
        assert found[precision, lists] != found[precision, "none"]
    assert run("translate", "--model", ende, "--shortlist", tmp_path / "no", "text").code == 1


def test_answers_come_while_the_input_pauses(ende: Path) -> None:
    process = start("translate", "--model", ende)
    assert process.stdin is not None and process.stdout is not None
    for text in (b"A man.\n", b"A dog.\nA cat.\n", b"\n"):
        process.stdin.write(text)
        process.stdin.flush()
        answers = [process.stdout.readline() for _ in range(text.count(b"\n"))]  # would hang if it waited
        assert all(answer.endswith(b"\n") for answer in answers)
    output, said = process.communicate(timeout=20)
    assert (process.returncode, output, said) == (0, b"", b"")


@pytest.mark.parametrize(("source", "target"), demo.language_pairs())
def test_the_models_that_come_along(source: str, target: str) -> None:
    greetings = {"de": "Guten Morgen!", "en": "Good morning!", "fr": "Bonjour !"}
    try:
        demo.find_route(source, target)
    except ModelNotFoundError as error:
        pytest.skip(str(error))
    (line,) = run("translate", "--from", source, "--to", target, greetings[source]).lines
    assert line and line != greetings[source]


def test_two_languages_through_english(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, model in (("deen", "deen-tiny-ssru"), ("enfr", "enfr-selfattn")):
        os.symlink(shared / "models" / model, tmp_path / name)
    monkeypatch.setattr(demo, "_FOLDER", tmp_path)
    source = "\n".join(read_lines(shared / "data" / "test_2016_flickr.de", 5)) + "\n\n"
    english = run("translate", "--from", "de", "--to", "en", text=source).output
    french = run("translate", "--from", "en", "--to", "fr", text=english).output
    assert run("translate", "--from", "DE", "--to", "fr", text=source).output == french != english
    best = run("translate", "--from", "de", "--to", "fr", "--n-best", "2", text=source).lines
    assert len(best) == 5 * 2 + 1
    aligned = run("translate", "--from", "de", "--to", "fr", "--alignment", "hard", text=source)
    assert aligned.code == 0 and all("\t" in line for line in aligned.lines), "composed through English"
    assert run("translate", "--from", "de", "--to", "fr", "--shortlist", "lex.bin", text=source).code == 2
    missing = run("translate", "--from", "fr", "--to", "en", text=source)
    assert missing.code == 1 and "dragoman models pull fr-en" in missing.said
