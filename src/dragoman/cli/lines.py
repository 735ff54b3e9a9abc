"""Lines in and out: bytes to text and back, and waiting for input only when everything read is answered."""

from __future__ import annotations

import contextlib
import gzip
import os
import select
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import click

__all__ = ["check_different", "count_lines", "input_stream", "output_stream", "printable", "read_chunks", "to_line"]

_READ = 1 << 16
_STANDARD = ("-", "stdin", "stdout")


@contextlib.contextmanager
def input_stream(path: str | None) -> Iterator[BinaryIO]:
    """A file to read, unpacked if its name ends in ``.gz``; standard input for None, ``-`` and ``stdin``."""
    if path is None or path in _STANDARD:
        if sys.stdin is None:  # closed by whoever started us
            raise click.ClickException("standard input is closed: give a text, or a file.")
        yield sys.stdin.buffer
    elif path.endswith(".gz"):
        with gzip.open(path, "rb") as packed:
            yield cast(BinaryIO, packed)
    else:
        with open(path, "rb") as file:
            yield file


@contextlib.contextmanager
def output_stream(path: str | None) -> Iterator[BinaryIO]:
    """A file to write, packed if its name ends in ``.gz``; standard output for None, ``-`` and ``stdout``."""
    if path is None or path in _STANDARD:
        if sys.stdout is None:
            raise click.ClickException("standard output is closed: give --output FILE.")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif path.endswith(".gz"):
        with gzip.open(path, "wb") as packed:
            yield cast(BinaryIO, packed)
    else:
        with open(path, "wb") as file:
            yield file


def printable(text: object) -> str:
    """A text, or a path of any bytes, so that it can be written as UTF-8."""
    return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def check_different(source: str | None, target: str | None) -> None:
    """Writing to the file that is being read would empty it. Raises click.UsageError."""
    both = source and target and Path(source).is_file() and Path(target).exists()
    if both and os.path.samefile(str(source), str(target)):
        raise click.UsageError(f"input and output are the same file: {source}")


def count_lines(path: str | None) -> int | None:
    """Lines of a plain file; None for everything else."""
    if path is None or path in _STANDARD or path.endswith(".gz") or not Path(path).is_file():
        return None
    lines, last = 0, b"\n"
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            lines += block.count(b"\n")
            last = block[-1:]
    return lines + (last != b"\n")


def read_chunks(stream: BinaryIO, most: int, before_waiting: Callable[[], object]) -> Iterator[list[str]]:
    """The lines of a stream in lists: whatever has arrived, at most ``most`` lines.

    A line ends with a line feed; a carriage return before it is dropped; nothing else ends a line. Bytes that
    are not UTF-8 become U+FFFD.

    Args:
        stream: buffered, binary.
        most: lines of a list.
        before_waiting: called before every read that may have to wait: the time to flush the answers.
    """
    lines: list[str] = []
    rest: list[bytes] = []
    while True:
        if not _ready(stream):
            if lines:
                yield lines
                lines = []
            before_waiting()
        block = _read(stream)
        if not block:
            break
        *whole, tail = block.split(b"\n")
        for line in whole:
            rest.append(line)
            lines.append(_decode(b"".join(rest)))
            rest = []
            if len(lines) == most:
                yield lines
                lines = []
        if tail:
            rest.append(tail)
    if rest:
        lines.append(_decode(b"".join(rest)))
    if lines:
        yield lines


def _read(stream: BinaryIO) -> bytes:
    """Some bytes, as few as are there; none at the end."""
    read = getattr(stream, "read1", stream.read)
    return cast(bytes, read(_READ))


def _ready(stream: BinaryIO) -> bool:
    """Whether a read would return at once. Files always would; so would what select cannot watch."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError, TypeError):
        return True


def _decode(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")


def to_line(text: str) -> bytes:
    """What is written for a line of text (or for several: printing sees to stray line feeds)."""
    return text.encode("utf-8", "replace") + b"\n"
