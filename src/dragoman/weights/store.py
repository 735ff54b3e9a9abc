"""Files of prepared weights: found by what models are made of, written whole or not at all, never trusted.

In the folder (`dragoman.weights.cache_folder`) lie:

    <digest>.weights  prepared weights (`dragoman.formats.prepared`); the digest is that of the `Key`, which
                      counts the contents of the model's files and all that decides the result
    <digest>.key      says which of those belongs to files of this place, size, inode and times, so that a load
                      need not read the model to find its key; its time says when a load last found it
    limit             most bytes kept, where it is not the default

Any number of processes may prepare the same model at once: each writes under a name of its own and renames.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from dragoman.errors import DragomanError, ModelFormatError
from dragoman.formats.files import MemoryFile
from dragoman.formats.prepared import HEADER_BYTES, VERSION, Head, check_size, decode_head
from dragoman.host import Region, map_file
from dragoman.planning.version import PLAN_VERSION
from dragoman.weights.cache_folder import distrusted_file, make_folder, trim
from dragoman.weights.holder import FileStamp

__all__ = [
    "Key",
    "Opened",
    "Stamp",
    "clear",
    "map_prepared",
    "open_prepared",
    "store",
    "stored_files",
    "temporary_files",
]

Place: TypeAlias = tuple[str, int, int, int, int, int]
"""Of a file: real path, device, inode, size, times of contents and of status."""

_log = logging.getLogger("dragoman")

_SETTLED_NS = 2_000_000_000
"""A file changed less than this ago may change again without getting another time: its stamp is not kept."""

_STALE_S = 3600
_NOTE_BYTES = 82
_READING = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
"""Not to wait for the other end of what may be a pipe."""
_NAME = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Key:
    """What decides the contents of a prepared file.

    Attributes:
        contents: sha256 of the model file, and of the shortlist.
        settings: choices of the caller, the back end, hashes of the vocabularies: JSON.
    """

    contents: tuple[str, ...]
    settings: Mapping[str, object]

    @property
    def name(self) -> str:
        """Without a suffix."""
        return _digest([_versions(), list(self.contents), self.settings])


@dataclass(frozen=True)
class Stamp:
    """Which files at which places, and when they changed last. Equal stamps are equal contents, once settled."""

    places: tuple[Place, ...]
    settings: Mapping[str, object]

    @classmethod
    def of(cls, paths: tuple[Path, ...], settings: Mapping[str, object]) -> Stamp | None:
        """None for files that are not on disk."""
        if any(isinstance(path, MemoryFile) for path in paths):
            return None
        try:
            return cls(tuple(_place(path) for path in paths), settings)
        except OSError:
            return None

    @property
    def name(self) -> str:
        return _digest([_versions(), self.places, self.settings])

    @property
    def settled(self) -> bool:
        return all(max(place[-2:]) < time.time_ns() - _SETTLED_NS for place in self.places)

    def recall(self, folder: Path) -> str | None:
        """The name of the prepared file, if it was noted for these files."""
        path = folder / f"{self.name}.key"
        try:
            descriptor = os.open(path, _READING)
            try:
                problem = distrusted_file(descriptor)
                text = "" if problem else os.read(descriptor, 4 * _NOTE_BYTES).decode("ascii")
            finally:
                os.close(descriptor)
        except (OSError, UnicodeDecodeError):
            return None
        name = text[:40]
        if not _NAME.fullmatch(name) or text != self._note(name):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return name

    def note(self, folder: Path, name: str) -> None:
        """Remember the name of the prepared file."""
        if self.settled:
            _write(folder / f"{self.name}.key", self._note(name).encode("ascii"))

    def _note(self, name: str) -> str:
        return f"{name} {_digest([self.name, name])}\n"


@dataclass(frozen=True, eq=False)
class Opened:
    """A prepared file in memory. ``path``: where it is mapped from; ``stamp``: of it before it was read."""

    region: Region
    head: Head
    path: Path
    stamp: FileStamp


def open_prepared(folder: Path, name: str) -> Opened | None:
    """Map a prepared file, if it is there and undamaged in every byte."""
    path = folder / f"{name}.weights"
    try:
        region, stamp = map_prepared(path)
        head = decode_head(memoryview(region), path)
        if head.facts.name == name and not region.damaged and not stamp.changed(path):
            return Opened(region, head, path, stamp)
        _log.warning("%s is not what its name says: preparing the weights again", path)
    except FileNotFoundError:
        pass
    except OSError as error:
        _log.debug("%s cannot be read: %s", path, error)
    except (DragomanError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning("preparing the weights again: %s", error)
    return None


def map_prepared(path: Path) -> tuple[Region, FileStamp]:
    """A file of the folder, mapped: a regular file of this user's whose header fits its size, before a byte of the
    rest is touched.

    Raises OSError, or ModelFormatError for what cannot be one of ours.
    """
    descriptor = os.open(path, _READING)
    try:
        problem = distrusted_file(descriptor)
        if problem is not None:
            raise ModelFormatError(path, problem, advice="It is not used: remove it.")
        status = os.fstat(descriptor)
        check_size(os.read(descriptor, HEADER_BYTES), status.st_size, path)
        return map_file(descriptor, path), FileStamp.of(status)
    finally:
        os.close(descriptor)


def store(folder: Path, name: str, region: Region) -> Opened | None:
    """Write a region built in memory and map the file; None if that is not possible here. Older ones leave where the
    folder's limit is passed."""
    _remove_leftovers(folder)
    path = folder / f"{name}.weights"
    if not _write(path, memoryview(region)):
        return None
    trim(folder, keep=path)
    return open_prepared(folder, name)


def stored_files(folder: Path) -> list[Path]:
    """Prepared files, sorted by name."""
    return sorted(folder.glob("*.weights")) if folder.is_dir() else []


def temporary_files(folder: Path) -> list[Path]:
    """Files being written, or left behind by processes that were killed."""
    return sorted(folder.glob(".*.tmp")) if folder.is_dir() else []


def clear(folder: Path) -> int:
    """Remove everything; models that are loaded keep their maps. Returns the bytes set free. Raises OSError."""
    freed = 0
    for path in [*stored_files(folder), *temporary_files(folder), *folder.glob("*.key")]:
        try:
            size = path.stat().st_size
            path.unlink()
            freed += size
        except FileNotFoundError:
            continue
    return freed


def _write(path: Path, data: bytes | memoryview) -> bool:
    """Write a file under another name, get it to the disk, rename. False (and a DEBUG log) if that fails."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(6).hex()}.tmp")
    try:
        make_folder(path.parent)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            try:
                view = memoryview(data)
                done = 0
                while done < len(view):
                    done += os.write(descriptor, view[done : done + (1 << 24)])
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        _log.debug("%s cannot be written, weights stay in private memory: %s", path, error)
        return False
    return True


def _remove_leftovers(folder: Path) -> None:
    """Temporary files of processes that were killed long ago."""
    for path in temporary_files(folder):
        try:
            if path.stat().st_mtime < time.time() - _STALE_S:
                path.unlink()
        except OSError:
            continue


def _place(path: Path) -> Place:
    status = os.stat(path)
    numbers = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return (os.path.realpath(path), *numbers)


@functools.cache
def _versions() -> list[object]:
    """Of everything that this code, and neither a model nor a back end, puts into a file."""
    return [VERSION, PLAN_VERSION, sys.byteorder]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:40]
