"""A compiled graph, with the ways to look at it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from dragoman.planning.records import BatchShape, PlanRecord

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan(PlanRecord):
    """Instructions, and which value lies above which in memory. See `dragoman.planning.records.PlanRecord`."""

    def to_json(self, **batch: Unpack[BatchShape]) -> str:
        """Instructions, values, their places and sizes, for programs; arguments as for `extents`."""
        from dragoman.planning.show import to_json

        return to_json(self, self.extents(**batch))

    def plot(self, path: Path | str, **batch: Unpack[BatchShape]) -> None:
        """Draw which value lies where and when; arguments as for `extents`. Needs matplotlib."""
        from dragoman.planning.plot import plot

        plot(self, self.extents(**batch), Path(path))

    def __str__(self) -> str:
        """A table of the instructions."""
        from dragoman.planning.show import show

        return show(self)
