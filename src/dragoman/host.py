"""What the native module does beside running plans: memory, checksums, stop flags, checks of foreign files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from dragoman import _native

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Region", "StopFlag", "anonymous", "check_sentencepiece", "checksum", "map_file", "stop_flag"]


class Region(Protocol):
    """Memory for one model's weights: a mapped file, or private pages. Gone with its last use.

    ``memoryview(region)`` is all bytes, without a copy.
    """

    @property
    def nbytes(self) -> int: ...
    @property
    def file_backed(self) -> bool: ...
    @property
    def damaged(self) -> bool:
        """Whether the file was cut short or written to since it was mapped."""
        ...

    def view(self) -> NDArray[np.uint8]:
        """All bytes as an array, without a copy; writable until the region is sealed."""
        ...

    def seal(self, nbytes: int) -> bool:
        """Keep the first bytes, read-only. Views made before may still be written through: drop them."""
        ...

    def __buffer__(self, flags: int, /) -> memoryview: ...


class StopFlag(Protocol):
    """Ends a flight early. Back ends look at it at least once a step."""

    def set(self) -> None: ...
    def clear(self) -> None: ...
    def is_set(self) -> bool: ...


def anonymous(nbytes: int) -> Region:
    """Private zero pages, writable until sealed. Raises OSError."""
    return cast(Region, _native.Region.anonymous(nbytes))


def map_file(descriptor: int, path: Path) -> Region:
    """An open file, mapped read-only; the descriptor is not kept. ``path``: where it lies. Raises OSError."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = ""  # no name that the native module can look at again: whoever holds the map does
    return cast(Region, _native.Region.map(descriptor, text))


def checksum(data: bytes | bytearray | memoryview) -> int:
    """64 bits against damage, not against malice."""
    return _native.checksum(cast("NDArray[np.uint8]", data))  # any buffer of bytes will do


def check_sentencepiece(data: bytes) -> tuple[str | None, int, int]:
    """Of a SentencePiece model: what is wrong with it or None, at which byte, and its number of pieces."""
    problem, offset, pieces = _native.check_sentencepiece(data)
    return problem, offset, pieces


def stop_flag() -> StopFlag:
    """A flag that is not set."""
    return _native.StopFlag()
