"""dragoman translate: what is a text and what a file, and where results go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_tools import run

PAIR = ("--from", "en", "--to", "de")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a.txt").write_bytes(b"Two dogs play. A man sleeps.\r\n\r\nA dog")
    (tmp_path / "in" / "sub" / "b.html").write_text("<p>Two <b>dogs</b> play.</p>")
    (tmp_path / "in" / "c.json").write_text('{"a": "Two dogs play.", "n": 3}')
    (tmp_path / "in" / "ignored.bin").write_bytes(b"A dog.")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_text(folder: Path) -> None:
    ran = run("translate", *PAIR, "Two dogs play. A man sleeps.")
    assert (ran.code, ran.lines) == (0, ["Zwei Hunde spielen. Ein Mann schl\u00e4ft."])
    assert run("translate", *PAIR, "Two dogs.txt play").code == 0


def test_one_file(folder: Path) -> None:
    ran = run("translate", *PAIR, "in/a.txt")
    assert ran.code == 0
    assert ran.output.startswith("Zwei Hunde spielen. Ein Mann schl\u00e4ft.\r\n\r\n".encode())
    assert not ran.output.endswith(b"\n")
    assert run("translate", *PAIR, "in/a.txt", "--output", "new/deep/a.txt").code == 0
    assert (folder / "new" / "deep" / "a.txt").read_bytes() == ran.output


def test_a_memory(folder: Path) -> None:
    """A file that is made and then answers; or what people said, in a TMX file."""
    first = run("translate", *PAIR, "in/a.txt", "--memory", "new/memory.sqlite")
    assert first.code == 0 and Path("new/memory.sqlite").is_file()
    assert run("translate", *PAIR, "in/a.txt", "--memory", "new/memory.sqlite").output == first.output
    said = "<tu><tuv xml:lang='en'><seg>A man sleeps.</seg></tuv><tuv xml:lang='de'><seg>Schlaf!</seg></tuv></tu>"
    Path("ours.tmx").write_text(f"<tmx version='1.4'><body>{said}</body></tmx>")
    ran = run("translate", *PAIR, "Two dogs play. A man sleeps.", "--memory", "ours.tmx")
    assert ran.lines == ["Zwei Hunde spielen. Schlaf!"]
    assert run("translate", *PAIR, "A dog.", "--memory", "in/c.json").code == 1


def test_a_folder(folder: Path) -> None:
    ran = run("translate", *PAIR, "in", "--output", "out")
    assert ran.code == 0
    written = {str(path.relative_to("out")) for path in Path("out").rglob("*") if path.is_file()}
    assert written == {"a.txt", "c.json", "sub/b.html"}
    assert Path("out/sub/b.html").read_text() == "<p>Zwei <b>Hunde</b> spielen.</p>"
    assert json.loads(Path("out/c.json").read_text()) == {"a": "Zwei Hunde spielen.", "n": 3}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("in/a.txt", "in/c.json"), 2, "--output"),
        (("in",), 2, "--output"),
        (("in/a.txt", "--output", "in/a.txt"), 2, "input"),
        (("in/a.txt", "in/c.json", "--output", "in"), 2, "input"),
        (("in/a.txt", "absent.txt", "--output", "out"), 1, "absent.txt"),
        (("absent.txt",), 1, "absent.txt"),
        (("in/a.txt", "copy/a.txt", "--output", "out"), 1, "a.txt"),
        (("book.docx",), 2, "--output"),
        (("in/a.txt", "--n-best", "2"), 2, "--n-best"),
    ],
)
def test_wrong_usage_writes_nothing(folder: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    (folder / "copy").mkdir()
    (folder / "copy" / "a.txt").write_text("A dog.")
    (folder / "book.docx").write_bytes(b"PK")
    before = (folder / "in" / "a.txt").read_bytes()
    ran = run("translate", *PAIR, *arguments)
    assert ran.code == code
    assert said in ran.said
    assert not (folder / "out").exists() and ran.output == b""
    assert (folder / "in" / "a.txt").read_bytes() == before


def test_what_fails_does_not_stop_the_others(folder: Path) -> None:
    (folder / "bad.txt").write_bytes(b"A man.\nA \xff dog.")
    ran = run("translate", *PAIR, "bad.txt", "in/c.json", "--output", "out")
    assert ran.code == 1
    assert "bad.txt" in ran.said and "line 2" in ran.said and "--encoding" in ran.said
    assert [path.name for path in Path("out").iterdir()] == ["c.json"]


def test_encodings(folder: Path) -> None:
    (folder / "wide.txt").write_bytes("\ufeffA man sleeps.".encode("utf-16-le"))
    ran = run("translate", *PAIR, "wide.txt")
    assert ran.code == 0 and ran.output.decode("utf-16") == "Ein Mann schl\u00e4ft."
    (folder / "old.txt").write_bytes("A man sleeps. \u00e9".encode("latin-1"))
    ran = run("translate", *PAIR, "old.txt", "--encoding", "latin-1")
    assert ran.code == 0 and "schl\u00e4ft" in ran.output.decode("latin-1")


def test_standard_input_as_a_document(folder: Path) -> None:
    ran = run("translate", *PAIR, "--format", "html", text="<p>Two\n<b>dogs</b> play.</p>")
    assert (ran.code, ran.output) == (0, b"<p>Zwei <b>Hunde</b> spielen.</p>")
    ran = run("translate", *PAIR, "-", text="Two dogs play. A man sleeps.\n\nA dog.\n")
    assert ran.lines[0] == "Zwei Hunde spielen. Ein Mann schl\u00e4ft." and len(ran.lines) == 3


def test_glossaries_and_what_is_kept(folder: Path) -> None:
    (folder / "terms.tsv").write_text("dog\tVierbeiner\n")
    ran = run("translate", *PAIR, "--glossary", "terms.tsv", "--keep", "sleeps", "A dog plays. A man sleeps.")
    assert ran.code == 0 and "Vierbeiner" in ran.lines[0] and "sleeps" in ran.lines[0]


def test_the_language_is_found(folder: Path) -> None:
    pytest.importorskip("fasttext")
    ran = run("translate", "--from", "auto", "--to", "de", "Deux chiens jouent dans le parc avec une balle.")
    assert (ran.code, ran.lines) == (0, ["Zwei Hunde spielen mit einem Ball im Park."])
    assert run("translate", "--from", "auto", "--to", "de", "123").code == 1
    assert run("translate", "--from", "auto", "Two dogs").code == 2


def test_a_folder_of_models(folder: Path, shared: Path) -> None:
    ran = run("translate", "--models", shared / "models", "--from", "cs", "--to", "en", "Dva psi si hraj\u00ed.")
    assert ran.code == 0 and ran.lines[0]
