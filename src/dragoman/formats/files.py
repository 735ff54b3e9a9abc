"""Whole files in and out: read (unpacked where they are compressed), mapped or written, with errors that name the file.

The one opener for every kind of file of a model.
"""

from __future__ import annotations

import io
import mmap
import os
import re
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from dragoman.errors import ModelFormatError, ModelNotFoundError
from dragoman.formats.compression import packing_of, refuse_other_packing, unpack, unpack_start
from dragoman.host import anonymous

__all__ = ["MODEL_LIMIT", "TEXT_LIMIT", "MemoryFile", "is_file", "read_bytes", "read_head", "write_atomically"]

if TYPE_CHECKING:
    _PathBase = Path
else:
    _PathBase = type(Path())

MODEL_LIMIT = 32 << 30
"""Bytes of the largest model file read. The largest Marian models known are about 5 GB."""

TEXT_LIMIT = 256 << 20
"""Bytes of the largest vocabulary or shortlist read. Real ones have at most some 20 MB."""

HEAD_BYTES = 2048
"""First bytes of a file that tell what it is."""

_PACKED_HEAD = 1 << 18
"""Bytes of a compressed file that hold its first unpacked ones: a block of zstd has at most half as many."""

_OWN_PAGES = 1 << 17
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_PAGE = re.compile(rb"<(head|body|title|meta|h1)\b")


class MemoryFile(_PathBase):
    """A path that stands for bytes in memory: what reads whole files reads these instead.

    ``contents`` live as long as this object; paths derived from it (its parent, other names) have none, and
    speak of the disk.
    """

    contents: memoryview

    @classmethod
    def of(cls, name: Path | str, contents: bytes | memoryview) -> MemoryFile:
        """``name`` is for messages, and its suffix says what the bytes are."""
        made = cls(name)
        made.contents = memoryview(contents).toreadonly().cast("B")
        return made

    @property
    def holds(self) -> bool:
        """Whether there are contents."""
        return "contents" in self.__dict__

    def is_file(self, **options: Any) -> bool:
        return self.holds or super().is_file(**options)

    def open(self, *options: Any, **others: Any) -> Any:
        """For reading the first bytes."""
        return io.BytesIO(self.contents) if self.holds else super().open(*options, **others)

    def stat(self, **options: Any) -> os.stat_result:
        """A regular file of this size."""
        if not self.holds:
            return super().stat(**options)
        return os.stat_result((stat.S_IFREG | 0o444, 0, 0, 1, 0, 0, len(self.contents), 0, 0, 0))

    def __reduce__(self) -> tuple[Any, ...]:
        return MemoryFile.of, (str(self), bytes(self.contents))


def is_file(path: Path) -> bool:
    """Whether there is a regular file; False also for names that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def read_bytes(path: Path, *, limit: int, mapped: bool = False) -> memoryview:
    """The contents of a regular file as a read-only view; what is compressed with gzip or zstd unpacked.

    Args:
        path: the file.
        limit: bytes above which the file is refused unread, and its unpacked contents while they are unpacked.
        mapped: map the file instead of reading it. The caller warrants that nobody shortens the file while
            the view lives: that kills the process. So only for files replaced by rename.

    Raises:
        ModelNotFoundError: it does not exist, is not a regular file, or may not be read.
        ModelFormatError: it is empty, larger than ``limit``, damaged as a compressed file, something else than a
            model's file (`refuse_strangers`), or changed while being read.
    """
    contents = _stored(path, limit, mapped)
    head = bytes(contents[:HEAD_BYTES])
    if packing_of(head) is not None:
        contents = unpack(contents, path, limit=limit)
        head = bytes(contents[:HEAD_BYTES])
    refuse_strangers(path, head)
    return contents


def read_head(path: Path, count: int = HEAD_BYTES) -> bytes:
    """The first bytes of what `read_bytes` would give; fewer at the end of the file. Errors: `read_bytes`."""
    head = _start(path, max(count, HEAD_BYTES))
    if packing_of(head) is not None:
        head = unpack_start(memoryview(_start(path, _PACKED_HEAD)), path, max(count, HEAD_BYTES))
    refuse_strangers(path, head[:HEAD_BYTES])
    return head[:count]


def _start(path: Path, count: int) -> bytes:
    """The first bytes as they lie there."""
    if isinstance(path, MemoryFile) and path.holds:
        return bytes(path.contents[:count])
    try:
        with _open(path) as file:
            return file.read(count)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _stored(path: Path, limit: int, mapped: bool) -> memoryview:
    """The bytes as they lie there."""
    if isinstance(path, MemoryFile) and path.holds:
        _check_size(path, len(path.contents), limit)
        return path.contents
    try:
        with _open(path) as file:
            size = os.fstat(file.fileno()).st_size
            _check_size(path, size, limit)
            if mapped:
                return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
            return _read_exactly(file, size, path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _open(path: Path) -> io.FileIO:
    """A regular file, opened without waiting for whoever is at the other end of a pipe. Raises OSError, ValueError,
    ModelNotFoundError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    file = io.FileIO(descriptor)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise ModelNotFoundError(path, "this is not a regular file.")
    return file


def _unreadable(path: Path, error: OSError | ValueError) -> ModelNotFoundError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ModelNotFoundError(path, f"cannot be read: {reason}.")


def _check_size(path: Path, size: int, limit: int) -> None:
    if size > limit:
        raise ModelFormatError(path, "the file is too large to be one of its kind", expected=limit, found=size)
    if size == 0:
        advice = "It was not fetched, or cut short: fetch it again."
        raise ModelFormatError(path, "the file is empty", found=0, advice=advice)


def _read_exactly(file: io.FileIO, size: int, path: Path) -> memoryview:
    # Pages of its own, if it is large: from the heap of a thread they would not go back to the system.
    view = memoryview(bytearray(size) if size < _OWN_PAGES else anonymous(size))
    done = 0
    while done < size:
        got = file.readinto(view[done:])
        if not got:
            raise ModelFormatError(path, "the file shrank while being read", expected=size, found=done)
        done += got
    return view.toreadonly()


def refuse_strangers(path: Path, head: bytes) -> None:
    """Raise ModelFormatError for what often lies where a model's file should be: said as what it is.

    Args:
        head: the file's first bytes, `HEAD_BYTES` if it has as many.
    """
    refuse_other_packing(path, head)
    if packing_of(head) is not None:
        raise ModelFormatError(path, "the file is compressed twice", advice="Unpack it once.")
    if head.startswith(_LFS_POINTER):
        raise ModelFormatError(
            path,
            "this is a pointer of Git LFS, not the file itself",
            advice="Fetch what it points to: git lfs pull (git lfs install before, if there is no such command).",
        )
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    page = start.startswith((b"<!doctype html", b"<html")) and _PAGE.search(start)
    if page or (start.startswith(b"<?xml") and b"<error>" in start):
        raise ModelFormatError(
            path,
            "this is a web page, probably a server's error message, not a model's file",
            advice="Read it in a browser, and fetch the file again from the right address.",
        )


def write_atomically(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file under a temporary name in the same folder, then rename: readers see the old file or the
    new one.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            write(file)  # type: ignore[arg-type]
            file.flush()
            os.chmod(file.name, 0o644)
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise
    os.replace(file.name, path)
