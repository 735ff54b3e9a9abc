"""The instructions of a plan: what the interpreters (backends/reference.py, native/interpreter/interpreter.cc) execute.

An instruction reads and writes *operands* (views on values of the workspace) and reads *slots* (prepared
parameters). ``rows`` says how many rows it computes: GROUP_TOKENS (the tokens of the encoder group at hand),
GROUP_SENTENCES (the group's sentences; inside a scan those still running at this position), ROWS (the live
hypotheses). A value whose rows are TOKENS or SENTENCES holds the whole batch: ENCODE and PRIME instructions
write the group's part. Arithmetic and order of operations are those of native/kernels/kernels.h. Each field is declared
with its place in the native core (`dragoman.planning.fields`).
"""

from __future__ import annotations

from dataclasses import dataclass

from dragoman.graph.ops import Function, NormKind
from dragoman.planning.fields import Instruction, Operand, appends, reads, setting, slot, writes
from dragoman.planning.kinds import Kind


@dataclass(frozen=True)
class Embed(Instruction):
    """output f32 [rows, D] = table[id] * scale (+ positions). ``source``: the batch's source ids at their
    position in the sentence; else the previous target ids (-1: zero vector) at position = step."""

    table: int = slot("slot")
    source: bool = setting("flag")
    scale: float = setting("real")
    positions: bool = setting("positions")
    output: Operand = writes("output")


@dataclass(frozen=True)
class Quantize(Instruction):
    """output u8 from x f32 with the alpha of matrix or table slot ``multiplier_of``."""

    x: Operand = reads("x")
    output: Operand = writes("output", Kind.U8)
    multiplier_of: int = slot("multiplier_of")


@dataclass(frozen=True)
class QuantizeRows(Instruction):
    """output u8 from x f32, each row by its own maximum; row_scale_out f32 [rows, 1] = max|x| / 127."""

    x: Operand = reads("x")
    output: Operand = writes("output", Kind.U8)
    row_scale_out: Operand = writes("row_scale")


@dataclass(frozen=True)
class GemmInt8(Instruction):
    """x u8 [rows, K] times an int8 matrix slot. ``row_scale`` None: the slot's own alpha (static form).
    To ``output`` f32 and / or ``quantised`` u8 (with the alpha of slot ``multiplier_of``)."""

    x: Operand = reads("x", Kind.U8)
    row_scale: Operand | None = reads("row_scale")
    matrix: int = slot("slot")
    function: Function = setting("function")
    output: Operand | None = writes("output")
    quantised: Operand | None = writes("quantised", Kind.U8)
    multiplier_of: int | None = slot("multiplier_of")


@dataclass(frozen=True)
class GemmFloat(Instruction):
    """output f32 = function(x f32 [rows, K] times a float matrix slot + bias)."""

    x: Operand = reads("x")
    matrix: int = slot("slot")
    function: Function = setting("function")
    output: Operand = writes("output")


@dataclass(frozen=True)
class Norm(Instruction):
    """sum = x + residual; output and quantised = norm(sum) * scale + bias. ``sum`` may be the operand x or
    residual."""

    x: Operand = reads("x")
    residual: Operand | None = reads("y")
    kind: NormKind = setting("flag")
    epsilon: float = setting("real")
    scale: int | None = slot("slot")
    bias: int | None = slot("bias_slot")
    sum: Operand | None = writes("sum")
    output: Operand | None = writes("output")
    quantised: Operand | None = writes("quantised", Kind.U8)
    multiplier_of: int | None = slot("multiplier_of")


@dataclass(frozen=True)
class SelfAttention(Instruction):
    """Within each sentence of the group. q, k, v f32 [GROUP_TOKENS, D]. scratch f32 [D/heads + 4, LONGEST]:
    packed keys of one head at a time need D/heads rows, scores 4."""

    q: Operand = reads("x")
    k: Operand = reads("y")
    v: Operand = reads("z")
    heads: int = setting("heads")
    output: Operand | None = writes("output")
    quantised: Operand | None = writes("quantised", Kind.U8)
    multiplier_of: int | None = slot("multiplier_of")
    scratch: Operand = writes("scratch")


@dataclass(frozen=True)
class PackKeys(Instruction):
    """Cross-attention keys of the group's sentences, packed: k f32 [GROUP_TOKENS, D] to keys_output f32
    [PADDED_TOKENS, D]; sentence s is the block [heads][D/heads][len rounded up to 16] from row
    padded_offset(s)."""

    k: Operand = reads("x")
    heads: int = setting("heads")
    keys_output: Operand = writes("output")


@dataclass(frozen=True)
class CrossAttention(Instruction):
    """Each row over its own source sentence. q f32 [ROWS, D], keys from PackKeys, v f32 [TOKENS, D].
    scratch f32 [4, LONGEST]. weights f32 [ROWS, ALIGNED] or None: head 0's probabilities (alignment)."""

    q: Operand = reads("x")
    keys: Operand = reads("y")
    v: Operand = reads("z")
    heads: int = setting("heads")
    output: Operand | None = writes("output")
    quantised: Operand | None = writes("quantised", Kind.U8)
    multiplier_of: int | None = slot("multiplier_of")
    scratch: Operand = writes("scratch")
    weights: Operand | None = writes("weights")


@dataclass(frozen=True)
class CachedAttention(Instruction):
    """Appends k and v to cache f32 [CELLS, 2D] (keys, then values; a new cell a row) and attends over the
    row's own cells in order. q, k, v f32 [ROWS, D]. scratch f32 [1, LIMIT]."""

    q: Operand = reads("x")
    k: Operand = reads("y")
    v: Operand = reads("z")
    heads: int = setting("heads")
    cache: Operand = appends("cache")
    output: Operand | None = writes("output")
    quantised: Operand | None = writes("quantised", Kind.U8)
    multiplier_of: int | None = slot("multiplier_of")
    scratch: Operand = writes("scratch")


