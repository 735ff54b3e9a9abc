"""A file in, the same file in another language out: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from dragoman.documents.registry import find_format, read_document
from dragoman.documents.unit import Settings, Unit
from dragoman.errors import DocumentError
from dragoman.options import DecodingChanges, DecodingOptions
from dragoman.result import Translation
from dragoman.run.translates import Translates

__all__ = ["FileReport", "Progress", "translate_bytes", "translate_file", "write_whole"]

_PORTION_UNITS = 512
_PORTION_CHARACTERS = 200_000
_MOST_BYTES = 512 << 20

Progress = Callable[[int, int], None]
"""Told how many characters are done, of how many."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of a file.

    Attributes:
        output: where the translation lies.
        sentences: that were translated.
        warnings: what could not be kept, for a person.
    """

    output: Path
    sentences: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Translated:
    """A file's bytes, and every unit with its translation."""

    data: bytes
    sentences: int
    warnings: tuple[str, ...]
    pairs: tuple[tuple[Unit, Translation], ...]


def translate_file(
    path: Path | str,
    output: Path | str,
    translator: Translates,
    options: DecodingOptions | None = None,
    *,
    settings: Settings | None = None,
    format: str = "",
    progress: Progress | None = None,
    **changes: Unpack[DecodingChanges],
) -> FileReport:
    """Translate a file.

    Args:
        path: of the file; its suffix, or its content, says what it is.
        output: is written whole, or not at all. May not be ``path``.
        translator: a `Translator`, or whatever translates as one does.
        settings: languages, encoding, and what single formats ask for.
        format: name of the file's format, where the suffix does not say it.
        progress: told as parts are done.
        options, **changes: as for `Translator.translate`.

    Raises:
        DocumentError: the file is not what its format says, or the translation cannot be written in it.
        OptionsError: an argument is out of range.
        OSError: a file cannot be read or written.
        others: as `Translator.translate`.
    """
    path, output = Path(path), Path(output)
    if output.exists() and os.path.samefile(path, output):
        raise DocumentError(f"{output}: the translation would overwrite the file it is made of: name another output.")
    if path.stat().st_size > _MOST_BYTES:
        raise DocumentError(f"{path}: {path.stat().st_size} bytes; {_MOST_BYTES} are the most for one file.")
    found = translate_bytes(
        path.read_bytes(), path, translator, options, settings=settings, format=format, progress=progress, **changes
    )
    write_whole(output, found.data)
    return FileReport(output, found.sentences, found.warnings)


def translate_bytes(
    data: bytes,
    name: Path | str,
    translator: Translates,
    options: DecodingOptions | None = None,
    *,
    settings: Settings | None = None,
    format: str = "",
    progress: Progress | None = None,
    **changes: Unpack[DecodingChanges],
) -> Translated:
    """The same in memory. Arguments and errors: `translate_file`."""
    settings = settings or Settings()
    document = read_document(data, find_format(name, data, format), settings, name)
    units = document.units
    total = sum(len(unit.text) for unit in units)
    done: dict[Unit, Translation] = {}
    finished = 0
    for portion in _portions(dict.fromkeys(units)):
        answers = translator.translate(
            [unit.text for unit in portion],
            options,
            split=portion[0].split,
            format=portion[0].format,
            source_language=settings.source or None,
            **changes,
        )
        done.update(zip(portion, answers, strict=True))
        finished += sum(len(unit.text) for unit in portion)
        if progress is not None:
            progress(finished, total)
    written = document.write([done[unit].text for unit in units])
    warnings = [warning for answer in done.values() for warning in getattr(answer, "warnings", ())]
    sentences = sum(len(getattr(answer, "sentences", ())) for answer in done.values())
    return Translated(written, sentences, tuple(dict.fromkeys(warnings)), tuple(done.items()))


def _portions(units: dict[Unit, None]) -> Iterator[Sequence[Unit]]:
    """Units that one call takes: of one format, and neither too many nor too long."""
    portion: list[Unit] = []
    size = 0
    for unit in sorted(units, key=lambda unit: (unit.format, unit.split)):
        new = portion and (unit.format, unit.split) != (portion[0].format, portion[0].split)
        if new or len(portion) >= _PORTION_UNITS or (portion and size + len(unit.text) > _PORTION_CHARACTERS):
            yield portion
            portion, size = [], 0
        portion.append(unit)
        size += len(unit.text)
    if portion:
        yield portion


def write_whole(path: Path, data: bytes) -> None:
    """Write beside, then rename: nobody sees half a file. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
