"""Element types of a plan's values."""

from __future__ import annotations

import enum

__all__ = ["Kind"]


class Kind(enum.Enum):
    """Element type of a value."""

    F32 = "f32"
    U8 = "u8"
    I32 = "i32"

    @property
    def itemsize(self) -> int:
        return 1 if self is Kind.U8 else 4

    @property
    def column_multiple(self) -> int:
        """Rows start on 64-byte boundaries."""
        return 64 // self.itemsize
