"""The expression graph of an architecture: nodes without memory or weights, and the builder that makes one."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dragoman.graph.extents import Dimension
from dragoman.graph.ops import GraphError, Op, Parameter, Shape


class Phase(enum.Enum):
    """When a node is computed: ENCODE and PRIME once per sentence, STEP once per target position."""

    ENCODE = "encode"
    PRIME = "prime"
    STEP = "step"


@dataclass(frozen=True)
class Scan:
    """A loop over source positions, forwards from the first token or backwards from the last (EOS)."""

    number: int
    backward: bool


@dataclass(frozen=True)
class Node:
    """One value of a graph. ``inputs`` are numbers of earlier nodes."""

    number: int
    op: Op
    inputs: tuple[int | None, ...]
    shape: Shape
    phase: Phase | None
    scan: Scan | None = None

    def __str__(self) -> str:
        return f"%{self.number}"


@dataclass(frozen=True)
class Graph:
    """Frozen result of a `GraphBuilder`: nodes in an order in which every input precedes its use.

    ``logits`` is the node that search reads; state updates and cache appends are reached through ``nodes``.
    ``name`` tells the architecture to people only; two graphs with equal nodes are the same architecture.
    """

    name: str
    nodes: tuple[Node, ...]
    logits: int

    def parameters(self) -> dict[str, tuple[Dimension, Dimension]]:
        """Names and shapes [rows, columns] of all tensors that a model file must hold."""
        found: dict[str, tuple[Dimension, Dimension]] = {}
        for node in self.nodes:
            if isinstance(node.op, Parameter):
                for name, width in zip(node.op.names, node.op.widths, strict=True):
                    if name:
                        found[name] = (node.op.rows, width)
        return found


@dataclass
class GraphBuilder:
    """Collects nodes. ``phase`` and ``scan`` apply to what is added inside their ``with`` blocks.

    Equal operations on equal inputs in the same phase are one node (parameters above all), except those with a state.
    """

    name: str
    _nodes: list[Node] = field(default_factory=list)
    _known: dict[tuple[object, ...], Node] = field(default_factory=dict)
    _phase: Phase | None = None
    _scan: Scan | None = None
    _scans: int = 0

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        before, self._phase = self._phase, phase
        try:
            yield
        finally:
            self._phase = before

    @contextmanager
    def scan(self, *, backward: bool) -> Iterator[None]:
        """Nodes added inside are computed once per source position, for the sentences still running."""
        if self._scan is not None or self._phase is not Phase.ENCODE:
            raise GraphError("a scan lies in the encoder and not in another scan")
        self._scan, self._scans = Scan(self._scans, backward), self._scans + 1
        try:
            yield
        finally:
            self._scan = None

    def parameter(
        self, names: str | tuple[str, ...], rows: Dimension, widths: Dimension | tuple[Dimension, ...]
    ) -> Node:
        """A tensor of the model file, or several joined by columns."""
        names = (names,) if isinstance(names, str) else names
        widths = widths if isinstance(widths, tuple) else (widths,)
        return self._append(Parameter(names, rows, widths), (), None, None)

    def add(self, op: Op, *inputs: Node | None) -> Node:
        """Append one operation. Raises GraphError if its inputs do not fit."""
        if self._phase is None:
            raise GraphError(f"{op} outside a phase")
        inputs = inputs + (None,) * (op.inputs - len(inputs))
        if len(inputs) != op.inputs:
            raise GraphError(f"{op} takes {op.inputs} inputs, {len(inputs)} given")
        return self._append(op, inputs, self._phase, self._scan)

    def _append(
        self, op: Op, inputs: tuple[Node | None, ...], phase: Phase | None, scan: Scan | None
    ) -> Node:
        numbers = tuple(None if node is None else node.number for node in inputs)
        key = (op, numbers, phase, scan)
        if not hasattr(op, "state") and key in self._known:
            return self._known[key]
        shape = op.shape([None if node is None else node.shape for node in inputs])
        node = Node(len(self._nodes), op, numbers, shape, phase, scan)
        self._nodes.append(node)
        self._known[key] = node
        return node

    def build(self, logits: Node) -> Graph:
        return Graph(self.name, tuple(self._nodes), logits.number)
