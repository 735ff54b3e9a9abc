"""A plan is a safety boundary: whatever Python hands over, the native core refuses it or runs it without harm."""

from __future__ import annotations

from dataclasses import replace

import pytest
from backends.families import compiled
from plan_attack import attack

from dragoman import _native
from dragoman.errors import NativeError
from dragoman.graph.extents import Symbol
from dragoman.planning.instructions import GemmFloat, Norm, Operand

CHILD = """
import dataclasses, random, sys
sys.path[:0] = {paths!r}
from dataclasses import fields, replace
from backends.families import LIMITS, SOURCES, compiled
from dragoman import _native
from dragoman.backends import native
from dragoman.backends.batch import Batch, SearchOptions
from dragoman.errors import DragomanError
from dragoman.graph.extents import Symbol
from dragoman.graph.ops import Function
from dragoman.weights.pack import prepare
from dragoman.weights.bind import bind
from dragoman.planning.instructions import Operand
from dragoman.planning.records import Kind, Precision

NUMBERS = (-(2**31), -2, -1, 0, 1, 2, 3, 5, 8, 16, 17, 24, 40, 96, 1000, 2**20, 2**31 - 1)

def damaged(value, rng, plan):
    if isinstance(value, Operand):
        which = rng.choice(("value", "column", "columns"))
        number = rng.randrange(len(plan.values)) if which == "value" and rng.random() < 0.8 else rng.choice(NUMBERS)
        return replace(value, **{{which: number}})
    if isinstance(value, bool):
        return not value
    if isinstance(value, Symbol):
        return rng.choice(list(Symbol))
    if isinstance(value, Function):
        return rng.choice(list(Function))
    if isinstance(value, int):
        return rng.choice(NUMBERS)
    return None if rng.random() < 0.5 else value

def mutate(plan, rng):
    for _ in range(rng.randint(1, 3)):
        kind = rng.random()
        if kind < 0.6:
            phase = rng.choice([name for name in ("encode", "prime", "select", "step") if getattr(plan, name)])
            code = list(getattr(plan, phase))
            at = rng.randrange(len(code))
            field = rng.choice(fields(code[at]))
            code[at] = replace(code[at], **{{field.name: damaged(getattr(code[at], field.name), rng, plan)}})
            if rng.random() < 0.1:
                code.insert(at, rng.choice(plan.instructions()))
            plan = replace(plan, **{{phase: tuple(code)}})
        elif kind < 0.8:
            values = list(plan.values)
            at = rng.randrange(len(values))
            changed = rng.choice((
                {{"rows": rng.choice([*Symbol, 0, 1, 3])}}, {{"columns": rng.choice([*Symbol, 0, 1, 8, 4096])}},
                {{"kind": rng.choice(list(Kind))}},
            ))
            values[at] = replace(values[at], **changed)
            plan = replace(plan, values=tuple(values))
        else:
            changed = rng.choice((
                {{"logits": rng.choice(NUMBERS)}}, {{"alignment": rng.randrange(len(plan.values))}},
                {{"caches": rng.choice((0, 3))}},
                {{"order": tuple(reversed(plan.order))}}, {{"below": plan.below[1:]}}, {{"slots": plan.slots[::-1]}},
            ))
            plan = replace(plan, **changed)
    return plan

ran = refused = 0
for seed in range({first}, {last}):
    rng = random.Random(seed)
    name = rng.choice(("ssru", "transformer", "transformer-prenorm", "s2s-lstm-norm", "average", "transformer-gru"))
    precision = rng.choice(list(Precision))
    _, plan, file = compiled(name, precision)
    slots, _ = prepare(plan, bind(plan, file), shortlist=False)
    print(seed, file=sys.stderr, flush=True)
    try:
        weights = _native.Weights(_native.Plan(mutate(plan, rng)), slots)
        batch = Batch.of(SOURCES, LIMITS)
        call = _native.Call([(weights, 1.0)], None, batch.source, batch.offsets, batch.limits, None, None,
                            native.native_options(SearchOptions(beam_size=2, alignment=True, group_tokens=12)))
        workspace = _native.Workspace(1 << 16, 1 << 26)
        call.run(workspace, _native.StopFlag())
        call.results()
        ran += 1
    except (DragomanError, TypeError, AttributeError, RuntimeError, OverflowError):
        refused += 1
print(ran, refused)
"""


def test_damaged_plans() -> None:
    ran, refused = attack(CHILD, 0, 400)
    assert ran > 20 and refused > 100


@pytest.mark.slow
def test_damaged_plans_thoroughly() -> None:
    attack(CHILD, 1000, 21000)


def test_what_is_wrong_is_said() -> None:
    _, plan, _ = compiled("ssru")
    at = next(number for number, code in enumerate(plan.step) if isinstance(code, (GemmFloat, Norm)))
    wide = replace(plan.step[at], x=Operand(0, 0, 10_000))  # type: ignore[call-arg]
    with pytest.raises(NativeError, match=rf"step instruction {at}: x leaves its value"):
        _native.Plan(replace(plan, step=(*plan.step[:at], wide, *plan.step[at + 1 :])))
    grown = replace(plan.values[0], rows=Symbol.CELLS)
    with pytest.raises(NativeError, match="select instruction 0"):
        _native.Plan(replace(plan, values=(grown, *plan.values[1:])))
    with pytest.raises(NativeError, match="layout: wrong length"):
        _native.Plan(replace(plan, below=plan.below[1:]))
