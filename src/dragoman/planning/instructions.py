"""The instructions of a plan: what the interpreters (backends/reference.py, native/interpreter/interpreter.cc) execute.

An instruction reads and writes *operands* (views on values of the workspace) and reads *slots* (prepared
parameters). ``rows`` says how many rows it computes: GROUP_TOKENS (the tokens of the encoder group at hand),
GROUP_SENTENCES (the group's sentences; inside a scan those still running at this position), ROWS (the live
hypotheses). A value whose rows are TOKENS or SENTENCES holds the whole batch: ENCODE and PRIME instructions
write the group's part. Arithmetic and order of operations are those of native/kernels/kernels.h.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from dragoman.graph.extents import Symbol
from dragoman.graph.ops import Function, NormKind


@dataclass(frozen=True)
class Operand:
    """Columns ``column`` to ``column + columns`` of value number ``value``. ``columns`` is 0 where an extent
    (LONGEST, ALIGNED, CANDIDATES) decides."""

    value: int
    column: int
    columns: int


@dataclass(frozen=True)
class Instruction:
    """Base. ``rows``: see the module."""

    rows: Symbol

    def operands(self) -> list[tuple[str, Operand]]:
        """Field names and operands present, in order of declaration."""
        found = ((f.name, getattr(self, f.name)) for f in fields(self))
        return [(name, value) for name, value in found if isinstance(value, Operand)]

    def written(self) -> list[Operand]:
        """Operands that the instruction writes: the fields named in ``WRITES``."""
        return [operand for name, operand in self.operands() if name in WRITES]

    def read(self) -> list[Operand]:
        """Operands that it reads; `REWRITES` lists fields both read and written."""
        return [operand for name, operand in self.operands() if name not in WRITES or name in REWRITES]


WRITES = frozenset(
    {"output", "quantised", "row_scale_out", "sum", "cell_output", "keys_output", "scratch", "weights",
     "cache", "panels", "scales", "biases", "column_sums"}
)  # fmt: skip
"""Fields of instructions that are written."""
REWRITES = frozenset({"cache"})
"""Fields that are written and read by the same instruction (appended to)."""


@dataclass(frozen=True)
class Embed(Instruction):
    """output f32 [rows, D] = table[id] * scale (+ positions). ``source``: the batch's source ids at their
    position in the sentence; else the previous target ids (-1: zero vector) at position = step."""

    table: int
    source: bool
    scale: float
    positions: bool
    output: Operand


@dataclass(frozen=True)
class Quantize(Instruction):
    """output u8 from x f32 with the alpha of matrix or table slot ``multiplier_of``."""

    x: Operand
    output: Operand
    multiplier_of: int


@dataclass(frozen=True)
class QuantizeRows(Instruction):
    """output u8 from x f32, each row by its own maximum; row_scale_out f32 [rows, 1] = max|x| / 127."""

    x: Operand
    output: Operand
    row_scale_out: Operand


@dataclass(frozen=True)
class GemmInt8(Instruction):
    """x u8 [rows, K] times an int8 matrix slot. ``row_scale`` None: the slot's own alpha (static form).
    To ``output`` f32 and / or ``quantised`` u8 (with the alpha of slot ``multiplier_of``)."""

    x: Operand
    row_scale: Operand | None
    matrix: int
    function: Function
    output: Operand | None
    quantised: Operand | None
    multiplier_of: int | None


@dataclass(frozen=True)
class GemmFloat(Instruction):
    """output f32 = function(x f32 [rows, K] times a float matrix slot + bias)."""

    x: Operand
    matrix: int
    function: Function
    output: Operand


@dataclass(frozen=True)
class Norm(Instruction):
    """sum = x + residual; output and quantised = norm(sum) * scale + bias. ``sum`` may be the operand x or
    residual."""

    x: Operand
    residual: Operand | None
    kind: NormKind
    epsilon: float
    scale: int | None
    bias: int | None
    sum: Operand | None
    output: Operand | None
    quantised: Operand | None
    multiplier_of: int | None


@dataclass(frozen=True)
class SelfAttention(Instruction):
    """Within each sentence of the group. q, k, v f32 [GROUP_TOKENS, D]. scratch f32 [D/heads + 4, LONGEST]:
    packed keys of one head at a time need D/heads rows, scores 4."""

    q: Operand
    k: Operand
    v: Operand
    heads: int
    output: Operand | None
    quantised: Operand | None
    multiplier_of: int | None
    scratch: Operand


@dataclass(frozen=True)
class PackKeys(Instruction):
    """Cross-attention keys of the group's sentences, packed: k f32 [GROUP_TOKENS, D] to keys_output f32
    [PADDED_TOKENS, D]; sentence s is the block [heads][D/heads][len rounded up to 16] from row
    padded_offset(s)."""

    k: Operand
    heads: int
    keys_output: Operand


@dataclass(frozen=True)
class CrossAttention(Instruction):
    """Each row over its own source sentence. q f32 [ROWS, D], keys from PackKeys, v f32 [TOKENS, D].
    scratch f32 [4, LONGEST]. weights f32 [ROWS, ALIGNED] or None: head 0's probabilities (alignment)."""

    q: Operand
    keys: Operand
    v: Operand
    heads: int
    output: Operand | None
    quantised: Operand | None
    multiplier_of: int | None
    scratch: Operand
    weights: Operand | None


