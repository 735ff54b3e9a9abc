"""The state of one lowering: the draft being written, and where the result of each node is stored."""

from __future__ import annotations

from dataclasses import dataclass, field

from dragoman.errors import PlanError
from dragoman.graph.extents import Dimension
from dragoman.graph.graph import Node
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.lowering.draft import Draft
from dragoman.planning.lowering.facts import Facts, Key
from dragoman.planning.lowering.fuse import Fusions
from dragoman.planning.lowering.quantised import QuantisedInputs
from dragoman.planning.lowering.slots import SlotTable
from dragoman.planning.records import PlanPhase


@dataclass
class Context:
    """What the emitting modules share.

    Attributes:
        phase: where `emit` appends.
        states: state name -> value that holds it from step to step.
        caches, logits, alignment: as in `plan.Plan`, found on the way.
    """

    facts: Facts
    fusions: Fusions
    slots: SlotTable
    quantised: QuantisedInputs
    draft: Draft
    phase: PlanPhase = PlanPhase.ENCODE
    states: dict[str, Operand] = field(default_factory=dict)
    caches: int = 0
    logits: Operand | None = None
    alignment: Operand | None = None
    _stored: dict[Key, Operand | None] = field(default_factory=dict)

    def emit(self, instruction: Instruction) -> None:
        self.draft.phases[self.phase].append(instruction)

    def is_computed(self, node: Node) -> bool:
        return (node.number, 0) in self._stored

    def read(self, number: int | None) -> Operand:
        """The float operand of an input."""
        view = self.facts.view(number)
        base = self._stored.get(view.key)
        if base is None:
            raise PlanError(
                f"node %{view.key[0]} is read before it is computed, or was kept in integers only."
            )
        return Operand(
            base.value, base.column + view.column, view.columns if isinstance(view.columns, int) else 0
        )

    def put(self, node: Node, operand: Operand | None, part: int = 0) -> None:
        """Note where (a part of) a node's result lies in floats: None if nowhere, because nobody reads it."""
        self._stored[node.number, part] = operand

    def store(self, node: Node, part: int = 0, columns: Dimension | None = None) -> Operand:
        """A new value for (a part of) a node's result."""
        name = self.facts.name(node) + (f" part {part}" if part else "")
        columns = node.shape[1] if columns is None else columns
        operand = self.draft.new(name, self.facts.stored_rows(node), columns)
        self.put(node, operand, part)
        return operand

    def results(self, node: Node) -> tuple[Operand | None, Operand | None, int | None]:
        """Output, quantised output and multiplier slot of a kernel that can quantise; no output if nobody
        reads it."""
        quantised, multiplier = self.quantised.fused(node, self.facts.instruction_rows(node))
        if (node.number, 0) in self.fusions.floats or quantised is None:
            return self.store(node), quantised, multiplier
        self.put(node, None)
        return None, quantised, multiplier
