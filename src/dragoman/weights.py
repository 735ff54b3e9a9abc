"""A model's weights: immutable, one copy, shared by every worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dragoman import _native
from dragoman.binding import bind
from dragoman.formats.parameters import ParameterFile
from dragoman.packing import prepare
from dragoman.planning.plan import Plan

__all__ = ["Weights", "prepare_weights"]


@dataclass(frozen=True, eq=False)
class Weights:
    """Prepared parameters of one model.

    Attributes:
        native: the table slot -> address; keeps the region alive.
        nbytes: size of the region.
        vocabulary: rows of the output layer.
    """

    native: Any
    nbytes: int
    vocabulary: int


def prepare_weights(plan: Plan, native_plan: Any, file: ParameterFile, *, shortlist: bool) -> Weights:
    """Bind a model file to a plan and pack it.

    Args:
        plan, native_plan: the same plan, for binding and for the kernels.
        file: the model's parameters. Nothing of it is referenced afterwards.
        shortlist: see `dragoman.packing.prepare`.

    Raises:
        ModelFormatError: a parameter is missing or has another shape.
        WeightsError: a matrix cannot be quantised.
    """
    slots, nbytes = prepare(plan, bind(plan, file), shortlist=shortlist)
    native = _native.Weights(native_plan, slots)
    return Weights(native, nbytes, native.vocabulary)
