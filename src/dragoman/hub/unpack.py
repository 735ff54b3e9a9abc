"""Compressed files and archives from strangers, unpacked within bounds known before."""

from __future__ import annotations

import gzip
import hashlib
import io
import mmap
import os
import sys
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from dragoman.errors import HubError, ModelFormatError
from dragoman.formats.zip_members import zip_members
from dragoman.hub.offers import safe_name

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["BROKEN", "digest_of", "git_blob_of", "is_archive", "open_layers", "unpack_archive", "unpack_file"]

_INFLATION = 64
"""Unpacked bytes allowed for each byte, where nothing says how many there are. Weights shrink to half at best."""
_SLACK_BYTES = 64 << 20
_LIMIT_BYTES = 16 << 30
_MAX_LAYERS = 3
_MAX_MEMBERS = 10_000
_MAX_DEPTH = 8
_CHUNK = 1 << 20
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_TAR_MAGIC_PLACE = 257
BROKEN = (OSError, EOFError, zlib.error, zstd.ZstdError, tarfile.TarError, ValueError)
"""What the libraries raise for damaged data."""


def digest_of(path: Path) -> str:
    """sha256 of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_blob_of(path: Path) -> str:
    """git's name for a file's contents. Raises OSError."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


class Readable(Protocol):
    """What is read from: at most so many bytes at once, none at the end."""

    def read(self, count: int, /) -> bytes: ...


def open_layers(file: BinaryIO, layers: int = _MAX_LAYERS) -> Readable:
    """What is left when gzip and zstd around a stream are taken off: some servers compress what is compressed.

    Raises one of `BROKEN` for damaged data, as reading does.
    """
    stream: Any = file
    for _ in range(layers):
        stream = _Peeked(stream)
        if stream.head.startswith(_GZIP):
            stream = gzip.GzipFile(fileobj=stream, mode="rb")
        elif stream.head.startswith(_ZSTD):
            stream = zstd.ZstdFile(stream, mode="r")
        else:
            break
    found: Readable = stream
    return found


class _Peeked:
    """A stream of which the first bytes are known; closes nothing."""

    def __init__(self, stream: Readable) -> None:
        self.head = b""
        while len(self.head) < 4 and (piece := stream.read(4 - len(self.head))):
            self.head += piece
        self._stream, self._rest = stream, self.head

    def read(self, count: int = -1) -> bytes:
        if not self._rest:
            return self._stream.read(count)
        size = len(self._rest) if count < 0 else count
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece + self._stream.read(count if count < 0 else size - len(piece))

    def readinto(self, room: memoryview) -> int:
        piece = self.read(len(room))
        room[: len(piece)] = piece
        return len(piece)


def unpack_file(
    packed: Path, target: Path, *, size: int | None, sha256: str | None, what: str, layers: int = _MAX_LAYERS
) -> None:
    """Write ``target`` as what ``packed`` holds, whatever it is compressed with, and check it.

    Args:
        size, sha256: of the unpacked bytes, or None.
        what: for messages.
        layers: how often it may be compressed.

    Raises:
        HubError: it is damaged, longer or shorter than ``size``, not what ``sha256`` says, or a bomb.
        OSError: the target cannot be written.
    """
    limit = size if size is not None else _limit(packed.stat().st_size)
    digest = hashlib.sha256()
    done = 0
    with packed.open("rb") as raw, target.open("wb") as out:
        for piece in _pieces(raw, layers, what):
            done += len(piece)
            if done > limit:
                raise HubError(f"{what} unpacks to more than {limit:,} bytes, which is not the model's file.")
            digest.update(piece)
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    if size is not None and done != size:
        raise HubError(f"{what} unpacks to {done:,} bytes, the catalogue says {size:,}: the file is damaged.")
    if sha256 is not None and digest.hexdigest() != sha256:
        raise HubError(f"{what} has the sha256 {digest.hexdigest()}, the catalogue says {sha256}: the file is damaged.")


def _pieces(raw: BinaryIO, layers: int, what: str) -> Iterator[bytes]:
    try:
        stream = open_layers(raw, layers)
        while piece := stream.read(_CHUNK):
            yield piece
    except BROKEN as error:
        raise HubError(f"{what} cannot be unpacked: {str(error)[:120]}. The file is damaged.") from None


