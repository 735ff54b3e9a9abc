"""Writes the instructions of a graph, one operation at a time, in the graph's order.

Copies where a value must be in a certain place (a concatenation, a state): `coalesce.py` then lets the
producer write there, where that is safe.
"""

from __future__ import annotations

from dragoman.errors import PlanError
from dragoman.graph import ops
from dragoman.graph.extents import Symbol
from dragoman.graph.graph import Node, Phase
from dragoman.planning import instructions as ins
from dragoman.planning.fields import Operand
from dragoman.planning.lowering.attention import Attentions
from dragoman.planning.lowering.context import Context
from dragoman.planning.lowering.products import emit_logits, emit_product
from dragoman.planning.lowering.states import States
from dragoman.planning.records import PlanPhase


def emit(context: Context) -> None:
    """Emit all nodes, phase by phase, into the context's draft."""
    attentions, states = Attentions(context), States(context)
    for phase in Phase:
        context.phase = PlanPhase(phase.value)
        if phase is Phase.PRIME:
            for node in context.facts.live:
                if node.phase is Phase.ENCODE:
                    attentions.pack_keys((node.number, 0))
        for node in context.facts.live:
            if node.phase is not phase:
                continue
            states.enter(node.scan)
            _emit_node(context, attentions, states, node)
            if phase is Phase.PRIME:
                for part in range(len(context.facts.parts(node))):
                    attentions.pack_keys((node.number, part))
        states.enter(None)


def _emit_node(context: Context, attentions: Attentions, states: States, node: Node) -> None:
    if context.is_computed(node):
        return  # with an earlier node
    for number in node.inputs:
        if number is not None:
            states.read(context.facts.node(context.facts.view(number).key[0]))
    match node.op:
        case ops.Columns() | ops.State():
            pass  # a view; a state is read when it is needed
        case ops.Product():
            emit_product(context, node)
        case ops.Logits():
            emit_logits(context, node)
        case ops.SelfAttention() | ops.CachedAttention() | ops.CrossAttention() | ops.AdditiveAttention():
            attentions.emit(node)
        case ops.StateStart() as op:
            states.start(node, op)
        case ops.StateUpdate() as op:
            states.update(node, op)
        case ops.Normalize() | ops.Add():
            _emit_sum_or_norm(context, node)
        case ops.Gru() | ops.Lstm():
            _emit_cell(context, node)
        case ops.Concatenate():
            _emit_concatenation(context, node)
        case _:
            _emit_row_by_row(context, node)


def _emit_row_by_row(context: Context, node: Node) -> None:
    """Operations without anything special: inputs in, one result out."""
    op, rows, store = node.op, context.facts.instruction_rows(node), context.store
    if isinstance(op, ops.SourceEmbedding | ops.TargetEmbedding):
        table, source = context.slots.table(node.inputs[0]), isinstance(op, ops.SourceEmbedding)
        context.emit(ins.Embed(rows, table, source, op.scale, op.positions, store(node)))
        return
    inputs = [context.read(number) for number in node.inputs]
    match op:
        case ops.Activate():
            context.emit(ins.Activate(rows, inputs[0], op.function, store(node)))
        case ops.Multiply():
            context.emit(ins.Multiply(rows, inputs[0], inputs[1], store(node)))
        case ops.Mix():
            context.emit(ins.Mix(rows, inputs[0], inputs[1], inputs[2], store(node)))
        case ops.RunningAverage():
            context.emit(ins.RunningAverage(rows, inputs[0], inputs[1], store(node)))
        case ops.MeanOverSentence():
            context.emit(ins.MeanOverSentence(rows, inputs[0], store(node)))
        case ops.ScanRead():
            context.emit(ins.ScanRead(rows, inputs[0], store(node)))
        case ops.ScanWrite():
            context.emit(ins.ScanWrite(Symbol.GROUP_SENTENCES, inputs[0], store(node)))
        case _:
            raise PlanError(f"operation {op} cannot be lowered.")


def _emit_sum_or_norm(context: Context, node: Node) -> None:
    rows = context.facts.instruction_rows(node)
    norm, x, residual, total = node, context.read(node.inputs[0]), None, None
    if isinstance(node.op, ops.Add):
        residual = context.read(node.inputs[1])
        if node.number not in context.fusions.norms:
            context.emit(ins.Add(rows, x, residual, context.store(node)))
            return
        norm = context.fusions.norms[node.number]
        total = context.store(node) if (node.number, 0) in context.fusions.floats else None
    op = norm.op
    if not isinstance(op, ops.Normalize):
        raise PlanError(f"node {norm} is not a norm.")
    scale, bias = context.slots.vector(norm.inputs[1]), context.slots.vector(norm.inputs[2])
    context.emit(ins.Norm(rows, x, residual, op.kind, op.epsilon, scale, bias, total, *context.results(norm)))


def _emit_cell(context: Context, node: Node) -> None:
    op, rows = node.op, context.facts.instruction_rows(node)
    x = None if node.inputs[0] is None else context.read(node.inputs[0])
    s, old = context.read(node.inputs[1]), context.read(node.inputs[2])
    bias = context.slots.vector(node.inputs[3])
    if isinstance(op, ops.Gru):
        context.emit(ins.Gru(rows, x, s, old, bias, op.final, context.store(node)))
        return
    parts = context.facts.parts(node)
    if len(parts) == 2:
        cell, output = context.store(node, 0, parts[0]), context.store(node, 1, parts[1])
    else:
        both = context.store(node)
        half = both.columns // 2
        cell, output = Operand(both.value, 0, half), Operand(both.value, half, half)
    context.emit(ins.Lstm(rows, x, s, old, bias, cell, output))


def _emit_concatenation(context: Context, node: Node) -> None:
    parts = [context.read(number) for number in node.inputs]
    output, column = context.store(node), 0
    for part in parts:
        target = Operand(output.value, column, part.columns)
        context.emit(ins.Copy(context.facts.instruction_rows(node), part, target))
        column += part.columns
