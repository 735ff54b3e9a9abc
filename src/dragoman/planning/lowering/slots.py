"""Collects the parameters of a plan into numbered slots: equal requests get the same slot."""

from __future__ import annotations

from dataclasses import dataclass, field

from dragoman.errors import PlanError
from dragoman.graph import ops
from dragoman.graph.graph import Node
from dragoman.planning.lowering.facts import Facts
from dragoman.planning.lowering.fuse import weight_names
from dragoman.planning.precisions import Precisions
from dragoman.planning.records import MatrixSlot, Slot, TableSlot, VectorSlot


@dataclass
class SlotTable:
    """Slots in order of first use."""

    facts: Facts
    precisions: Precisions
    slots: list[Slot] = field(default_factory=list)

    def matrix(self, products: tuple[Node, ...]) -> int:
        """Slot of one or several products joined by columns."""
        parameters: list[str] = []
        widths: list[int] = []
        bias: list[str] = []
        for product in products:
            op = self._parameter(product.inputs[1])
            parameters += op.names
            widths += self._matrix_widths(product, op)
            if product.inputs[2] is None:
                bias += [""] * len(op.names)
                continue
            vector = self._parameter(product.inputs[2])
            if len(vector.names) != len(op.names) or vector.widths != tuple(widths[-len(op.names) :]):
                raise PlanError(f"bias {vector.names} does not match the parts of {op.names}.")
            bias += vector.names
        first = products[0]
        transposed = isinstance(first.op, ops.Product) and first.op.transposed
        rows = self.facts.node(first.inputs[0]).shape[1]
        if not isinstance(rows, int):
            raise PlanError(f"product {first} has an input of {rows} columns.")
        names = tuple(bias) if any(bias) else ()
        precision = self.precisions.of(parameters)
        return self._add(MatrixSlot(tuple(parameters), rows, tuple(widths), transposed, names, precision))

    def vector(self, number: int | None) -> int | None:
        """Slot of a bias, a norm's scale, or an energy vector stored as a column [C, 1]; None for None."""
        if number is None:
            return None
        op = self._parameter(number)
        if op.rows == 1:
            return self._add(VectorSlot(op.names, self._fixed(op)))
        if isinstance(op.rows, int) and op.widths == (1,):
            return self._add(VectorSlot(op.names, (op.rows,)))
        raise PlanError(f"parameter {op.names} of {op.rows} rows is used as a vector.")

    def table(self, number: int | None) -> int:
        """Slot of an embedding table and / or output layer: one for all its uses."""
        op = self._parameter(number)
        if len(op.names) != 1:
            raise PlanError(f"table {op.names} is made of several parameters.")
        embeds, transposed, columns, biases = False, False, 0, set[str]()
        logits = False
        for node in self.facts.live:
            if isinstance(node.op, ops.SourceEmbedding | ops.TargetEmbedding):
                if self._parameter(node.inputs[0]).names == op.names:
                    embeds, columns = True, self._fixed(op)[0]
            elif isinstance(node.op, ops.Logits) and weight_names(self.facts, node) == op.names:
                logits, transposed = True, not node.op.transposed
                width = self.facts.node(node.inputs[0]).shape[1]
                columns = width if isinstance(width, int) else 0
                if node.inputs[2] is not None:
                    biases.update(self._parameter(node.inputs[2]).names)
        if len(biases) > 1:
            raise PlanError(f"table {op.names[0]} has several biases: {sorted(biases)}.")
        precision = self.precisions.of(op.names)
        return self._add(
            TableSlot(op.names[0], columns, transposed, "".join(biases), embeds, logits, precision)
        )

    def _matrix_widths(self, product: Node, op: ops.Parameter) -> list[int]:
        if not (isinstance(product.op, ops.Product) and product.op.transposed):
            return list(self._fixed(op))
        if len(op.names) != 1 or not isinstance(op.rows, int):
            raise PlanError(f"transposed matrix {op.names} is not one parameter of fixed size.")
        return [op.rows]

    def _fixed(self, op: ops.Parameter) -> tuple[int, ...]:
        widths = tuple(width for width in op.widths if isinstance(width, int))
        if len(widths) != len(op.widths):
            raise PlanError(f"parameter {op.names} has no fixed number of columns.")
        return widths

    def _parameter(self, number: int | None) -> ops.Parameter:
        op = self.facts.node(number).op
        if not isinstance(op, ops.Parameter):
            raise PlanError(f"node %{number} ({op}) is used as a parameter.")
        return op

    def _add(self, slot: Slot) -> int:
        if slot not in self.slots:
            self.slots.append(slot)
        return self.slots.index(slot)
