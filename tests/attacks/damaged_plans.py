"""Runs plans that were damaged in memory: a process of its own, which must live.

``python damaged_plans.py FIRST LAST`` prints how many ran and how many were refused, of the damages with these numbers.
"""

from __future__ import annotations

import random
import sys
from dataclasses import fields, replace

from attacks.victim import packed, translate
from backends.families import compiled

from dragoman import _native
from dragoman.errors import DragomanError
from dragoman.graph.extents import Symbol
from dragoman.graph.ops import Function
from dragoman.planning.fields import Operand
from dragoman.planning.image import plan_image
from dragoman.planning.kinds import Kind
from dragoman.planning.plan import Plan
from dragoman.planning.records import Precision

FAMILIES = ("ssru", "transformer", "transformer-prenorm", "s2s-lstm-norm", "average", "transformer-gru")
NUMBERS = (-(2**31), -2, -1, 0, 1, 2, 3, 5, 8, 16, 17, 24, 40, 96, 1000, 2**20, 2**31 - 1)


def damaged(value: object, rng: random.Random, plan: Plan) -> object:
    if isinstance(value, Operand):
        which = rng.choice(("value", "column", "columns"))
        number = rng.randrange(len(plan.values)) if which == "value" and rng.random() < 0.8 else rng.choice(NUMBERS)
        return replace(value, **{which: number})
    if isinstance(value, bool):
        return not value
    if isinstance(value, Symbol):
        return rng.choice(list(Symbol))
    if isinstance(value, Function):
        return rng.choice(list(Function))
    if isinstance(value, int):
        return rng.choice(NUMBERS)
    return None if rng.random() < 0.5 else value


def mutate(plan: Plan, rng: random.Random) -> Plan:
    for _ in range(rng.randint(1, 3)):
        kind = rng.random()
        if kind < 0.6:
            phase = rng.choice([name for name in ("encode", "prime", "select", "step") if getattr(plan, name)])
            code = list(getattr(plan, phase))
            at = rng.randrange(len(code))
            field = rng.choice(fields(code[at]))
            code[at] = replace(code[at], **{field.name: damaged(getattr(code[at], field.name), rng, plan)})
            if rng.random() < 0.1:
                code.insert(at, rng.choice(plan.instructions()))
            plan = replace(plan, **{phase: tuple(code)})
        elif kind < 0.8:
            values = list(plan.values)
            at = rng.randrange(len(values))
            changed = rng.choice((
                {"rows": rng.choice([*Symbol, 0, 1, 3])}, {"columns": rng.choice([*Symbol, 0, 1, 8, 4096])},
                {"kind": rng.choice(list(Kind))},
            ))
            values[at] = replace(values[at], **changed)
            plan = replace(plan, values=tuple(values))
        else:
            changed = rng.choice((
                {"logits": rng.choice(NUMBERS)}, {"alignment": rng.randrange(len(plan.values))},
                {"caches": rng.choice((0, 3))},
                {"order": tuple(reversed(plan.order))}, {"below": plan.below[1:]}, {"slots": plan.slots[::-1]},
            ))
            plan = replace(plan, **changed)
    return plan


def main(first: int, last: int) -> None:
    ran = refused = 0
    for seed in range(first, last):
        rng = random.Random(seed)
        _, plan, file = compiled(rng.choice(FAMILIES), rng.choice(list(Precision)))
        _, region, table = packed(plan, file)
        print(seed, file=sys.stderr, flush=True)
        try:
            translate(_native.Plan.of_image(plan_image(mutate(plan, rng))), region, table)
            ran += 1
        except (DragomanError, TypeError, AttributeError, RuntimeError, OverflowError):
            refused += 1
    print(ran, refused)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
