"""Emits the attentions, with their scratch space and packed keys."""

from __future__ import annotations

from dataclasses import dataclass, field

from dragoman.errors import PlanError
from dragoman.graph import ops
from dragoman.graph.extents import Symbol
from dragoman.graph.graph import Node
from dragoman.planning import instructions as ins
from dragoman.planning.fields import Operand
from dragoman.planning.lowering.context import Context
from dragoman.planning.lowering.facts import Key, View

SCORE_ROWS = 4
"""Query rows that the attention kernel handles at a time: it needs as many rows of scores."""


@dataclass
class Attentions:
    """Emits attentions into ``context``; remembers which keys are packed."""

    context: Context
    _keys: dict[tuple[View, int], Operand] = field(default_factory=dict)

    def pack_keys(self, of: Key | None) -> None:
        """Pack what was computed for ``of`` if cross-attentions read it as keys; None: whatever is not packed
        yet. Called right after the keys are computed, so that their row-major form lives shortly."""
        for node in self.context.facts.live:
            if not isinstance(node.op, ops.CrossAttention):
                continue
            view = self.context.facts.view(node.inputs[1])
            if (view, node.op.heads) not in self._keys and of in (None, view.key):
                k = self.context.read(node.inputs[1])
                name = self.context.facts.name(self.context.facts.node(view.key[0])) + " packed"
                keys = self.context.draft.new(name, Symbol.PADDED_TOKENS, k.columns)
                self._keys[view, node.op.heads] = keys
                self.context.emit(ins.PackKeys(Symbol.GROUP_TOKENS, k, node.op.heads, keys))

    def emit(self, node: Node) -> None:
        """One attention of any kind."""
        context, op = self.context, node.op
        rows, new = context.facts.instruction_rows(node), context.draft.new
        if isinstance(op, ops.CrossAttention):
            keys = self._keys.get((context.facts.view(node.inputs[1]), op.heads))
            if keys is None:
                raise PlanError(f"the keys of cross-attention {node} are not computed in the encoder.")
            q, v = context.read(node.inputs[0]), context.read(node.inputs[2])
            scratch, weights = new("scores", SCORE_ROWS, Symbol.LONGEST), self._weights(op.alignment)
            results = context.results(node)
            context.emit(ins.CrossAttention(rows, q, keys, v, op.heads, *results, scratch, weights))
            return
        q, k, v = (context.read(number) for number in node.inputs[:3])
        if isinstance(op, ops.SelfAttention):
            head = q.columns // op.heads
            scratch = new("packed keys, scores", head + SCORE_ROWS, Symbol.LONGEST)
            results = context.results(node)
            context.emit(ins.SelfAttention(rows, q, k, v, op.heads, *results, scratch))
        elif isinstance(op, ops.CachedAttention):
            context.caches += 1
            cache = new(f"cache {op.state}", Symbol.CELLS, 2 * q.columns, kept=True)
            scratch = new("scores", 1, Symbol.LIMIT)
            results = context.results(node)
            context.emit(ins.CachedAttention(rows, q, k, v, op.heads, cache, *results, scratch))
        elif isinstance(op, ops.AdditiveAttention):
            energy = context.slots.vector(node.inputs[3])
            if energy is None:
                raise PlanError(f"additive attention {node} has no energy vector.")
            scratch, weights = new("scores", 1, Symbol.LONGEST), self._weights(op.alignment)
            output = context.store(node)
            context.emit(ins.AdditiveAttention(rows, q, k, v, energy, output, scratch, weights))

    def _weights(self, alignment: bool) -> Operand | None:
        context = self.context
        if not alignment:
            return None
        if context.alignment is not None:
            raise PlanError("two attentions give the alignment.")
        context.alignment = context.draft.new("alignment", Symbol.ROWS, Symbol.ALIGNED, kept=True)
        return context.alignment
