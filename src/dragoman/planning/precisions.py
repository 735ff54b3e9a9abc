"""Which products of a graph are computed in integers, and which of them may share one quantised input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dragoman.planning.records import Precision


@dataclass(frozen=True)
class Precisions:
    """The choice of number formats that a plan is compiled for.

    Attributes:
        default: precision of products and tables.
        floats: names of the parameters that stay float32 (a model file that stores some matrices as floats).
        alphas: for `Precision.INT8` the group of each weight's alpha: equal alphas have equal group names. A
            weight that is missing here, or all of them if None, is a group of its own. Only the partition
            matters, never the group's name, so that models with other alphas share a plan.
    """

    default: Precision
    floats: frozenset[str] = frozenset()
    alphas: Mapping[str, str] | None = None

    def of(self, names: Iterable[str]) -> Precision:
        """Precision of a product with these parameters joined: float if any of them must be."""
        return Precision.FLOAT32 if any(name in self.floats for name in names) else self.default

    def alpha_group(self, names: tuple[str, ...]) -> str | None:
        """Group of the activation multiplier of a product with these parameters; None where no stored alpha
        is used."""
        if self.of(names) is not Precision.INT8:
            return None
        first = next((name for name in names if name), "")
        return (self.alphas or {}).get(first, first)
