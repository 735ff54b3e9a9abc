"""How instructions declare their fields: the one table that image, verifier, liveness and printer follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from dragoman.graph.extents import Symbol
from dragoman.planning.kinds import Kind

__all__ = ["Instruction", "Operand", "Place", "appends", "reads", "setting", "slot", "writes"]


@dataclass(frozen=True)
class Operand:
    """Columns ``column`` to ``column + columns`` of value number ``value``. ``columns`` is 0 where an extent
    (LONGEST, ALIGNED, CANDIDATES) decides."""

    value: int
    column: int
    columns: int


@dataclass(frozen=True)
class Place:
    """What a field of an instruction is: the one table that the image, the verifier and the printer follow.

    Attributes:
        native: the field of the native Instruction (native/plan/plan.h) that holds it.
        kinds: of an operand, the element types that its value may have; empty for what is no operand.
        reads, writes: of an operand.
        slot: it is the number of a slot.
    """

    native: str
    kinds: tuple[Kind, ...] = ()
    reads: bool = False
    writes: bool = False
    slot: bool = False


def _declared(place: Place) -> Any:
    return field(metadata={"place": place})


def reads(native: str, *kinds: Kind) -> Any:
    """An operand that is read; float32 where no kind is stated."""
    return _declared(Place(native, kinds or (Kind.F32,), reads=True))


def writes(native: str, *kinds: Kind) -> Any:
    """An operand that is written."""
    return _declared(Place(native, kinds or (Kind.F32,), writes=True))


def appends(native: str) -> Any:
    """An operand that is read and appended to."""
    return _declared(Place(native, (Kind.F32,), reads=True, writes=True))


def slot(native: str) -> Any:
    """The number of a slot."""
    return _declared(Place(native, slot=True))


def setting(native: str) -> Any:
    """Neither an operand nor a slot."""
    return _declared(Place(native))


@dataclass(frozen=True)
class Instruction:
    """Base. ``rows``: see the module."""

    rows: Symbol = setting("rows")

    @classmethod
    def places(cls) -> Mapping[str, Place]:
        """What each field is, in order of declaration."""
        found = _PLACES.get(cls)
        if found is None:
            table = {entry.name: entry.metadata["place"] for entry in fields(cls)}
            found = _PLACES[cls] = MappingProxyType(table)
        return found

    def operands(self) -> list[tuple[str, Operand]]:
        """Field names and operands present, in order of declaration."""
        found = ((name, getattr(self, name)) for name in self.places())
        return [(name, value) for name, value in found if isinstance(value, Operand)]

    def written(self) -> list[Operand]:
        """Operands that the instruction writes."""
        return [operand for name, operand in self.operands() if self.places()[name].writes]

    def read(self) -> list[Operand]:
        """Operands that it reads; what it appends to is both."""
        return [operand for name, operand in self.operands() if self.places()[name].reads]


_PLACES: dict[type[Instruction], Mapping[str, Place]] = {}
