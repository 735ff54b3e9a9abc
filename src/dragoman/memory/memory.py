"""A memory of translations: what was translated once is not translated again."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType

from dragoman.errors import OptionsError
from dragoman.languages import canonical_code, language_distance
from dragoman.memory.disk import DiskEntries
from dragoman.memory.entries import Entry, Key
from dragoman.memory.recent import RecentEntries
from dragoman.memory.scope import pair_of_scope, people_scope
from dragoman.memory.tmx import TmxUnit, read_tmx, write_tmx
from dragoman.units import parse_bytes

__all__ = ["MemoryStats", "TranslationMemory"]


_PORTION = 1000


@dataclass(frozen=True, slots=True)
class MemoryStats:
    """What a memory did.

    Attributes:
        hits, misses: keys that were asked for.
        disk_hits: of the hits, those that came from the file.
        entries, nbytes: in this process's memory now.
        evicted: entries that had to go from there.
        disk_errors: times the file could not be read or written; each was a miss, or not kept.
    """

    hits: int = 0
    misses: int = 0
    disk_hits: int = 0
    entries: int = 0
    nbytes: int = 0
    evicted: int = 0
    disk_errors: int = 0


class TranslationMemory:
    """Translations by their keys, in memory and, if wanted, in a file that any number of processes share.

    Thread-safe. A context manager. A file that fails later (full disk, locked for longer than 10 s) never fails a
    translation: it counts in `stats`.

    Args:
        limit: most bytes in memory, such as "64 MB".
        path: the file; None: none.
        disk_limit: most bytes in the file.

    Raises:
        OptionsError: a limit is no size.
        TextFormatError: the file is something else, or cannot be opened.
    """

    def __init__(
        self, limit: int | str = "64 MB", *, path: Path | str | None = None, disk_limit: int | str = "1 GB"
    ) -> None:
        self._recent = RecentEntries(parse_bytes("limit", limit))
        self._disk = None if path is None else DiskEntries(Path(path), parse_bytes("disk_limit", disk_limit))
        self._lock = threading.Lock()
        self._hits = self._misses = self._disk_hits = self._disk_errors = 0
        self._closed = False

    def get(self, keys: Sequence[Key], *, count: bool = True) -> list[Entry | None]:
        """The entries of keys, in their order; None where there is none. Nothing is found once the memory is closed.

        Args:
            keys: any.
            count: misses in `stats`; hits count always.
        """
        with self._lock:
            found = [None if self._closed else self._recent.get(key) for key in keys]
        missing = [number for number, entry in enumerate(found) if entry is None]
        read = self._read([keys[number] for number in missing]) if missing else []
        with self._lock:
            for number, entry in zip(missing, read, strict=True):
                found[number] = entry
                if entry is not None:
                    self._recent.put(keys[number], entry)
            self._disk_hits += sum(entry is not None for entry in read)
            self._hits += sum(entry is not None for entry in found)
            self._misses += count and sum(entry is None for entry in found)
        return found

    def put(self, items: Sequence[tuple[Key, Entry]]) -> None:
        """Keep entries. Does nothing once the memory is closed."""
        with self._lock:
            if self._closed:
                return
            for key, entry in items:
                self._recent.put(key, entry)
        if self._disk is not None and items:
            try:
                self._disk.put(items)
            except sqlite3.Error:
                self._count_error()

    def read_tmx(self, path: Path | str, source: str, target: str) -> int:
        """Take in people's translations from a TMX file; how many there were.

        They answer texts between these languages that are equal to their source, before any model.
        Raises as `dragoman.memory.tmx.read_tmx`.
        """
        scope = people_scope((source, target))
        count = 0
        for units in _portions(read_tmx(path, source, target)):
            self.put([(Key(scope, unit.source), Entry(unit.target)) for unit in units])
            count += len(units)
        return count

    def write_tmx(self, path: Path | str, source: str, target: str) -> int:
        """Write what the file holds between two languages as TMX, the oldest first; how many there were.

        Raises OptionsError if there is no file, and as `dragoman.memory.tmx.write_tmx`.
        """
        pair = canonical_code(source), canonical_code(target)
        own = ((key.text, entry.target) for key, entry in self.items() if _fits(pair_of_scope(key.scope), pair))
        return write_tmx(path, (TmxUnit(*unit) for unit in own), *pair)

    def items(self) -> Iterator[tuple[Key, Entry]]:
        """What is in the file, the oldest first. Raises OptionsError if there is no file."""
        if self._disk is None:
            raise OptionsError("path", None, "a file, for its entries to be listed")
        return self._disk.items()

    @property
    def stats(self) -> MemoryStats:
        with self._lock:
            return MemoryStats(
                self._hits,
                self._misses,
                self._disk_hits,
                len(self._recent),
                self._recent.nbytes,
                self._recent.evicted,
                self._disk_errors,
            )

    def close(self) -> None:
        """Forget what is in memory, and close the file. Idempotent."""
        with self._lock:
            self._closed = True
            self._recent.clear()
        if self._disk is not None:
            self._disk.close()

    def __enter__(self) -> TranslationMemory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, keys: Sequence[Key]) -> Sequence[Entry | None]:
        if self._disk is None or self._closed:
            return [None] * len(keys)
        try:
            return self._disk.get(keys)
        except sqlite3.Error:
            self._count_error()
            return [None] * len(keys)

    def _count_error(self) -> None:
        with self._lock:
            self._disk_errors += 1


def _fits(known: tuple[str, str] | None, wanted: tuple[str, str]) -> bool:
    return known is not None and all(language_distance(*pair) is not None for pair in zip(known, wanted, strict=True))


def _portions(units: Iterator[TmxUnit]) -> Iterator[list[TmxUnit]]:
    while portion := list(islice(units, _PORTION)):
        yield portion
