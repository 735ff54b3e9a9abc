"""A reader that cannot leave its buffer. The only place of the package that slices untrusted bytes."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dragoman.errors import ModelFormatError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["BoundedReader"]

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_F32 = struct.Struct("<f")


class BoundedReader:
    """Reads little-endian values from a buffer, front to back, and fails by name instead of reading past its
    end.

    Sizes are Python integers, so no product of counts from a file can overflow. Nothing is allocated for a
    count before the bytes behind it are known to exist.

    Attributes:
        path: the file the buffer came from; only for messages.
        position: next byte to read, 0 <= position <= size.
        size: bytes in the buffer.
    """

    def __init__(self, buffer: memoryview | bytes, path: Path, *, position: int = 0) -> None:
        self._buffer = memoryview(buffer).cast("B")
        self.path = path
        self.size = len(self._buffer)
        self.position = 0
        self.seek(position, "the start")

    @property
    def remaining(self) -> int:
        """Bytes from the position to the end."""
        return self.size - self.position

    def fail(
        self,
        problem: str,
        *,
        parameter: str | None = None,
        offset: int | None = None,
        expected: object = None,
        found: object = None,
    ) -> ModelFormatError:
        """The error to raise for a defect at ``offset`` (where absent, at the position)."""
        at = self.position if offset is None else offset
        return ModelFormatError(
            self.path, problem, parameter=parameter, offset=at, expected=expected, found=found
        )

    def seek(self, position: int, what: str) -> None:
        """Go to an absolute position, or raise ModelFormatError if it lies outside."""
        if not 0 <= position <= self.size:
            raise self.fail(
                f"{what} lies outside the file", expected=f"0 to {self.size} bytes", found=position
            )
        self.position = position

    def take(self, count: int, what: str, *, parameter: str | None = None) -> memoryview:
        """The next ``count`` bytes, as a view. Raises ModelFormatError if fewer are left."""
        if not 0 <= count <= self.remaining:
            raise self.fail(
                f"{what} needs {_grouped(count)} bytes, but {_grouped(self.remaining)} are left",
                parameter=parameter,
                expected=count,
                found=self.remaining,
            )
        view = self._buffer[self.position : self.position + count]
        self.position += count
        return view

    def u16(self, what: str) -> int:
        """The next two bytes as an unsigned integer."""
        value: int = _U16.unpack(self.take(2, what))[0]
        return value

    def u32(self, what: str) -> int:
        """The next four bytes as an unsigned integer."""
        value: int = _U32.unpack(self.take(4, what))[0]
        return value

    def u64(self, what: str) -> int:
        """The next eight bytes as an unsigned integer."""
        value: int = _U64.unpack(self.take(8, what))[0]
        return value

    def f32(self, what: str) -> float:
        """The next four bytes as a float32."""
        value: float = _F32.unpack(self.take(4, what))[0]
        return value

    def varint(self, what: str) -> int:
        """The next integer in protocol buffers' base-128 form, at most 64 bits."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1, what)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise self.fail(f"{what} is a number of more than 64 bits")

    def array(self, dtype: DTypeLike, count: int, what: str, *, parameter: str | None = None) -> NDArray[Any]:
        """The next ``count`` elements as a read-only array [count] over the buffer, without a copy.

        The array may be unaligned, and keeps the whole buffer alive.
        """
        import numpy as np  # slow to import, and a load of prepared weights reads no arrays

        kind = np.dtype(dtype)
        view = self.take(count * kind.itemsize, what, parameter=parameter)
        array = np.frombuffer(view, dtype=kind)
        array.flags.writeable = False
        return array

    def text(self, count: int, what: str, *, parameter: str | None = None) -> str:
        """The next ``count`` bytes as UTF-8."""
        start = self.position
        try:
            return str(self.take(count, what, parameter=parameter), "utf-8")
        except UnicodeDecodeError as error:
            raise self.fail(f"{what} is not UTF-8", parameter=parameter, offset=start + error.start) from None


def _grouped(count: int) -> str:
    return f"{count:,}".replace(",", " ") if abs(count) < 1 << 128 else "far too many"
