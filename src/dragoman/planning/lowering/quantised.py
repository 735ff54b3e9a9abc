"""Hands out quantised inputs of integer products while instructions are emitted: each is computed once."""

from __future__ import annotations

from dataclasses import dataclass, field

from dragoman.errors import PlanError
from dragoman.graph.extents import Symbol
from dragoman.graph.graph import Node
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.instructions import Quantize, QuantizeRows
from dragoman.planning.kinds import Kind
from dragoman.planning.lowering.draft import Draft
from dragoman.planning.lowering.facts import Facts, View
from dragoman.planning.lowering.fuse import Fusions, weight_names
from dragoman.planning.lowering.slots import SlotTable
from dragoman.planning.precisions import Precisions
from dragoman.planning.records import Precision

_Source = tuple[View, str | None]
"""A view and the group of the alpha it is quantised with (None: each row by its own maximum)."""


@dataclass
class QuantisedInputs:
    """Quantised forms made so far, by what they are made of."""

    facts: Facts
    fusions: Fusions
    precisions: Precisions
    slots: SlotTable
    draft: Draft
    _made: dict[_Source, tuple[Operand, Operand | None]] = field(default_factory=dict)

    def multiplier_slot(self, reader: Node) -> int:
        """Slot whose alpha the input of an integer product, or of the output layer, is quantised with."""
        if reader.number in self.fusions.joined:
            return self.slots.matrix(self.fusions.joined[reader.number])
        return self.slots.table(reader.inputs[1])

    def fused(self, node: Node, rows: Symbol) -> tuple[Operand | None, int | None]:
        """For the instruction that computes ``node``: the value it quantises into and the slot of the
        multiplier."""
        reader = self.fusions.fused_readers.get((node.number, 0))
        if reader is None:
            return None, None
        view = self.facts.view(node.number)
        output = self.draft.new(f"{self.facts.name(node)} u8", rows, view.columns, Kind.U8)
        self._made[view, self._group(reader)] = output, None
        return output, self.multiplier_slot(reader)

    def known(self, reader: Node) -> tuple[Operand, Operand | None] | None:
        """Quantised input of an integer product and its row scales (INT8_ROWS), if they are there already."""
        return self._made.get((self.facts.view(reader.inputs[0]), self._group(reader)))

    def make(self, reader: Node, x: Operand, rows: Symbol) -> tuple[Operand, Operand | None, Instruction]:
        """The same, and the instruction that makes them from the input ``x`` in floats."""
        view, group = self.facts.view(reader.inputs[0]), self._group(reader)
        if x.columns == 0:
            raise PlanError(f"the input of product {reader} has no fixed number of columns.")
        name = self.facts.name(self.facts.node(view.key[0]))
        output = self.draft.new(f"{name} u8", rows, x.columns, Kind.U8)
        row_scale = None
        made: Instruction
        if group is None:
            row_scale = self.draft.new(f"{name} row scale", rows, 1)
            made = QuantizeRows(rows, x, output, row_scale)
        else:
            made = Quantize(rows, x, output, self.multiplier_slot(reader))
        self._made[view, group] = output, row_scale
        return output, row_scale, made

    def _group(self, reader: Node) -> str | None:
        names = weight_names(self.facts, reader)
        if self.precisions.of(names) is Precision.INT8_ROWS:
            return None
        return self.precisions.alpha_group(names)
