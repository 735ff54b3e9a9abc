"""A file in, the same file in another language out: whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from dragoman.documents.bilingual import side_by_side
from dragoman.documents.registry import find_format, read_document
from dragoman.documents.unit import Settings, Unit
from dragoman.errors import DocumentError, OptionsError
from dragoman.options import DecodingChanges, DecodingOptions, Split
from dragoman.result import Translation
from dragoman.run.translates import Translates
from dragoman.text.glossary import Glossary

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
    model: str | Sequence[str] | None = None,
    route: Sequence[str] | None = None,
    source: str | None = None,
    target: str | None = None,
    format: str = "",
    split: Split = "paragraph",
    encoding: str = "",
    glossary: Glossary | None = None,
    keep: Sequence[str] = (),
    columns: Sequence[str] = (),
    header: bool = True,
    fuzzy: bool = True,
    declare: bool = False,
    bilingual: bool = False,
    progress: Progress | None = None,
    **changes: Unpack[DecodingChanges],
) -> FileReport:
    """Translate a file.

    Args:
        path: of the file; its suffix, or its content, says what it is.
        output: is written whole, or not at all. May not be ``path``.
        translator: a `Translator`, a `Service`, or whatever translates as one does.
        model, route: of a `Service`, as for `Service.translate`; by default it goes from ``source`` to ``target``.
        source, target: languages. Some formats write them down, and ``source`` says how sentences are split.
        format: name of the file's format, where the suffix does not say it.
        split: of plain text.
        encoding: of text files, where neither a byte order mark nor a declaration says it.
        glossary, keep: as for `Translator.translate`.
        columns, header: of tables: which to translate (names, or numbers from 1), and whether the first row names them.
        fuzzy: mark what is filled into catalogues for review.
        declare: have pages and XML say that they are in ``target`` (``lang``, ``dir``, ``xml:lang``).
        bilingual: write sentences and translations side by side instead of the file: .tsv, .html or .tmx.
        progress: told as parts are done.
        options, **changes: as for `Translator.translate`.

    Raises:
        DocumentError: the file is not what its format says, or the translation cannot be written in it.
        OptionsError: an argument is out of range.
        others: as `Translator.translate`.
    """
    for name, value in (("path", path), ("output", output)):
        if not isinstance(value, str | os.PathLike):
            raise OptionsError(name, value, "a path")
    if not hasattr(translator, "translate"):
        raise OptionsError("translator", translator, "a Translator, a Service, or whatever translates as one does")
    path, output = Path(path), Path(output)
    data = _read(path, output)
    if bilingual:
        side_by_side(output, (), source or "", target or "")  # whether it can be, before hours of work
    settings = Settings(
        source=source or "", target=target or "", encoding=encoding, split=split, fuzzy=fuzzy, columns=tuple(columns),
        header=header, declare=declare,
    )  # fmt: skip
    if model is None and route is None and source and target and hasattr(translator, "fleet"):
        route = (source, target)
    given = {"model": model, "route": route, "glossary": glossary, "keep": keep or None}
    stated = {name: value for name, value in given.items() if value is not None}
    call: Callable[..., Any] = partial(translator.translate, options=options, **stated, **changes)
    found = translate_bytes(data, path, call, settings=settings, format=format, progress=progress)
    if bilingual:
        sentences = ((one.source, one.target) for _, answer in found.pairs for one in answer.sentences)
        found = replace(found, data=side_by_side(output, sentences, settings.source, settings.target))
    try:
        write_whole(output, found.data)
    except OSError as error:
        raise DocumentError(f"{output}: cannot be written: {error.strerror or error}.") from None
    return FileReport(output, found.sentences, found.warnings)


def translate_bytes(
    data: bytes,
    name: Path | str,
    translate: Callable[..., Sequence[Translation]],
    *,
    settings: Settings | None = None,
    format: str = "",
    progress: Progress | None = None,
) -> Translated:
    """The same in memory.

    Args:
        data: of the file.
        name: of it, for its suffix and for errors.
        translate: takes texts, and ``split``, ``format`` and ``source_language`` as `Translator.translate` does.
        settings: what is known of the file.
        others, and errors: as `translate_file`.
    """
    settings = settings or Settings()
    try:
        document = read_document(data, find_format(name, data, format), settings, name)
    except DocumentError as error:
        raise error if str(name) in str(error) else DocumentError(f"{name}: {error}") from None
    units = document.units
    total = sum(len(unit.text) for unit in units)
    done: dict[Unit, Translation] = {}
    finished = 0
    for portion in _portions(dict.fromkeys(units)):
        texts, first = [unit.text for unit in portion], portion[0]
        source_language = settings.source or None
        answers = translate(texts, split=first.split, format=first.format, source_language=source_language)
        done.update(zip(portion, answers, strict=True))
        finished += sum(len(text) for text in texts)
        if progress is not None:
            progress(finished, total)
    written = document.write([done[unit].text for unit in units])
    warnings = [warning for answer in done.values() for warning in answer.warnings]
    pairs = tuple((unit, done[unit]) for unit in dict.fromkeys(units))
    sentences = sum(len(answer.sentences) for answer in done.values())
    return Translated(written, sentences, tuple(dict.fromkeys(warnings)), pairs)


def _read(path: Path, output: Path) -> bytes:
    """The file's bytes. Raises DocumentError if they cannot be had, or if it is the output too."""
    try:
        if output.exists() and os.path.samefile(path, output):
            problem = "the translation would overwrite the file it is made of: name another output"
            raise DocumentError(f"{output}: {problem}.")
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise DocumentError(f"{path}: {size} bytes; {_MOST_BYTES} are the most for one file.")
        return path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror or error}.") from None


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
    """Write beside, then rename: nobody sees half a file. A link stays one, a file that was there keeps its mode, and
    what is no regular file (a pipe, a device) is written to. Raises OSError.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        with path.open("wb", buffering=0) as file:
            file.write(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:200]}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
