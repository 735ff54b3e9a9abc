"""Compiles a graph: the way from an architecture to its plan.

graph > facts (who reads what) > fuse (decisions) > emit (instructions) > coalesce (fewer copies)
      > liveness (lifetimes) > layout (stacking) > Plan
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from dragoman.errors import PlanError
from dragoman.graph.graph import Graph
from dragoman.planning.layout.layout import Item, plan_layout
from dragoman.planning.layout.liveness import lifetimes
from dragoman.planning.layout.nominal import nominal_batches
from dragoman.planning.lowering.coalesce import coalesce
from dragoman.planning.lowering.context import Context
from dragoman.planning.lowering.draft import Draft
from dragoman.planning.lowering.emit import emit
from dragoman.planning.lowering.facts import Facts
from dragoman.planning.lowering.fuse import fuse
from dragoman.planning.lowering.quantised import QuantisedInputs
from dragoman.planning.lowering.slots import SlotTable
from dragoman.planning.plan import Plan
from dragoman.planning.precisions import Precisions
from dragoman.planning.records import PlanPhase, Value

__all__ = ["Precisions", "compile_graph", "layout_items"]


def compile_graph(graph: Graph, precisions: Precisions) -> Plan:
    """The plan of an architecture: the same graph and precisions give the same plan, byte by byte.

    Raises PlanError where the graph contradicts itself, or asks for what no instruction does.
    """
    facts = Facts(graph)
    fusions = fuse(facts, precisions)
    slots, draft = SlotTable(facts, precisions), Draft()
    context = Context(facts, fusions, slots, QuantisedInputs(facts, fusions, precisions, slots, draft), draft)
    emit(context)
    if context.logits is None:
        raise PlanError("the graph has no logits.")
    marked = [context.logits, context.alignment, *context.states.values()]
    values_before = [None if operand is None else draft.values[operand.value] for operand in marked]
    coalesce(draft)
    logits, alignment, *states = [_find(draft, value) for value in values_before]
    if logits is None:
        raise PlanError("the logits are lost.")
    results = {number for number in (logits, alignment) if number is not None}
    living = lifetimes(draft.instructions(), draft.loops(), results)
    values = tuple(
        Value(value.name, value.rows, value.columns, value.kind, *living[number])
        for number, value in enumerate(draft.values)
    )
    layout = plan_layout(layout_items(values))
    plan = Plan(
        name=graph.name,
        signature="",
        values=values,
        below=layout.below,
        order=layout.order,
        slots=tuple(slots.slots),
        select=tuple(draft.phases[PlanPhase.SELECT]),
        encode=tuple(draft.phases[PlanPhase.ENCODE]),
        prime=tuple(draft.phases[PlanPhase.PRIME]),
        step=tuple(draft.phases[PlanPhase.STEP]),
        logits=logits,
        alignment=alignment,
        states=tuple(number for number in states if number is not None),
        caches=context.caches,
    )
    content = repr(replace(plan, name=""))
    return replace(plan, signature=hashlib.sha256(content.encode()).hexdigest())


def layout_items(values: tuple[Value, ...]) -> list[Item]:
    """Values as the layout sees them, with their sizes at the nominal batches."""
    shapes = [batch.extents(alignment=True) for batch in nominal_batches()]
    return [
        Item(value.name, tuple(value.bytes(extents) for extents in shapes), value.first, value.last)
        for value in values
    ]


def _find(draft: Draft, value: object) -> int | None:
    """Number of a value after renumbering; None if it is gone or was none."""
    return next((number for number, other in enumerate(draft.values) if other is value), None)
