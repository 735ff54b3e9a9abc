"""The operations of an expression graph: what they mean and one shape rule each.

Shapes are (rows, columns). Rows of source values are TOKENS or SENTENCES, of decoder values ROWS, inside a scan ACTIVE
(written GROUP_SENTENCES: the sentences still running at one source position). A sentence's tokens are consecutive rows.
Optional inputs are ``None``.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dragoman.graph.extents import Dimension, Symbol

Shape = tuple[Dimension, Dimension]


class GraphError(Exception):
    """A builder joined values whose shapes do not fit: a bug in an architecture, never a user's fault."""


class Function(enum.Enum):
    """GELU is x * Phi(x) (Marian from 1.12.3 on), GELU_SIGMOID is x * sigmoid(1.702 x) (before)."""

    NONE = "none"
    RELU = "relu"
    SWISH = "swish"
    GELU = "gelu"
    GELU_SIGMOID = "gelu-sigmoid"
    SIGMOID = "sigmoid"
    TANH = "tanh"


class NormKind(enum.Enum):
    LAYER = "layer"
    RMS = "rms"


@dataclass(frozen=True)
class Op:
    """Base of all. ``inputs``: how many one takes; ``optional``: how many of the last may be None."""

    inputs: ClassVar[int] = 1
    optional: ClassVar[int] = 0

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        """Shape of the result from the shapes of the inputs. Raises GraphError if they do not fit."""
        return _given(shapes[0])


def _given(shape: Shape | None) -> Shape:
    if shape is None:
        raise GraphError("a required input is missing")
    return shape


def _same(op: Op, *shapes: Shape | None) -> Shape:
    first = _given(shapes[0])
    for shape in shapes[1:]:
        if shape != first:
            raise GraphError(f"{op}: shapes {first} and {shape} differ")
    return first


@dataclass(frozen=True)
class Parameter(Op):
    """A tensor of the model file, or several joined side by side (by columns).

    Args:
        names: names in the model file; several are joined by columns in this order. A name "" is a block of zeros.
        rows: rows of each; the vocabulary size is written as Symbol.CANDIDATES (bound per model).
        widths: columns of each name; of a single name it may be Symbol.CANDIDATES too (output bias [1, V]).
    """

    names: tuple[str, ...]
    rows: Dimension
    widths: tuple[Dimension, ...]
    inputs: ClassVar[int] = 0

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        if len(self.widths) == 1:
            return self.rows, self.widths[0]
        fixed = [width for width in self.widths if isinstance(width, int)]
        if len(fixed) != len(self.widths):
            raise GraphError(f"parameters {self.names} of {self.widths} columns cannot be joined")
        return self.rows, sum(fixed)


@dataclass(frozen=True)
class SourceEmbedding(Op):
    """Rows of a table [V, D] for the batch's source ids, times ``scale``, plus sinusoidal positions. -> [TOKENS, D]"""

    scale: float
    positions: bool

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        return Symbol.TOKENS, _given(shapes[0])[1]


@dataclass(frozen=True)
class TargetEmbedding(Op):
    """The same for the previous target ids; at the first step the zero vector instead. -> [ROWS, D]"""

    scale: float
    positions: bool

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        return Symbol.ROWS, _given(shapes[0])[1]


@dataclass(frozen=True)
class Product(Op):
    """x W (+ b). Inputs x [m, k], W [k, n] ([n, k] if ``transposed``), b [1, n] or None. -> [m, n]"""

    transposed: bool = False
    inputs: ClassVar[int] = 3
    optional: ClassVar[int] = 1

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        x, w = _given(shapes[0]), _given(shapes[1])
        k, n = (w[1], w[0]) if self.transposed else w
        if x[1] != k or (shapes[2] is not None and _given(shapes[2])[1] != n):
            raise GraphError(f"product of {x} with {w}, bias {shapes[2]}, transposed={self.transposed}")
        return x[0], n


