"""Emits what outlives one position: decoder states, and the loops over source positions with their states."""

from __future__ import annotations

from dataclasses import dataclass, field

from dragoman.errors import PlanError
from dragoman.graph import ops
from dragoman.graph.extents import Dimension, Symbol
from dragoman.graph.graph import Node, Scan
from dragoman.planning import instructions as ins
from dragoman.planning.fields import Operand
from dragoman.planning.lowering.context import Context


@dataclass
class States:
    """Emits states into ``context``."""

    context: Context
    _scan: Scan | None = None
    _scan_states: dict[tuple[int, str], Operand] = field(default_factory=dict)
    _finished: set[int] = field(default_factory=set)
    _updates: list[tuple[Operand, int]] = field(default_factory=list)

    # -- loops over source positions -------------------------------------------------------------------------

    def enter(self, scan: Scan | None) -> None:
        """Nodes of ``scan`` follow: end the loop before and begin this one, its states at zero."""
        if scan == self._scan:
            return
        context, rows = self.context, Symbol.GROUP_SENTENCES
        if self._scan is not None:
            # Updates wait for the end of the loop: until then the old state may be read.
            for state, source in self._updates:
                context.emit(ins.Copy(rows, context.read(source), state))
            self._updates = []
            context.emit(ins.ScanEnd(rows))
            self._finished.add(self._scan.number)
        self._scan = scan
        if scan is None:
            return
        if scan.number in self._finished:
            raise PlanError(f"the nodes of scan {scan.number} are not consecutive.")
        for node in context.facts.live:
            if node.scan == scan and isinstance(node.op, ops.State):
                key = scan.number, node.op.state
                if key not in self._scan_states:
                    state = context.draft.new(f"state {node.op.state}", rows, node.op.columns, kept=True)
                    self._scan_states[key] = state
                    context.emit(ins.Zero(rows, state))
        context.emit(ins.ScanBegin(rows, scan.backward))

    # -- states ----------------------------------------------------------------------------------------------

    def start(self, node: Node, op: ops.StateStart) -> None:
        """First value of a decoder state."""
        state = self._state(op.state, op.columns)
        rows, given = self.context.facts.instruction_rows(node), node.inputs[0]
        if given is None:
            self.context.emit(ins.Zero(rows, state))
        else:
            self.context.emit(ins.Copy(rows, self.context.read(given), state))

    def read(self, node: Node) -> None:
        """A state as its row's parent left it, brought into order when it is first read."""
        op = node.op
        if not isinstance(op, ops.State) or self.context.is_computed(node):
            return
        if node.scan is not None:
            self.context.put(node, self._scan_states[node.scan.number, op.state])
            return
        if op.state not in self.context.states:
            raise PlanError(f"state {op.state!r} is never started.")
        state = self.context.states[op.state]
        self.context.emit(ins.ReorderState(Symbol.ROWS, state, self.context.store(node)))

    def update(self, node: Node, op: ops.StateUpdate) -> None:
        """The state for the next step or position."""
        context, source = self.context, node.inputs[0]
        if node.scan is not None:
            if isinstance(context.facts.node(context.facts.view(source).key[0]).op, ops.State):
                raise PlanError(f"state {op.state!r} of a scan is updated by a state.")
            state = self._scan_states.get((node.scan.number, op.state))
            if state is not None and source is not None:  # a state that nobody reads needs no update
                self._updates.append((state, source))
            return
        for other in context.facts.live:  # whoever reads the old state gets it first
            if isinstance(other.op, ops.State) and other.op.state == op.state and other.scan is None:
                self.read(other)
        context.emit(ins.Copy(Symbol.ROWS, context.read(source), self._state(op.state, node.shape[1])))

    def _state(self, name: str, columns: Dimension) -> Operand:
        states = self.context.states
        if name not in states:
            states[name] = self.context.draft.new(f"state {name}", Symbol.ROWS, columns, kept=True)
        return states[name]