@dataclass(frozen=True)
class CachedAttention(Instruction):
    """Appends k and v to cache f32 [CELLS, 2D] (keys, then values; a new cell a row) and attends over the
    row's own cells in order. q, k, v f32 [ROWS, D]. scratch f32 [1, LIMIT]."""

    q: Operand
    k: Operand
    v: Operand
    heads: int
    cache: Operand
    output: Operand | None
    quantised: Operand | None
    multiplier_of: int | None
    scratch: Operand


@dataclass(frozen=True)
class AdditiveAttention(Instruction):
    """query f32 [ROWS, C], projected [TOKENS, C], context [TOKENS, n], energy: vector slot of C. scratch [1,
    LONGEST]. weights as in CrossAttention."""

    query: Operand
    projected: Operand
    context: Operand
    energy: int
    output: Operand
    scratch: Operand
    weights: Operand | None


@dataclass(frozen=True)
class Activate(Instruction):
    x: Operand
    function: Function
    output: Operand


@dataclass(frozen=True)
class Add(Instruction):
    x: Operand
    y: Operand
    output: Operand


@dataclass(frozen=True)
class Multiply(Instruction):
    x: Operand
    y: Operand
    output: Operand


@dataclass(frozen=True)
class Mix(Instruction):
    """output = sigmoid(gate) * y + (1 - sigmoid(gate)) * x."""

    gate: Operand
    y: Operand
    x: Operand
    output: Operand


@dataclass(frozen=True)
class RunningAverage(Instruction):
    average: Operand
    x: Operand
    output: Operand


@dataclass(frozen=True)
class Gru(Instruction):
    x: Operand | None
    s: Operand
    h: Operand
    bias: int | None
    final: bool
    output: Operand


@dataclass(frozen=True)
class Lstm(Instruction):
    x: Operand | None
    s: Operand
    cell: Operand
    bias: int | None
    cell_output: Operand
    output: Operand


@dataclass(frozen=True)
class Copy(Instruction):
    """output = x, row by row (a state's start or update, a concatenation that could not be written in
    place)."""

    x: Operand
    output: Operand


@dataclass(frozen=True)
class Zero(Instruction):
    """output = 0 for the group's sentences (start of a state)."""

    output: Operand


@dataclass(frozen=True)
class ReorderState(Instruction):
    """output[row] = x[parent(row)]: a decoder state as its row's parent hypothesis left it. x f32 [ROWS, n]
    is a state."""

    x: Operand
    output: Operand


@dataclass(frozen=True)
class MeanOverSentence(Instruction):
    """output f32 [GROUP_SENTENCES, n] = mean over each sentence's rows of x f32 [GROUP_TOKENS, n] (or the
    group's part of a TOKENS value), added in order of position, then divided."""

    x: Operand
    output: Operand


@dataclass(frozen=True)
class ScanBegin(Instruction):
    """Starts a loop over source positions up to the matching ScanEnd; position t of a sentence is its token
    t, or its token len-1-t if ``backward``. Sentences of a group run longest first, so those running are the
    first rows."""

    backward: bool


@dataclass(frozen=True)
class ScanEnd(Instruction):
    pass


@dataclass(frozen=True)
class ScanRead(Instruction):
    """output f32 [running sentences, n] = rows of x f32 [GROUP_TOKENS, n] (or group's part of TOKENS) at this
    position."""

    x: Operand
    output: Operand


@dataclass(frozen=True)
class ScanWrite(Instruction):
    """Rows of output f32 [GROUP_TOKENS, n] (or group's part of TOKENS) at this position = x f32 [running
    sentences, n]."""

    x: Operand
    output: Operand


@dataclass(frozen=True)
class SelectCandidates(Instruction):
    """Once before the first step: packs the output columns of the batch's union of shortlists.
    ``panels`` [UNION, K] f32 or i8 (u8 storage), scales, biases f32 [1, UNION], column_sums i32 [1, UNION];
    all empty when there is no shortlist. rows: UNION."""

    table: int
    panels: Operand
    scales: Operand | None
    biases: Operand
    column_sums: Operand | None


@dataclass(frozen=True)
class LogitsInt8(Instruction):
    """output f32 [ROWS, CANDIDATES] from x u8 [ROWS, K] (row_scale as in GemmInt8) and the selected or all
    columns."""

    x: Operand
    row_scale: Operand | None
    table: int
    panels: Operand
    scales: Operand
    biases: Operand
    column_sums: Operand | None
    output: Operand

    def written(self) -> list[Operand]:
        return [self.output]

    def read(self) -> list[Operand]:
        return [operand for name, operand in self.operands() if name != "output"]


@dataclass(frozen=True)
class LogitsFloat(Instruction):
    """output f32 [ROWS, CANDIDATES] from x f32 [ROWS, K]."""

    x: Operand
    table: int
    panels: Operand
    biases: Operand
    output: Operand

    def written(self) -> list[Operand]:
        return [self.output]

    def read(self) -> list[Operand]:
        return [operand for name, operand in self.operands() if name != "output"]