@dataclass(frozen=True)
class AdditiveAttention(Instruction):
    """query f32 [ROWS, C], projected [TOKENS, C], context [TOKENS, n], energy: vector slot of C. scratch [1,
    LONGEST]. weights as in CrossAttention."""

    query: Operand = reads("x")
    projected: Operand = reads("y")
    context: Operand = reads("z")
    energy: int = slot("slot")
    output: Operand = writes("output")
    scratch: Operand = writes("scratch")
    weights: Operand | None = writes("weights")


@dataclass(frozen=True)
class Activate(Instruction):
    x: Operand = reads("x")
    function: Function = setting("function")
    output: Operand = writes("output")


@dataclass(frozen=True)
class Add(Instruction):
    x: Operand = reads("x")
    y: Operand = reads("y")
    output: Operand = writes("output")


@dataclass(frozen=True)
class Multiply(Instruction):
    x: Operand = reads("x")
    y: Operand = reads("y")
    output: Operand = writes("output")


@dataclass(frozen=True)
class Mix(Instruction):
    """output = sigmoid(gate) * y + (1 - sigmoid(gate)) * x."""

    gate: Operand = reads("x")
    y: Operand = reads("y")
    x: Operand = reads("z")
    output: Operand = writes("output")


@dataclass(frozen=True)
class RunningAverage(Instruction):
    average: Operand = reads("z")
    x: Operand = reads("x")
    output: Operand = writes("output")


@dataclass(frozen=True)
class Gru(Instruction):
    x: Operand | None = reads("x")
    s: Operand = reads("y")
    h: Operand = reads("z")
    bias: int | None = slot("bias_slot")
    final: bool = setting("flag")
    output: Operand = writes("output")


@dataclass(frozen=True)
class Lstm(Instruction):
    x: Operand | None = reads("x")
    s: Operand = reads("y")
    cell: Operand = reads("z")
    bias: int | None = slot("bias_slot")
    cell_output: Operand = writes("sum")
    output: Operand = writes("output")


@dataclass(frozen=True)
class Copy(Instruction):
    """output = x, row by row (a state's start or update, a concatenation that could not be written in
    place)."""

    x: Operand = reads("x")
    output: Operand = writes("output")


@dataclass(frozen=True)
class Zero(Instruction):
    """output = 0 for the group's sentences (start of a state)."""

    output: Operand = writes("output")


@dataclass(frozen=True)
class ReorderState(Instruction):
    """output[row] = x[parent(row)]: a decoder state as its row's parent hypothesis left it. x f32 [ROWS, n]
    is a state."""

    x: Operand = reads("x")
    output: Operand = writes("output")


@dataclass(frozen=True)
class MeanOverSentence(Instruction):
    """output f32 [GROUP_SENTENCES, n] = mean over each sentence's rows of x f32 [GROUP_TOKENS, n] (or the
    group's part of a TOKENS value), added in order of position, then divided."""

    x: Operand = reads("x")
    output: Operand = writes("output")


@dataclass(frozen=True)
class ScanBegin(Instruction):
    """Starts a loop over source positions up to the matching ScanEnd; position t of a sentence is its token
    t, or its token len-1-t if ``backward``. Sentences of a group run longest first, so those running are the
    first rows."""

    backward: bool = setting("flag")


@dataclass(frozen=True)
class ScanEnd(Instruction):
    pass


@dataclass(frozen=True)
class ScanRead(Instruction):
    """output f32 [running sentences, n] = rows of x f32 [GROUP_TOKENS, n] (or group's part of TOKENS) at this
    position."""

    x: Operand = reads("x")
    output: Operand = writes("output")


@dataclass(frozen=True)
class ScanWrite(Instruction):
    """Rows of output f32 [GROUP_TOKENS, n] (or group's part of TOKENS) at this position = x f32 [running
    sentences, n]."""

    x: Operand = reads("x")
    output: Operand = writes("output")


@dataclass(frozen=True)
class SelectCandidates(Instruction):
    """Once before the first step: packs the output columns of the batch's union of shortlists.
    ``panels`` [UNION, K] f32 or i8 (u8 storage), scales, biases f32 [1, UNION], column_sums i32 [1, UNION];
    all empty when there is no shortlist. rows: UNION."""

    table: int = slot("slot")
    panels: Operand = writes("panels", Kind.U8, Kind.F32)
    scales: Operand | None = writes("scales")
    biases: Operand = writes("biases")
    column_sums: Operand | None = writes("column_sums", Kind.I32)


@dataclass(frozen=True)
class LogitsInt8(Instruction):
    """output f32 [ROWS, CANDIDATES] from x u8 [ROWS, K] (row_scale as in GemmInt8) and the selected or all
    columns."""

    x: Operand = reads("x", Kind.U8)
    row_scale: Operand | None = reads("row_scale")
    table: int = slot("slot")
    panels: Operand = reads("panels", Kind.U8)
    scales: Operand = reads("scales")
    biases: Operand = reads("biases")
    column_sums: Operand | None = reads("column_sums", Kind.I32)
    output: Operand = writes("output")


@dataclass(frozen=True)
class LogitsFloat(Instruction):
    """output f32 [ROWS, CANDIDATES] from x f32 [ROWS, K]."""

    x: Operand = reads("x")
    table: int = slot("slot")
    panels: Operand = reads("panels")
    biases: Operand = reads("biases")
    output: Operand = writes("output")