@dataclass(frozen=True)
class Logits(Op):
    """Scores of the allowed target ids: x W^T + b. Inputs x [ROWS, k], W [V, k] ([k, V] if not ``transposed``),
    b [1, V] or None. -> [ROWS, CANDIDATES]"""

    transposed: bool = True
    inputs: ClassVar[int] = 3
    optional: ClassVar[int] = 1

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        x, w = _given(shapes[0]), _given(shapes[1])
        if x[1] != (w[1] if self.transposed else w[0]):
            raise GraphError(f"logits of {x} with {w}, transposed={self.transposed}")
        return x[0], Symbol.CANDIDATES


@dataclass(frozen=True)
class Activate(Op):
    function: Function


@dataclass(frozen=True)
class Normalize(Op):
    """Each row: layer, g * (x - mean) / sqrt(var + epsilon) + b, biased variance; rms,
    g * x / sqrt(mean(x^2) + epsilon).
    Inputs x [m, n], g [1, n] or None, b [1, n] or None."""

    kind: NormKind
    epsilon: float
    inputs: ClassVar[int] = 3
    optional: ClassVar[int] = 2

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        for vector in shapes[1:]:
            if vector is not None and vector[1] != _given(shapes[0])[1]:
                raise GraphError(f"norm of {shapes[0]} with a vector of {vector}")
        return _given(shapes[0])


@dataclass(frozen=True)
class Add(Op):
    inputs: ClassVar[int] = 2

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        return _same(self, *shapes)


@dataclass(frozen=True)
class Multiply(Op):
    inputs: ClassVar[int] = 2

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        return _same(self, *shapes)


@dataclass(frozen=True)
class Mix(Op):
    """sigmoid(gate) * y + (1 - sigmoid(gate)) * x. Inputs gate, y, x, all [m, n]."""

    inputs: ClassVar[int] = 3

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        return _same(self, *shapes)


@dataclass(frozen=True)
class SelfAttention(Op):
    """softmax(q k^T / sqrt(d)) v within each source sentence; heads are contiguous slices. q, k, v [TOKENS, D]."""

    heads: int
    inputs: ClassVar[int] = 3

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        return _same(self, *shapes)


@dataclass(frozen=True)
class CrossAttention(Op):
    """Each row attends to its own source sentence. q [ROWS, D]; k, v [TOKENS, D]. -> [ROWS, D]
    ``alignment``: head 0's probabilities of this one are the alignment."""

    heads: int
    alignment: bool
    inputs: ClassVar[int] = 3

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        _same(self, shapes[1], shapes[2])
        return _given(shapes[0])


@dataclass(frozen=True)
class CachedAttention(Op):
    """Each row attends to its own earlier positions and this one; k and v are appended to the cache ``state``.
    q, k, v [ROWS, D]."""

    heads: int
    state: str
    inputs: ClassVar[int] = 3

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        return _same(self, *shapes)


@dataclass(frozen=True)
class AdditiveAttention(Op):
    """Bahdanau: e_s = energy . tanh(projected_s + query), a = softmax(e), result sum_s a_s context_s.
    Inputs query [ROWS, C], projected [TOKENS, C], context [TOKENS, n], energy [C, 1]. -> [ROWS, n]"""

    alignment: bool
    inputs: ClassVar[int] = 4

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        query, projected, context, energy = (_given(shape) for shape in shapes)
        if query[1] != projected[1] or energy != (query[1], 1) or projected[0] != context[0]:
            raise GraphError(f"additive attention of {query}, {projected}, {context}, {energy}")
        return query[0], context[1]


@dataclass(frozen=True)
class MeanOverSentence(Op):
    """Mean of the rows of each source sentence, EOS included. [TOKENS, n] -> [SENTENCES, n]"""

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        return Symbol.SENTENCES, _given(shapes[0])[1]


