"""Whole files in and out: read, mapped or written, with errors that name the file."""

from __future__ import annotations

import io
import mmap
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from dragoman.errors import ModelFormatError, ModelNotFoundError

__all__ = ["MODEL_LIMIT", "TEXT_LIMIT", "MemoryFile", "read_bytes", "refuse_compressed", "write_atomically"]

if TYPE_CHECKING:
    _PathBase = Path
else:
    _PathBase = type(Path())

MODEL_LIMIT = 32 << 30
"""Bytes of the largest model file read. The largest Marian models known are about 5 GB."""

TEXT_LIMIT = 256 << 20
"""Bytes of the largest vocabulary or shortlist read. Real ones have at most some 20 MB."""

_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ": "xz", b"BZh": "bzip2"}
_PACKED_SUFFIXES = {".gz": "gzip", ".zst": "zstd", ".xz": "xz", ".bz2": "bzip2"}


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


def read_bytes(path: Path, *, limit: int, mapped: bool = False) -> memoryview:
    """The contents of a regular file as a read-only view.

    Args:
        path: the file.
        limit: bytes above which the file is refused unread.
        mapped: map the file instead of reading it. The caller warrants that nobody shortens the file while
            the view
            lives: that kills the process. So only for files replaced by rename.

    Raises:
        ModelNotFoundError: it does not exist, is not a regular file, or may not be read.
        ModelFormatError: it is empty, compressed, larger than ``limit``, or changed while being read.
    """
    if isinstance(path, MemoryFile) and path.holds:
        if not 0 < len(path.contents) <= limit:
            size = len(path.contents)
            raise ModelFormatError(path, "impossible size", expected=f"1 to {limit} bytes", found=size)
        refuse_compressed(path, bytes(path.contents[:8]))
        return path.contents
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ModelNotFoundError(path, "this is not a regular file.")
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise ModelFormatError(
                    path, "the file is too large to be one of its kind", expected=limit, found=size
                )
            if size == 0:
                raise ModelFormatError(path, "the file is empty", found=0)
            refuse_compressed(path, file.read(8))
            if mapped:
                return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
            file.seek(0)
            return _read_exactly(file, size, path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ModelNotFoundError(path, f"cannot be read: {reason}.") from error


def _read_exactly(file: io.FileIO, size: int, path: Path) -> memoryview:
    buffer = bytearray(size)
    view = memoryview(buffer)
    done = 0
    while done < size:
        got = file.readinto(view[done:])
        if not got:
            raise ModelFormatError(path, "the file shrank while being read", expected=size, found=done)
        done += got
    return view.toreadonly()


def refuse_compressed(path: Path, head: bytes) -> None:
    """Raise ModelFormatError if the name or the first bytes say that the file is compressed as a whole."""
    kind = _PACKED_SUFFIXES.get(path.suffix.lower())
    kind = kind or next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)
    if kind is not None:
        raise ModelFormatError(
            path,
            f"the file is compressed with {kind}",
            advice=f"Unpack it first: {_unpack_command(kind)} {path.name}",
        )


def _unpack_command(kind: str) -> str:
    return {"gzip": "gunzip -k", "zstd": "zstd -d", "xz": "unxz -k", "bzip2": "bunzip2 -k"}[kind]


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
