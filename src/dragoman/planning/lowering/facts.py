"""What lowering has to know of a graph before it emits anything: who is alive, who reads whom, and views."""

from __future__ import annotations

from dataclasses import dataclass, field

from dragoman.errors import PlanError
from dragoman.graph import ops
from dragoman.graph.extents import Dimension, Symbol
from dragoman.graph.graph import Graph, Node, Phase

Key = tuple[int, int]
"""A node and a part of it. Only an LSTM whose halves are read apart has a part 1 (its output; the cell is
part 0)."""


@dataclass(frozen=True)
class View:
    """Columns ``column`` to ``column + columns`` of what ``key`` computes."""

    key: Key
    column: int
    columns: Dimension
    whole: bool


@dataclass
class Facts:
    """Answers about one graph. Nothing here changes after construction."""

    graph: Graph
    live: list[Node] = field(init=False)
    readers: dict[int, list[tuple[Node, int]]] = field(init=False)

    def __post_init__(self) -> None:
        alive = _reachable(self.graph)
        self.live = [node for node in self.graph.nodes if node.number in alive and node.phase is not None]
        self.readers = {number: [] for number in alive}
        for node in self.live:
            for position, number in enumerate(node.inputs):
                if number is not None:
                    self.readers[number].append((node, position))
        self._split = {
            node.number for node in self.live if isinstance(node.op, ops.Lstm) and self._splits(node)
        }

    def node(self, number: int | None) -> Node:
        if number is None:
            raise PlanError("a required input of an operation is missing.")
        return self.graph.nodes[number]

    def name(self, node: Node) -> str:
        """What people may call the node's value: after its parameters, or else after its operation."""
        if len(node.inputs) > 1 and node.inputs[1] is not None:
            op = self.node(node.inputs[1]).op
            if isinstance(op, ops.Parameter) and any(op.names):
                return next(name for name in op.names if name)
        if isinstance(node.op, ops.Activate) and isinstance(self.node(node.inputs[0]).op, ops.Product):
            return self.name(self.node(node.inputs[0]))
        return f"{type(node.op).__name__} {node}"

    def sole_reader(self, node: Node, kind: type[ops.Op]) -> Node | None:
        """The only reader of ``node``, if it is a ``kind`` in the same phase and scan and its first input."""
        readers = self.readers[node.number]
        if len(readers) != 1 or readers[0][1] != 0 or not isinstance(readers[0][0].op, kind):
            return None
        reader = readers[0][0]
        return reader if (reader.phase, reader.scan) == (node.phase, node.scan) else None

    def parts(self, node: Node) -> list[Dimension]:
        """Columns of each separately stored part of a node's result."""
        columns = node.shape[1]
        if node.number in self._split and isinstance(columns, int):
            return [columns // 2, columns // 2]
        return [columns]

    def view(self, number: int | None) -> View:
        """Where a node's result is found: looks through slices of columns."""
        node = self.node(number)
        start, count, exact = 0, node.shape[1], True
        while isinstance(node.op, ops.Columns):
            start += node.op.start
            node, exact = self.node(node.inputs[0]), False
        width = node.shape[1]
        if not exact and isinstance(width, int) and isinstance(count, int):
            if node.number in self._split:
                part, start = divmod(start, width // 2)
                return View((node.number, part), start, count, start == 0 and count == width // 2)
            exact = start == 0 and count == width
        return View((node.number, 0), start, count, exact)

    def read_in_step(self, key: Key) -> bool:
        """Whether a source value must hold the whole batch, since steps read it. Cross-attention keys are
        read packed."""
        return any(
            reader.phase is Phase.STEP and not (isinstance(reader.op, ops.CrossAttention) and position == 1)
            for reader, position in self.value_readers(key[0])
        )

    def value_readers(self, number: int) -> list[tuple[Node, int]]:
        """Readers of a node's result, directly or through slices of columns."""
        found: list[tuple[Node, int]] = []
        for reader, position in self.readers[number]:
            if isinstance(reader.op, ops.Columns):
                found.extend(self.value_readers(reader.number))
            else:
                found.append((reader, position))
        return found

    def instruction_rows(self, node: Node) -> Symbol:
        """Rows that an instruction of this node computes. Raises PlanError if its phase has no such rows."""
        rows = node.shape[0]
        if node.phase is Phase.STEP:
            if rows is Symbol.ROWS:
                return Symbol.ROWS
        elif rows is Symbol.TOKENS:
            return Symbol.GROUP_TOKENS
        elif rows in (Symbol.SENTENCES, Symbol.GROUP_SENTENCES):
            return Symbol.GROUP_SENTENCES
        raise PlanError(f"node {node} ({node.op}) has rows {rows} in phase {node.phase}.")

    def stored_rows(self, node: Node) -> Symbol:
        """Rows of the value that holds a node's result."""
        rows = self.instruction_rows(node)
        if rows is Symbol.ROWS or not self.read_in_step((node.number, 0)):
            return rows
        return Symbol.TOKENS if rows is Symbol.GROUP_TOKENS else Symbol.SENTENCES

    def _splits(self, node: Node) -> bool:
        half = node.shape[1] // 2 if isinstance(node.shape[1], int) else 0
        readers = [reader.op for reader, _ in self.readers[node.number]]
        return all(
            isinstance(op, ops.Columns) and op.start // half == (op.start + op.count - 1) // half
            for op in readers
        )


def _reachable(graph: Graph) -> set[int]:
    """Nodes that the logits or a state depend on."""
    waiting = [graph.logits]
    waiting += [node.number for node in graph.nodes if isinstance(node.op, ops.StateStart | ops.StateUpdate)]
    alive: set[int] = set()
    while waiting:
        number = waiting.pop()
        if number not in alive:
            alive.add(number)
            waiting.extend(other for other in graph.nodes[number].inputs if other is not None)
    return alive