@dataclass(frozen=True)
class Concatenate(Op):
    """Two values side by side."""

    inputs: ClassVar[int] = 2

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        a, b = _given(shapes[0]), _given(shapes[1])
        if a[0] != b[0] or not isinstance(a[1], int) or not isinstance(b[1], int):
            raise GraphError(f"concatenation of {a} and {b}")
        return a[0], a[1] + b[1]


@dataclass(frozen=True)
class Columns(Op):
    """A slice of columns: a view, costs nothing."""

    start: int
    count: int

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        rows, columns = _given(shapes[0])
        if not isinstance(columns, int) or self.start < 0 or self.start + self.count > columns:
            raise GraphError(f"columns {self.start}..{self.start + self.count} of {shapes[0]}")
        return rows, self.count


@dataclass(frozen=True)
class StateStart(Op):
    """First value of a decoder state: input [SENTENCES, n], or None for zeros. Result: [SENTENCES, n]. PRIME phase."""

    state: str
    columns: int
    inputs: ClassVar[int] = 1
    optional: ClassVar[int] = 1

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        if shapes[0] is not None and shapes[0] != (Symbol.SENTENCES, self.columns):
            raise GraphError(f"state {self.state} of {self.columns} columns starts from {shapes[0]}")
        return Symbol.SENTENCES, self.columns


@dataclass(frozen=True)
class State(Op):
    """A state's value from the step before, row by row of the parent hypothesis. -> [ROWS, n].
    Inside a scan: from the position before, zero at the first. -> [GROUP_SENTENCES, n]."""

    state: str
    columns: int
    scan: bool = False
    inputs: ClassVar[int] = 0

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        return (Symbol.GROUP_SENTENCES if self.scan else Symbol.ROWS), self.columns


@dataclass(frozen=True)
class StateUpdate(Op):
    """The state's value for the next step (or position)."""

    state: str


@dataclass(frozen=True)
class RunningAverage(Op):
    """(t * average + x) / (t + 1) at step t from 0. Inputs average, x [ROWS, n]."""

    inputs: ClassVar[int] = 2

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        return _same(self, *shapes)


@dataclass(frozen=True)
class Gru(Op):
    """Gates of a GRU (Marian GRUFastForward). Inputs x [m, 3n] or None (0), s [m, 3n], h [m, n], bias [1, 3n] or None;
    columns reset, update, candidate. r = sig(x1+s1+b1), z = sig(x2+s2+b2), c = tanh(x3 + r*s3 + b3), or, if ``final``,
    tanh(x3 + r*(s3+b3)); result (1-z)*c + z*h [m, n]."""

    final: bool
    inputs: ClassVar[int] = 4

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        h, s = _given(shapes[2]), _given(shapes[1])
        if not isinstance(h[1], int) or s[1] != 3 * h[1]:
            raise GraphError(f"gru of {shapes}")
        return h


@dataclass(frozen=True)
class Lstm(Op):
    """Gates of an LSTM. Inputs x [m, 4n] or None, s [m, 4n], cell [m, n], bias [1, 4n] or None; columns forget, input,
    candidate, output. cell' = f*cell + i*tanh(g); result [m, 2n]: cell' then o*tanh(cell')."""

    inputs: ClassVar[int] = 4

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        cell, s = _given(shapes[2]), _given(shapes[1])
        if not isinstance(cell[1], int) or s[1] != 4 * cell[1]:
            raise GraphError(f"lstm of {shapes}")
        return cell[0], 2 * cell[1]


@dataclass(frozen=True)
class ScanRead(Op):
    """Inside a scan: each running sentence's row at this position. [TOKENS, n] -> [GROUP_SENTENCES, n]"""

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        return Symbol.GROUP_SENTENCES, _given(shapes[0])[1]


@dataclass(frozen=True)
class ScanWrite(Op):
    """Inside a scan: puts each running sentence's row at this position. [GROUP_SENTENCES, n] -> [TOKENS, n]; the
    result is whole after the scan."""

    def shape(self, shapes: Sequence[Shape | None]) -> Shape:
        return Symbol.TOKENS, _given(shapes[0])[1]
