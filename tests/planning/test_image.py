"""Plans as bytes: one table on both sides, nothing lost, nothing that has no place."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from backends.families import compiled

from dragoman import _native
from dragoman.errors import PlanError
from dragoman.graph.extents import Symbol
from dragoman.planning import instructions as ins
from dragoman.planning.fields import Instruction, Operand, reads, setting
from dragoman.planning.image import FIELDS, OPERATIONS, plan_image
from dragoman.planning.records import Precision


def test_one_table_on_both_sides() -> None:
    assert _native.operation_names() == tuple(kind.__name__ for kind in OPERATIONS)
    assert _native.field_names() == tuple(FIELDS)
    declared = {value for value in vars(ins).values() if isinstance(value, type) and issubclass(value, Instruction)}
    assert declared - {Instruction} == set(OPERATIONS)
    for kind in OPERATIONS:
        places = [place.native for place in kind.places().values()]
        assert set(places) <= {*FIELDS, "rows"}, kind
        assert len(set(places)) == len(places), f"two fields of {kind.__name__} in one place"


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("name", ["ssru", "transformer", "s2s-lstm-norm", "average"])
def test_the_native_core_reads_what_is_written(name: str, precision: Precision) -> None:
    image = plan_image(compiled(name, precision)[1])
    assert _native.Plan.of_image(image).image() == image


@dataclass(frozen=True)
class Unheard(Instruction):
    x: Operand = reads("x")


@dataclass(frozen=True)
class Misplaced(ins.Copy):
    colour: int = setting("colour")


def test_what_has_no_place_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _, plan, _ = compiled("ssru")
    operand = Operand(0, 0, 1)
    with pytest.raises(PlanError, match="Unheard is no instruction"):
        plan_image(replace(plan, step=(Unheard(Symbol.ROWS, operand),)))
    monkeypatch.setattr("dragoman.planning.image.OPERATIONS", (*OPERATIONS, Misplaced))
    with pytest.raises(PlanError, match="colour has no place"):
        plan_image(replace(plan, step=(Misplaced(Symbol.ROWS, operand, operand, 3),)))


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1])
def test_numbers_out_of_range(number: int) -> None:
    _, plan, _ = compiled("ssru")
    with pytest.raises(PlanError, match="out of range"):
        plan_image(replace(plan, logits=number))
