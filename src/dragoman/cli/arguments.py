"""What is to be translated and where it goes, from a command's positional arguments and ``--output``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

__all__ = ["SUFFIXES", "Job", "Wanted", "plan_outputs", "read_arguments"]

_MARKED = (".html", ".htm", ".xhtml", ".xml", ".md", ".markdown")
_SHOWN = (".txt", *_MARKED, ".srt", ".vtt", ".po", ".pot", ".xlf", ".xliff", ".tmx")
_DATA = (".json", ".yaml", ".yml", ".properties", ".csv", ".tsv")
_ZIPPED = (".docx", ".odt", ".odp", ".ods", ".pptx", ".xlsx", ".epub")
"""Nothing that a terminal could show."""
SUFFIXES = frozenset((*_SHOWN, *_DATA, *_ZIPPED))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: a text, files, or (neither) standard input.

    Attributes:
        files: with their places in an output folder.
        several: files were named so that their results need a folder.
    """

    text: str | None = None
    files: tuple[tuple[Path, Path], ...] = ()
    several: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One file, and where its translation goes; None: to standard output."""

    path: Path
    output: Path | None


def read_arguments(given: Sequence[str]) -> Wanted:
    """Tell texts from files.

    A single argument is a file or a folder if there is one of its name, else a text; several are files.

    Raises click.ClickException (exit code 1) for files that are not there, and for a single name of a file without
    white space that is not there either.
    """
    if not given or tuple(given) == ("-",):
        return Wanted()
    paths = [Path(one) for one in given]
    if len(given) == 1 and not _exists(paths[0]):
        looks_like_file = paths[0].suffix.lower() in SUFFIXES and not any(map(str.isspace, given[0]))
        if not looks_like_file:
            return Wanted(text=given[0])
    missing = [str(path) for path in paths if not _exists(path)]
    if missing:
        raise click.ClickException(f"no such file: {', '.join(missing)}")
    files: list[tuple[Path, Path]] = []
    for path in paths:
        if path.is_dir():
            files += [(file, file.relative_to(path)) for file in _known_files(path)]
        else:
            files.append((path, Path(path.name)))
    if not files:
        raise click.ClickException(f"no file in {given[0]} has a known suffix: {' '.join(sorted(SUFFIXES))}")
    return Wanted(files=tuple(files), several=len(given) > 1 or paths[0].is_dir())


def plan_outputs(wanted: Wanted, output: str | None) -> list[Job]:
    """Where each file's translation goes. Nothing is written yet.

    Raises click.UsageError (exit code 2) where a result has no place or would overwrite an input, and
    click.ClickException (1) where two results would have one name.
    """
    if output is None or output == "-":
        if wanted.several:
            raise click.UsageError("Several files need --output FOLDER.")
        path = wanted.files[0][0]
        if path.suffix.lower() in _ZIPPED:
            raise click.UsageError(f"{path.name} cannot go to standard output: give --output.")
        return [Job(path, None)]
    folder = wanted.several or output.endswith(("/", "\\")) or Path(output).is_dir()
    jobs = [Job(path, Path(output) / inner if folder else Path(output)) for path, inner in wanted.files]
    targets: dict[Path, list[str]] = defaultdict(list)
    for job in jobs:
        assert job.output is not None
        targets[job.output].append(str(job.path))
    for target, sources in targets.items():
        if len(sources) > 1:
            raise click.ClickException(f"{' and '.join(sources)} would both become {target}: translate them apart.")
    inputs = {path.resolve() for path, _ in wanted.files}
    for target in targets:
        if target.resolve() in inputs:
            raise click.UsageError(f"{target} is an input: it would be overwritten.")
    return jobs


def _exists(path: Path) -> bool:
    """A file or a folder; a long text is no name of one."""
    try:
        return path.is_file() or path.is_dir()
    except (OSError, ValueError):
        return False


def _known_files(folder: Path) -> list[Path]:
    found = folder.rglob("*")
    return sorted(path for path in found if path.suffix.lower() in SUFFIXES and path.is_file())
