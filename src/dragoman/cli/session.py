"""Lines through a translator, with what both translating commands share."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

import click

from dragoman.cli.lines import read_chunks, to_line

if TYPE_CHECKING:
    from dragoman.result import FailedLine, Translation

__all__ = ["Answers", "answer_lines", "progress_bar"]

_LINES_AHEAD = 2000
"""Most lines read before their translations are written; more make better batches."""

_LINES_SEEN = 128
"""The same where somebody watches: some tenths of a second's work, at about a twentieth of the speed."""

Answers = Callable[[list[str]], "Iterator[Translation | FailedLine]"]
"""Translates some lines, in order."""


def answer_lines(
    source: BinaryIO,
    target: BinaryIO,
    answers: Answers,
    show: Callable[[int, Translation], str],
    show_failed: Callable[[int], str] = lambda number: "",
    progress: Callable[[int], object] | None = None,
) -> int:
    """Translate all lines; each is answered once all that has arrived is, without waiting for more.

    Args:
        source, target: buffered, binary.
        answers: see there.
        show: what to write for a line, by its number from 0; may be several lines.
        show_failed: what to write for a line that could not be translated. The reason goes to stderr.
        progress: told of each line that is done. Then fewer are translated together, so that it moves with them.

    Returns:
        How many lines failed.
    """
    from dragoman.result import FailedLine

    number = failures = 0
    ahead = _LINES_AHEAD if progress is None else _LINES_SEEN
    for lines in read_chunks(source, ahead, target.flush):
        for result in answers(lines):
            if isinstance(result, FailedLine):
                failures += 1
                click.echo(f"dragoman: line {number + 1}: {result.error}", err=True)
                text = show_failed(number)
            else:
                text = show(number, result)
            target.write(to_line(text))
            number += 1
            if progress is not None:
                progress(1)
    target.flush()
    return failures


@contextlib.contextmanager
def progress_bar(total: int | None, *, wanted: bool) -> Iterator[Callable[[int], object] | None]:
    """A bar on stderr, if that is a terminal; else None."""
    if not wanted or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    import tqdm

    with tqdm.tqdm(total=total, unit=" lines", file=sys.stderr, dynamic_ncols=True) as bar:
        yield bar.update
