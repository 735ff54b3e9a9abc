"""Evaluates a graph directly with NumPy, one sentence at a time: the oracle of plans and engines.

Written from the meanings in graph/ops.py alone, for reading: every node becomes one array, nothing is fused
or reused. Rows are the hypotheses of the sentence. Intermediate values are of ``dtype``; float64 makes it
exact enough to judge float32 engines by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dragoman.graph import ops
from dragoman.graph.extents import Symbol
from dragoman.graph.graph import Graph, Node, Phase

Array = NDArray[Any]
_erf = np.vectorize(math.erf, otypes=[float])


def sigmoid(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * x))


def softmax(x: Array) -> Array:
    powers: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    return cast(Array, powers / powers.sum(axis=-1, keepdims=True))


FUNCTIONS: Mapping[ops.Function, Callable[[Array], Array]] = {
    ops.Function.NONE: lambda x: x,
    ops.Function.RELU: lambda x: np.maximum(x, 0),
    ops.Function.SWISH: lambda x: x * sigmoid(x),
    ops.Function.GELU: lambda x: x * (0.5 * (1 + _erf(x / math.sqrt(2)))).astype(x.dtype),
    ops.Function.GELU_SIGMOID: lambda x: x * sigmoid(x.dtype.type(1.702) * x),
    ops.Function.SIGMOID: sigmoid,
    ops.Function.TANH: np.tanh,
}


def attention(heads: int, q: Array, k: Array, v: Array) -> tuple[Array, Array]:
    """q [m, D]; k, v [n, D] or [m, n, D] -> result [m, D], probabilities [heads, m, n]"""
    k, v = (np.broadcast_to(x, (len(q), *x.shape[-2:])) for x in (k, v))
    split = [x.reshape(*x.shape[:-1], heads, -1) for x in (q, k, v)]
    weights = softmax(
        np.einsum("mhd,mnhd->hmn", split[0], split[1]) / q.dtype.type(math.sqrt(q.shape[1] // heads))
    )
    return np.einsum("hmn,mnhd->mhd", weights, split[2]).reshape(q.shape), weights


def positions(start: int, count: int, width: int, dtype: Any) -> Array:
    """Sines in the first half of the columns, cosines in the second."""
    half = width // 2
    angles = np.arange(start, start + count)[:, None] * np.exp(
        -np.arange(half) * math.log(10000) / (half - 1)
    )
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(dtype)


def normalize(op: ops.Normalize, x: Array, gain: Array | None, shift: Array | None) -> Array:
    centred = x - x.mean(axis=1, keepdims=True) if op.kind is ops.NormKind.LAYER else x
    y = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + x.dtype.type(op.epsilon))
    y = y if gain is None else y * gain
    return cast(Array, y if shift is None else y + shift)


def gru(op: ops.Gru, x: Array | None, s: Array, h: Array, bias: Array | None) -> Array:
    x1, x2, x3 = np.split(np.zeros_like(s) if x is None else x, 3, axis=1)
    s1, s2, s3 = np.split(s, 3, axis=1)
    b1, b2, b3 = np.split(np.zeros((1, s.shape[1]), s.dtype) if bias is None else bias, 3, axis=1)
    r, z = sigmoid(x1 + s1 + b1), sigmoid(x2 + s2 + b2)
    candidate = np.tanh(x3 + r * (s3 + b3)) if op.final else np.tanh(x3 + r * s3 + b3)
    return cast(Array, (1 - z) * candidate + z * h)


def lstm(op: ops.Lstm, x: Array | None, s: Array, cell: Array, bias: Array | None) -> Array:
    total = s + (0 if x is None else x) + (0 if bias is None else bias)
    forget, take, candidate, output = np.split(total, 4, axis=1)
    memory = sigmoid(forget) * cell + sigmoid(take) * np.tanh(candidate)
    return np.concatenate([memory, sigmoid(output) * np.tanh(memory)], axis=1)


def product(x: Array, matrix: Array, bias: Array | None) -> Array:
    return x @ matrix if bias is None else x @ matrix + bias


PURE: Mapping[type[ops.Op], Any] = {
    ops.Product: lambda op, x, w, b: product(x, w.T if op.transposed else w, b),
    ops.Logits: lambda op, x, w, b: product(x, w.T if op.transposed else w, b),
    ops.Activate: lambda op, x: FUNCTIONS[op.function](x),
    ops.Normalize: normalize,
    ops.Add: lambda op, a, b: a + b,
    ops.Multiply: lambda op, a, b: a * b,
    ops.Mix: lambda op, gate, y, x: sigmoid(gate) * y + (1 - sigmoid(gate)) * x,
    ops.SelfAttention: lambda op, q, k, v: attention(op.heads, q, k, v)[0],
    ops.MeanOverSentence: lambda op, x: x.mean(axis=0, keepdims=True),
    ops.Concatenate: lambda op, a, b: np.concatenate([a, b], axis=1),
    ops.Columns: lambda op, x: x[:, op.start : op.start + op.count],
    ops.Gru: gru,
    ops.Lstm: lstm,
}


class Evaluator:
    """One sentence's translation. ``alignment`` [rows, source tokens] is that of the last step, if there is
    one."""

    def __init__(
        self, graph: Graph, arrays: Mapping[str, Array], source: Sequence[int], dtype: Any = np.float32
    ) -> None:
        self.dtype, self.source, self.position = dtype, list(source), 0
        self.alignment: Array | None = None
        self._arrays, self._graph = arrays, graph
        self._values: dict[int, Array] = {}
        self.states: dict[str, Array] = {}
        self._caches: dict[str, list[Array]] = {}
        self._previous: Sequence[int] | None = None
        for phase in (None, Phase.ENCODE, Phase.PRIME):
            nodes = [node for node in graph.nodes if node.phase is phase]
            for scan, group in groupby(nodes, key=lambda node: node.scan):
                if scan is None:
                    for node in group:
                        self._values[node.number] = self._compute(node)
                else:
                    self._run_scan(list(group), backward=scan.backward)

    def step(self, previous: Sequence[int] | None = None, parents: Sequence[int] | None = None) -> Array:
        """Logits [rows, V] at the next position. ``previous``: each row's last id, None at the first step;
        ``parents``: the row of the step before that each row continues (default: its own)."""
        self._previous = previous
        if parents is not None:
            self.states = {name: value[list(parents)] for name, value in self.states.items()}
            self._caches = {name: [x[list(parents)] for x in pair] for name, pair in self._caches.items()}
        updates: dict[str, Array] = {}
        for node in self._graph.nodes:
            if node.phase is Phase.STEP:
                value = self._compute(node)
                self._values[node.number] = value
                if isinstance(node.op, ops.StateUpdate):
                    updates[node.op.state] = value
        self.states.update(updates)
        self.position += 1
        return self._values[self._graph.logits]

    def log_probabilities(
        self, previous: Sequence[int] | None = None, parents: Sequence[int] | None = None
    ) -> Array:
        """As `step`, after the log-softmax."""
        logits = self.step(previous, parents)
        shifted = logits - logits.max(axis=1, keepdims=True)
        return cast(Array, shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))

    def _run_scan(self, nodes: list[Node], *, backward: bool) -> None:
        length = len(self.source)
        states: dict[str, Array] = {}
        for at in reversed(range(length)) if backward else range(length):
            updates: dict[str, Array] = {}
            for node in nodes:
                if isinstance(node.op, ops.State):
                    value = states.get(node.op.state, np.zeros((1, node.op.columns), self.dtype))
                elif isinstance(node.op, ops.ScanRead):
                    value = self._inputs(node)[0][at : at + 1]
                elif isinstance(node.op, ops.ScanWrite):
                    row = self._inputs(node)[0]
                    value = self._values.get(node.number, np.zeros((length, row.shape[1]), self.dtype))
                    value[at] = row[0]
                else:
                    value = self._compute(node)
                    if isinstance(node.op, ops.StateUpdate):
                        updates[node.op.state] = value
                self._values[node.number] = value
            states.update(updates)

    def _inputs(self, node: Node) -> list[Any]:
        return [None if number is None else self._values[number] for number in node.inputs]

    def _compute(self, node: Node) -> Array:
        op, inputs = node.op, self._inputs(node)
        if type(op) in PURE:
            value = PURE[type(op)](op, *inputs)
            assert value.dtype == self.dtype, (op, value.dtype)
            return cast(Array, value)
        return cast(Array, getattr(self, f"_{type(op).__name__}")(op, *inputs))

    def _Parameter(self, op: ops.Parameter) -> Array:
        parts = []
        for name, width in zip(op.names, op.widths, strict=True):
            if name:
                parts.append(self._arrays[name].reshape(-1, self._arrays[name].shape[-1]).astype(self.dtype))
            else:
                parts.append(np.zeros((op.rows, width), self.dtype))  # type: ignore[arg-type]
        for size, wanted in zip(np.concatenate(parts, axis=1).shape, op.shape([]), strict=True):
            assert isinstance(wanted, Symbol) or size == wanted, op
        return np.concatenate(parts, axis=1)

    def _SourceEmbedding(self, op: ops.SourceEmbedding, table: Array) -> Array:
        x: Array = table[self.source] * self.dtype(op.scale)
        return x + positions(0, len(x), x.shape[1], self.dtype) if op.positions else x

    def _TargetEmbedding(self, op: ops.TargetEmbedding, table: Array) -> Array:
        if self._previous is None:
            x = np.zeros((1, table.shape[1]), self.dtype)
        else:
            x = table[list(self._previous)] * self.dtype(op.scale)
        return x + positions(self.position, 1, x.shape[1], self.dtype) if op.positions else x

    def _CrossAttention(self, op: ops.CrossAttention, q: Array, k: Array, v: Array) -> Array:
        y, weights = attention(op.heads, q, k, v)
        if op.alignment:
            self.alignment = weights[0]
        return y

    def _CachedAttention(self, op: ops.CachedAttention, q: Array, k: Array, v: Array) -> Array:
        pair = [x[:, None] for x in (k, v)]
        if op.state in self._caches:
            before = self._caches[op.state]
            pair = [np.concatenate([old, new], axis=1) for old, new in zip(before, pair, strict=True)]
        self._caches[op.state] = pair
        return attention(op.heads, q, *pair)[0]

    def _AdditiveAttention(
        self, op: ops.AdditiveAttention, query: Array, projected: Array, context: Array, energy: Array
    ) -> Array:
        weights = softmax((np.tanh(projected[None] + query[:, None]) @ energy)[:, :, 0])
        if op.alignment:
            self.alignment = weights
        return weights @ context

    def _StateStart(self, op: ops.StateStart, start: Array | None) -> Array:
        self.states[op.state] = np.zeros((1, op.columns), self.dtype) if start is None else start
        return self.states[op.state]

    def _State(self, op: ops.State) -> Array:
        return self.states[op.state]

    def _StateUpdate(self, op: ops.StateUpdate, value: Array) -> Array:
        return value

    def _RunningAverage(self, op: ops.RunningAverage, average: Array, x: Array) -> Array:
        at = self.dtype(self.position)
        return cast(Array, (at * average + x) / (at + 1))


def translate_greedily(
    graph: Graph, arrays: Mapping[str, Array], source: Sequence[int], *, eos: int, unk: int | None, limit: int
) -> list[int]:
    """Best piece by piece, until EOS or ``limit`` pieces. Includes EOS, if it came."""
    evaluator = Evaluator(graph, arrays, source)
    found: list[int] = []
    while len(found) < limit and (not found or found[-1] != eos):
        logits = evaluator.step([found[-1]] if found else None)[0]
        if unk is not None:
            logits[unk] = -np.inf
        found.append(int(logits.argmax()))
    return found
