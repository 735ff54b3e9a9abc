"""Emits products and the output layer, with their quantised inputs."""

from __future__ import annotations

from dragoman.graph import ops
from dragoman.graph.extents import Symbol
from dragoman.graph.graph import Node
from dragoman.planning import instructions as ins
from dragoman.planning.fields import Operand
from dragoman.planning.kinds import Kind
from dragoman.planning.lowering.context import Context
from dragoman.planning.lowering.fuse import weight_names
from dragoman.planning.records import PlanPhase, Precision


def emit_product(context: Context, node: Node) -> None:
    """A product with all that was joined with it, and its activation; nothing if that is done already."""
    fusions = context.fusions
    group = fusions.joined[node.number]
    if any(context.is_computed(fusions.result(product)) for product in group):
        return
    function = ops.Function.NONE
    result = fusions.result(node)
    if isinstance(result.op, ops.Activate):
        function = result.op.function
    matrix, rows = context.slots.matrix(group), context.facts.instruction_rows(node)
    if context.slots.precisions.of(weight_names(context.facts, node)) is Precision.FLOAT32:
        x = context.read(node.inputs[0])
        context.emit(ins.GemmFloat(rows, x, matrix, function, _store(context, group)))
        return
    x, row_scale = _quantised_input(context, node, rows)
    if len(group) > 1:
        output = _store(context, group)
        context.emit(ins.GemmInt8(rows, x, row_scale, matrix, function, output, None, None))
    else:
        context.emit(ins.GemmInt8(rows, x, row_scale, matrix, function, *context.results(result)))


def emit_logits(context: Context, node: Node) -> None:
    """The output layer, and the selection of its columns before the first step."""
    table = context.slots.table(node.inputs[1])
    width = context.facts.node(node.inputs[0]).shape[1]
    precision = context.slots.precisions.of(weight_names(context.facts, node))
    integer = precision is not Precision.FLOAT32
    new, union = context.draft.new, Symbol.UNION
    panels = new("output panels", union, width, Kind.U8 if integer else Kind.F32)
    scales = new("output scales", 1, union) if integer else None
    biases = new("output biases", 1, union)
    sums = new("output column sums", 1, union, Kind.I32) if precision is Precision.INT8_ROWS else None
    context.draft.phases[PlanPhase.SELECT].append(
        ins.SelectCandidates(union, table, panels, scales, biases, sums)
    )
    if scales is None:
        x = context.read(node.inputs[0])
        output = context.store(node)
        context.emit(ins.LogitsFloat(Symbol.ROWS, x, table, panels, biases, output))
    else:
        x, row_scale = _quantised_input(context, node, Symbol.ROWS)
        output = context.store(node)
        context.emit(ins.LogitsInt8(Symbol.ROWS, x, row_scale, table, panels, scales, biases, sums, output))
    if node.number == context.facts.graph.logits:
        context.logits = output
        context.draft.values[output.value].kept = True


def _quantised_input(context: Context, node: Node, rows: Symbol) -> tuple[Operand, Operand | None]:
    known = context.quantised.known(node)
    if known is not None:
        return known
    output, row_scale, instruction = context.quantised.make(node, context.read(node.inputs[0]), rows)
    context.emit(instruction)
    return output, row_scale


def _store(context: Context, group: tuple[Node, ...]) -> Operand:
    """One value for the results of joined products, side by side."""
    results = [context.fusions.result(product) for product in group]
    if len(results) == 1:
        return context.store(results[0])
    widths = [node.shape[1] if isinstance(node.shape[1], int) else 0 for node in results]
    name = " | ".join(context.facts.name(product) for product in group)
    joined = context.draft.new(name, context.facts.stored_rows(results[0]), sum(widths))
    column = 0
    for node, width in zip(results, widths, strict=True):
        context.put(node, Operand(joined.value, column, width))
        column += width
    return joined
