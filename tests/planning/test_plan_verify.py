"""The verifier accepts what the planner makes, and finds what is broken on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from plan_tools import GRAPHS, batches, compiled

from dragoman.errors import PlanError
from dragoman.graph.extents import Extents, Symbol
from dragoman.planning import instructions as ins
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.layout.nominal import nominal_batches
from dragoman.planning.plan import Plan
from dragoman.planning.records import PlanPhase, Precision, VectorSlot
from dragoman.planning.verify.verify import verify

EXTENTS = next(iter(nominal_batches())).extents(alignment=True)
PLAN = compiled("ssru", Precision.INT8)


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("name", GRAPHS)
def test_plans_are_sound(name: str, precision: Precision) -> None:
    plan = compiled(name, precision)

    @settings(max_examples=15, deadline=None)
    @given(batches())
    def check(extents: Extents) -> None:
        verify(plan, extents)

    check()


def with_step(plan: Plan, index: int, **changes: object) -> Plan:
    step = list(plan.step)
    step[index] = replace(step[index], **changes)  # type: ignore[arg-type]
    return replace(plan, step=tuple(step))


def with_value(plan: Plan, number: int, **changes: object) -> Plan:
    values = list(plan.values)
    values[number] = replace(values[number], **changes)  # type: ignore[arg-type]
    return replace(plan, values=tuple(values))


def find(plan: Plan, kind: type[Instruction], phase: PlanPhase = PlanPhase.STEP) -> int:
    return next(i for i, each in enumerate(getattr(plan, phase.value)) if isinstance(each, kind))


def unstacked(plan: Plan) -> Plan:
    """The value placed last stands on nothing."""
    number = plan.order[-1]
    below = tuple(() if other == number else lower for other, lower in enumerate(plan.below))
    return replace(plan, below=below)


def swapped_order(plan: Plan) -> Plan:
    return replace(plan, order=plan.order[::-1])


def shorter_life(plan: Plan) -> Plan:
    number = plan.states[0]
    return with_value(plan, number, last=plan.values[number].last - 1)


def outside_its_value(plan: Plan) -> Plan:
    at = find(plan, ins.Mix)
    gate = plan.step[at].gate  # type: ignore[attr-defined]
    return with_step(plan, at, gate=Operand(gate.value, gate.column + 1, gate.columns))


def no_such_value(plan: Plan) -> Plan:
    return with_step(plan, 0, output=Operand(len(plan.values), 0, 64))


def wrong_kind(plan: Plan) -> Plan:
    at = find(plan, ins.GemmInt8)
    return with_step(plan, at, x=plan.step[0].output)  # type: ignore[attr-defined]


def wrong_slot(plan: Plan) -> Plan:
    at = find(plan, ins.GemmInt8)
    vector = next(n for n, slot in enumerate(plan.slots) if isinstance(slot, VectorSlot))
    return with_step(plan, at, matrix=vector)


def narrow_matrix(plan: Plan) -> Plan:
    slots = list(plan.slots)
    number = plan.step[find(plan, ins.GemmInt8)].matrix  # type: ignore[attr-defined]
    slots[number] = replace(slots[number], rows=32)  # type: ignore[call-arg]
    return replace(plan, slots=tuple(slots))


def no_alpha(plan: Plan) -> Plan:
    vector = next(n for n, slot in enumerate(plan.slots) if isinstance(slot, VectorSlot))
    return with_step(plan, find(plan, ins.Norm), multiplier_of=vector)


def read_before_written(plan: Plan) -> Plan:
    return replace(plan, step=plan.step[1:])


def state_never_written(plan: Plan) -> Plan:
    return replace(plan, prime=tuple(each for each in plan.prime if not isinstance(each, ins.Zero)))


def group_value_in_a_step(plan: Plan) -> Plan:
    group = next(n for n, value in enumerate(plan.values) if value.rows is Symbol.GROUP_TOKENS)
    return with_step(plan, 1, x=Operand(group, 0, 64))


def step_in_the_encoder(plan: Plan) -> Plan:
    reorder = plan.step[find(plan, ins.ReorderState)]
    return replace(plan, encode=(*plan.encode, replace(reorder, rows=Symbol.GROUP_TOKENS)))


def over_its_own_input(plan: Plan) -> Plan:
    at = find(plan, ins.Norm)
    return with_step(plan, at, output=plan.step[at].residual)  # type: ignore[attr-defined]


def more_caches(plan: Plan) -> Plan:
    return replace(plan, caches=1)


def other_logits(plan: Plan) -> Plan:
    return replace(plan, logits=0)


def scratch_of_another_shape(plan: Plan) -> Plan:
    at = find(plan, ins.CrossAttention)
    return with_value(plan, plan.step[at].scratch.value, rows=3)  # type: ignore[attr-defined]


def nothing_written(plan: Plan) -> Plan:
    at = find(plan, ins.CrossAttention)
    return with_step(plan, at, quantised=None, multiplier_of=None)


def unending_scan(plan: Plan) -> Plan:
    begin = ins.ScanBegin(Symbol.GROUP_SENTENCES, False)
    return replace(plan, encode=(*plan.encode, begin))


@pytest.mark.parametrize(
    ("mutate", "message"),
    [
        (unstacked, "neither is stacked"),
        (swapped_order, "placed before one that lies below"),
        (shorter_life, "outside of its lifetime"),
        (outside_its_value, "gate is columns"),
        (no_such_value, "which is none"),
        (wrong_kind, "x is f32, not u8"),
        (wrong_slot, "is no MatrixSlot"),
        (narrow_matrix, "x has 64 columns, not 32"),
        (no_alpha, "has no alpha"),
        (read_before_written, "before it is written"),
        (state_never_written, "before it is written"),
        (group_value_in_a_step, "x has rows Tg"),
        (step_in_the_encoder, "wrong phase"),
        (over_its_own_input, "output overlaps residual"),
        (more_caches, "0 caches, but says 1"),
        (other_logits, "writes another value than the plan's logits"),
        (scratch_of_another_shape, "scratch is f32"),
        (nothing_written, "writes nothing"),
        (unending_scan, "does not end"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_broken_plans_are_refused(mutate: Callable[[Plan], Plan], message: str) -> None:
    broken = mutate(PLAN)
    with pytest.raises(PlanError, match=message):
        verify(broken, EXTENTS)


def test_every_direction_of_the_stack_is_needed() -> None:
    """Without any one of the frozen directions some values would be free to overlap."""
    plan = compiled("gru", Precision.FLOAT32)
    for number, lower in enumerate(plan.below):
        for other in lower:
            below = list(plan.below)
            below[number] = tuple(each for each in lower if each != other)
            with pytest.raises(PlanError, match="stacked"):
                verify(replace(plan, below=tuple(below)), EXTENTS)
