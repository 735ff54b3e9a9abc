"""Files compressed as a whole, as Firefox stores them (``.gz``, ``.zst``): unpacked in memory, within a bound.

The first bytes decide, not the name: some servers unpack on the way and leave the name. Formats: RFC 1952, RFC 8878.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from dragoman.errors import ModelFormatError

__all__ = ["PACKED_SUFFIXES", "Packing", "packing_of", "plain_name", "plain_suffix", "unpack", "unpack_start"]

Packing = Literal["gzip", "zstd"]

PACKED_SUFFIXES = (".gz", ".zst")
_UNREAD_SUFFIXES = (".xz", ".bz2")
_MAGIC: dict[bytes, Packing] = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_UNREAD = {b"\xfd7zXZ\0": "unxz -k", b"BZh91AY&SY": "bunzip2 -k"}

_INFLATION = 32
_SLACK_BYTES = 16 << 20
"""A file may unpack to so many times its size, and so much more. Model files shrink by a tenth, vocabularies and
shortlists to a third; gzip alone could reach 1000 to 1."""
_PIECE = 1 << 20
_WINDOW = 1 << 16
_MEMBERS, _MEMBER_BYTES = 64, 1 << 10
"""So many members, and one more for each so many bytes: each costs a copy of what was read ahead."""


def plain_name(name: str) -> str:
    """A file's name without ``.gz`` or ``.zst``."""
    return name[: -len(Path(name).suffix)] if Path(name).suffix.lower() in PACKED_SUFFIXES else name


def plain_suffix(path: Path) -> str:
    """The suffix, in lower case, of what the file holds: ``.spm`` for ``vocab.ende.spm.gz``."""
    return Path(plain_name(path.name)).suffix.lower()


def packing_of(head: bytes) -> Packing | None:
    """What a file that starts so is compressed with; None: it is not, or not with what is read here."""
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def refuse_other_packing(path: Path, head: bytes) -> None:
    """Raise ModelFormatError for what would have to be unpacked first."""
    for magic, command in _UNREAD.items():
        if head.startswith(magic):
            raise ModelFormatError(path, "the file is compressed", advice=f"Unpack it first: {command} {path.name}")


def unpack(packed: memoryview, path: Path, *, limit: int) -> memoryview:
    """All that a compressed file holds.

    Args:
        packed: the file, whose first bytes `packing_of` knows.
        path: for messages.
        limit: most bytes accepted.

    Raises:
        ModelFormatError: it is damaged, cut short, larger than ``limit``, or a bomb.
    """
    bound = min(limit, _INFLATION * len(packed) + _SLACK_BYTES)
    found = bytearray()
    for piece in _pieces(packed, path):
        found += piece
        if len(found) > bound:
            raise ModelFormatError(
                path,
                "the file unpacks to more than any of its kind and size",
                expected=f"at most {bound} bytes",
                advice="It is none of a model's.",
            )
    if not found:
        raise ModelFormatError(path, "the file unpacks to nothing")
    return memoryview(found).toreadonly()


def unpack_start(packed: memoryview, path: Path, count: int) -> bytes:
    """The first ``count`` bytes, or all if there are fewer, of what the start of a compressed file holds."""
    found = b""
    try:
        for piece in _pieces(packed, path, most=count):
            found += piece
            if len(found) >= count:
                break
    except ModelFormatError:
        if not found:
            raise
    return found[:count]


def _pieces(packed: memoryview, path: Path, *, most: int = _PIECE) -> Iterator[bytes]:
    """What a file holds, piece by piece: gzip members and zstd frames may follow each other."""
    kind = packing_of(bytes(packed[:8]))
    errors: tuple[type[Exception], ...] = (zlib.error,) if kind == "gzip" else (_zstd().ZstdError,)
    members, position = 0, 0
    try:
        while position == 0 or packing_of(bytes(packed[position : position + 8])) == kind:
            members += 1
            if members > _MEMBERS + len(packed) // _MEMBER_BYTES:
                raise ModelFormatError(path, "the compressed file consists of more pieces than real ones do")
            stream = _Gzip() if kind == "gzip" else _zstd().ZstdDecompressor()
            while not stream.eof:
                data = packed[position : position + _WINDOW] if stream.needs_input else b""
                if stream.needs_input and not data:
                    raise ModelFormatError(path, "the compressed file ends too early")
                position += len(data)
                yield stream.decompress(data, most)
            position -= len(stream.unused_data)  # what follows the last piece is padding, as for gzip itself
    except errors as error:
        raise ModelFormatError(path, f"the file cannot be unpacked ({kind}): {str(error)[:100]}") from None


class _Gzip:
    """zlib's object with the face of the zstd one."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail and not self._stream.eof

    def decompress(self, data: bytes | memoryview, most: int) -> bytes:
        return self._stream.decompress(bytes(data) or self._stream.unconsumed_tail, most)


def _zstd() -> Any:
    """Python's own from 3.14 on, before that its backport, which this package depends on."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