def is_archive(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a zip or (compressed) tar archive."""
    if head.startswith(_ZIP):
        return True
    try:
        inside = open_layers(io.BytesIO(head)).read(512)
    except BROKEN:
        return False
    return inside[_TAR_MAGIC_PLACE : _TAR_MAGIC_PLACE + 5] == b"ustar"


def unpack_archive(archive: Path, folder: Path, what: str) -> None:
    """Write the files of an archive into an empty folder, without the one folder that holds all of them.

    Raises:
        HubError: neither zip nor tar, damaged, a bomb, or with anything in it but plain files of decent names.
        OSError: the folder cannot be written.
    """
    with archive.open("rb") as file:
        head = file.read(4)
    try:
        names = _unzip(archive, folder, what) if head == _ZIP else _untar(archive, folder, what)
    except ModelFormatError as error:
        raise HubError(f"{what} cannot be unpacked: {error}") from None
    if not names:
        raise HubError(f"{what} holds no files.")
    _lift(folder, names)


def _unzip(archive: Path, folder: Path, what: str) -> list[str]:
    names: list[str] = []
    with _mapped(archive) as view:
        for name, contents in zip_members(view, archive):
            if (name.endswith("/") and not len(contents)) or _hidden(name):
                continue
            target = _place(folder, name, names, what)
            with target.open("xb") as out:
                out.write(contents)
    return names


@contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        yield memoryview(mapped)
    finally:
        with suppress(BufferError):  # an error's traceback may still look at it
            mapped.close()


def _untar(archive: Path, folder: Path, what: str) -> list[str]:
    names: list[str] = []
    with archive.open("rb") as raw:
        try:
            stream: Any = _Rationed(open_layers(raw), _limit(archive.stat().st_size))
            with tarfile.open(fileobj=stream, mode="r:") as tar:
                for member in tar:
                    if member.isdir() or _hidden(member.name):
                        continue
                    if not member.isreg():
                        raise HubError(f"{what}: {member.name[:80]!r} is not a plain file, which no model needs.")
                    target = _place(folder, member.name, names, what)
                    contents = tar.extractfile(member)
                    assert contents is not None
                    with target.open("xb") as out:
                        left = member.size
                        while piece := contents.read(_CHUNK):
                            left -= out.write(piece)
                    if left:
                        raise HubError(f"{what}: {member.name!r} was cut short.")
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # of this machine's disk, not of the archive
            raise HubError(f"{what} cannot be unpacked: {str(error)[:120]}. The file is damaged.") from None
    return names


def _hidden(name: str) -> bool:
    """What systems leave in archives for themselves, such as ``._model.bin``: no model needs it."""
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/"))


def _place(folder: Path, name: str, names: list[str], what: str) -> Path:
    """Where a member goes; remembers its name. Raises HubError for names that lead elsewhere or come twice."""
    parts = name.removeprefix("./").split("/")
    if len(parts) > _MAX_DEPTH:
        raise HubError(f"{what}: {name[:80]!r} lies too deep.")
    for part in parts:
        safe_name(part, f"{what}: a file")
    if len(names) >= _MAX_MEMBERS:
        raise HubError(f"{what} holds more than {_MAX_MEMBERS:,} files.")
    target = folder.joinpath(*parts)
    if target.exists():
        raise HubError(f"{what}: two of its files have the name {name[:80]!r}.")
    names.append("/".join(parts))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise HubError(f"{what}: {name[:80]!r} lies in a file.") from None
    return target


def _lift(folder: Path, names: list[str]) -> None:
    """While all files lie in one folder, take them out of it."""
    tops = {name.split("/")[0] for name in names}
    while len(tops) == 1 and all("/" in name for name in names):
        inner = folder / tops.pop()
        moved = inner.rename(folder / ".lifted")
        for entry in list(moved.iterdir()):
            entry.rename(folder / entry.name)
        moved.rmdir()
        names = [name.partition("/")[2] for name in names]
        tops = {name.split("/")[0] for name in names}


def _limit(size: int) -> int:
    return min(_INFLATION * size + _SLACK_BYTES, _LIMIT_BYTES)


class _Rationed:
    """A stream that only goes forward, ends with an error after so many bytes, and gives little at once: a header of an
    archive may claim any length."""

    def __init__(self, stream: Readable, limit: int) -> None:
        self._stream, self._limit = stream, limit
        self._place = 0

    def read(self, count: int) -> bytes:
        if not 0 <= count <= 2 * _CHUNK:
            raise ValueError("a header of the archive is too long")
        piece = self._stream.read(count)
        self._place += len(piece)
        if self._place > self._limit:
            raise ValueError("the archive unpacks to more than any model of its size")
        return piece

    def tell(self) -> int:
        return self._place

    def seek(self, place: int) -> int:
        if place < self._place:
            raise ValueError("the archive goes backwards")
        while self._place < place and self.read(min(place - self._place, _CHUNK)):
            pass
        return self._place
