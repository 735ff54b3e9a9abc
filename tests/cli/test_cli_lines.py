"""Lines in: bytes however they arrive. Answers out: in order, failures in their place."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli.lines import check_different, count_lines, input_stream, output_stream, read_chunks
from dragoman.cli.session import answer_lines
from dragoman.errors import WorkspaceError
from dragoman.result import FailedLine, Hypothesis, Translation

BYTES = st.lists(
    st.sampled_from([b"\n", b"\r\n", b"\r", b"a", b"\xff", b"\0", "ü".encode(), "\u2028".encode(), b"\x85"]),
    max_size=30,
).map(b"".join)


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at each read."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data, self._step = io.BytesIO(data), step

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        block = self._data.read(min(self._step, len(buffer)))
        buffer[: len(block)] = block
        return len(block)


@given(BYTES, st.integers(1, 7), st.integers(1, 4))
def test_lines_are_the_same_however_they_arrive(data: bytes, step: int, most: int) -> None:
    chunks = list(read_chunks(io.BufferedReader(Trickle(data, step)), most, lambda: None))
    assert all(0 < len(chunk) <= most for chunk in chunks)
    expected = data.split(b"\n")[: None if data and not data.endswith(b"\n") else -1]
    lines = [line for chunk in chunks for line in chunk]
    assert lines == [line.removesuffix(b"\r").decode("utf-8", "replace") for line in expected]


def test_a_line_of_millions_of_bytes_is_read_in_linear_time() -> None:
    data = b"x" * 20_000_000 + b"\nlast"
    assert [len(line) for chunk in read_chunks(io.BytesIO(data), 9, lambda: None) for line in chunk] == [
        20_000_000,
        4,
    ]


def test_packed_files_are_read_and_written(tmp_path: Path) -> None:
    path = str(tmp_path / "text.gz")
    with output_stream(path) as stream:
        stream.write(b"a\nb\n")
    assert gzip.decompress(Path(path).read_bytes()) == b"a\nb\n"
    with input_stream(path) as source:
        assert list(read_chunks(source, 10, lambda: None)) == [["a", "b"]]


def test_lines_are_counted_where_that_is_cheap(tmp_path: Path) -> None:
    path = tmp_path / "text"
    for data, lines in ((b"", 0), (b"a", 1), (b"a\n", 1), (b"a\n\nb", 3)):
        path.write_bytes(data)
        assert count_lines(str(path)) == lines
    assert count_lines(None) is None and count_lines("stdin") is None


def test_nobody_writes_to_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    check_different(str(tmp_path / "a"), str(tmp_path / "c"))
    with pytest.raises(click.UsageError, match="same file"):
        check_different(str(tmp_path / "a"), str(tmp_path / "b"))


def test_a_line_that_fails_is_empty_and_the_others_are_unharmed(capsys: pytest.CaptureFixture[str]) -> None:
    def answers(lines: list[str]) -> Iterator[Translation | FailedLine]:
        for line in lines:
            hypothesis = Hypothesis(line.upper(), (), 0.0, 0.0)
            yield (
                FailedLine(line, WorkspaceError("too large"))
                if line == "b"
                else Translation(line, (), (hypothesis,))
            )

    target = io.BytesIO()
    failures = answer_lines(
        io.BytesIO(b"a\nb\nc"), target, answers, lambda number, one: f"{number} {one.text}"
    )
    assert (failures, target.getvalue()) == (1, b"0 A\n\n2 C\n")
    assert capsys.readouterr().err == "dragoman: line 2: too large\n"


def test_progress_moves_with_lines() -> None:
    """Told of each line as it is written, not of thousands at once."""
    steps: list[tuple[int, int]] = []
    asked: list[int] = []
    target = io.BytesIO()

    def answers(lines: list[str]) -> Iterator[Translation]:
        asked.append(len(lines))
        for line in lines:
            yield Translation(line, (), (Hypothesis(line.upper(), (), 0.0, 0.0),))

    source = io.BufferedReader(io.BytesIO(b"line\n" * 1000))  # type: ignore[arg-type]

    def progress(lines: int) -> None:
        steps.append((lines, len(target.getvalue())))

    answer_lines(source, target, answers, lambda number, found: found.text, progress=progress)
    assert steps == [(1, 5 * number) for number in range(1, 1001)]
    assert max(asked) <= 128
