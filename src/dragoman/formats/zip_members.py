"""The members of an untrusted zip archive, each decompressed under a bound known before."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from dragoman.errors import ModelFormatError
from dragoman.formats.bounded import BoundedReader

__all__ = ["zip_members"]

_LOCAL_MAGIC = 0x04034B50
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED = 0x1
_INFLATION = 32
"""Unpacked bytes allowed for each byte of the file. Trained float weights shrink by less than a tenth."""
_SLACK_BYTES = 16 << 20
"""Allowed on top, for small models full of zeros (deflate reaches 1000 to 1)."""


def zip_members(buffer: memoryview, path: Path) -> Iterator[tuple[str, memoryview]]:
    """Name and unpacked contents of each member, in the file's order; views of ``buffer`` where stored.

    Sizes come from the central directory and are checked against the file before anything is unpacked.
    Members lie inside the file, do not overlap, and unpack together to at most 32 times the file's size and
    16 MB. CRCs are verified. Never holds more than one unpacked member itself.

    Raises:
        ModelFormatError: not a zip archive, damaged, encrypted, of an unusual compression method, or a bomb.
    """
    members = _directory(buffer, path)
    total = sum(member.file_size for member in members)
    limit = _INFLATION * len(buffer) + _SLACK_BYTES
    if total > limit:
        raise ModelFormatError(
            path,
            "the archive would unpack to more than any model of its size",
            expected=f"at most {limit}",
            found=total,
        )
    end = 0
    reader = BoundedReader(buffer, path)
    for member in sorted(members, key=lambda entry: entry.header_offset):
        if member.header_offset < end:
            raise reader.fail(
                "members of the archive overlap", parameter=member.filename, offset=member.header_offset
            )
        contents = _contents(reader, member)
        end = reader.position
        yield member.filename, contents


def _directory(buffer: memoryview, path: Path) -> list[zipfile.ZipInfo]:
    try:
        # BytesIO shares the buffer of a bytes object only; the directory alone is parsed here, so a view
        # suffices.
        with zipfile.ZipFile(io.BufferedReader(_ViewFile(buffer))) as archive:
            members = archive.infolist()
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        ValueError,
        OverflowError,
        OSError,
        struct.error,
    ) as error:
        raise ModelFormatError(path, f"not a readable zip archive: {error}") from None
    names = {member.filename for member in members}
    if len(names) != len(members):
        raise ModelFormatError(path, "two members of the archive have the same name")
    return members


def _contents(reader: BoundedReader, member: zipfile.ZipInfo) -> memoryview:
    name = member.filename
    reader.seek(member.header_offset, f"member {name!r}")
    if reader.u32("a member's header") != _LOCAL_MAGIC:
        raise reader.fail(
            "a member does not start with a zip header", parameter=name, offset=member.header_offset
        )
    reader.seek(member.header_offset + _LOCAL_HEADER_BYTES - 4, "a member's header")
    name_bytes, extra_bytes = reader.u16("a member's header"), reader.u16("a member's header")
    reader.take(name_bytes + extra_bytes, "a member's name", parameter=name)
    if member.flag_bits & _ENCRYPTED:
        raise reader.fail("the archive is encrypted", parameter=name)
    start = reader.position
    packed = reader.take(member.compress_size, "the member", parameter=name)
    if member.compress_type == zipfile.ZIP_STORED:
        contents = packed
    elif member.compress_type == zipfile.ZIP_DEFLATED:
        contents = _inflate(packed, member.file_size, reader, name, start)
    else:
        raise reader.fail(
            "unknown compression method",
            parameter=name,
            offset=start,
            expected="0 or 8",
            found=member.compress_type,
        )
    if len(contents) != member.file_size:
        raise reader.fail(
            "the member has another size than declared",
            parameter=name,
            offset=start,
            expected=member.file_size,
            found=len(contents),
        )
    if zlib.crc32(contents) != member.CRC:
        raise reader.fail("the member's checksum (CRC-32) is wrong", parameter=name, offset=start)
    return contents


def _inflate(packed: memoryview, size: int, reader: BoundedReader, name: str, start: int) -> memoryview:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        # One byte more than declared, so that a longer stream shows; max_length 0 would mean no bound.
        return memoryview(unpacker.decompress(packed, size + 1))
    except zlib.error as error:
        raise reader.fail(f"the member cannot be unpacked: {error}", parameter=name, offset=start) from None


class _ViewFile(io.RawIOBase):
    """A read-only file over a memoryview, so that ``zipfile`` needs no copy of a large model."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._view)}[whence]
        if base + offset < 0:
            raise ValueError("negative position")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, target: object) -> int:
        room = memoryview(target).cast("B")  # type: ignore[arg-type]
        piece = self._view[self._position : self._position + len(room)]
        room[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
