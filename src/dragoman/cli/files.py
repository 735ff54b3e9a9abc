"""Files through a translator: each whole or not at all, and what could not be kept told on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dragoman.cli.arguments import Job

if TYPE_CHECKING:
    from dragoman.documents.translate import FileReport

__all__ = ["translate_files"]

_MOST_WARNINGS = 5
"""Of a file; how many more there are is said."""

TranslateFile = Callable[[Path, Path], "FileReport"]


def translate_files(jobs: Sequence[Job], translate: TranslateFile, *, resume: bool = False) -> int:
    """All of them, one after the other; what goes wrong with one is told, and the others come out.

    Args:
        translate: a file into another.
        resume: leave files whose output is there and no older than they are: an output is written whole or not at all.

    Returns:
        How many failed.
    """
    from dragoman.errors import DragomanError

    failed = 0
    for job in jobs:
        if resume and _is_done(job):
            continue
        try:
            _tell(job.path, _translate(job, translate))
        except (DragomanError, OSError) as error:
            failed += 1
            click.echo(f"dragoman: {job.path}: {_without_name(str(error), job.path)}", err=True)
    return failed


def _is_done(job: Job) -> bool:
    try:
        return job.output is not None and job.output.stat().st_mtime >= job.path.stat().st_mtime
    except OSError:
        return False


def _translate(job: Job, translate: TranslateFile) -> Sequence[str]:
    """Returns the warnings."""
    if job.output is not None:
        return translate(job.path, job.output).warnings
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / job.path.name
        warnings = translate(job.path, output).warnings
        sys.stdout.buffer.write(output.read_bytes())
        sys.stdout.buffer.flush()
        return warnings


def _tell(path: Path, warnings: Sequence[str]) -> None:
    for warning in warnings[:_MOST_WARNINGS]:
        click.echo(f"dragoman: {path}: {warning}", err=True)
    if len(warnings) > _MOST_WARNINGS:
        click.echo(f"dragoman: {path}: and {len(warnings) - _MOST_WARNINGS} more warnings.", err=True)


def _without_name(message: str, path: Path) -> str:
    return message.removeprefix(f"{path}: ")
