"""A plan is a safety boundary: whatever Python hands over, the native core refuses it or runs it without harm."""

from __future__ import annotations

from dataclasses import replace

import pytest
from backends.families import compiled
from plan_attack import attack

from dragoman import _native
from dragoman.errors import NativeError
from dragoman.graph.extents import Symbol
from dragoman.planning.fields import Operand
from dragoman.planning.image import plan_image
from dragoman.planning.instructions import GemmFloat, Norm


def test_damaged_plans() -> None:
    ran, refused = attack("damaged_plans.py", 0, 400)
    assert ran > 20 and refused > 100


@pytest.mark.slow
def test_damaged_plans_thoroughly() -> None:
    attack("damaged_plans.py", 1000, 21000)


def test_what_is_wrong_is_said() -> None:
    _, plan, _ = compiled("ssru")
    at = next(number for number, code in enumerate(plan.step) if isinstance(code, (GemmFloat, Norm)))
    wide = replace(plan.step[at], x=Operand(0, 0, 10_000))  # type: ignore[call-arg]
    with pytest.raises(NativeError, match=rf"step instruction {at}: x leaves its value"):
        _native.Plan.of_image(plan_image(replace(plan, step=(*plan.step[:at], wide, *plan.step[at + 1 :]))))
    grown = replace(plan.values[0], rows=Symbol.CELLS)
    with pytest.raises(NativeError, match="select instruction 0"):
        _native.Plan.of_image(plan_image(replace(plan, values=(grown, *plan.values[1:]))))
    with pytest.raises(NativeError, match="layout: wrong length"):
        _native.Plan.of_image(plan_image(replace(plan, below=plan.below[1:])))
