"""Checks one instruction of a plan at a time: operands, element types, rows, widths, slots, phase.

Part of `verify.py`; independent of the planner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from dragoman.errors import PlanError
from dragoman.graph.extents import Dimension, Symbol
from dragoman.planning import instructions as ins
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.kinds import Kind
from dragoman.planning.plan import Plan
from dragoman.planning.records import MatrixSlot, PlanPhase, Precision, Slot, TableSlot, VectorSlot

_ROWS: dict[Symbol, tuple[Dimension, ...]] = {
    Symbol.GROUP_TOKENS: (Symbol.GROUP_TOKENS, Symbol.TOKENS),
    Symbol.GROUP_SENTENCES: (Symbol.GROUP_SENTENCES, Symbol.SENTENCES, Symbol.ROWS),
    Symbol.ROWS: (Symbol.ROWS,),
    Symbol.UNION: (),
}
"""Rows of an instruction -> rows of the values that it may handle row by row."""

_PHASE_ROWS = {
    PlanPhase.ENCODE: (Symbol.GROUP_TOKENS, Symbol.GROUP_SENTENCES),
    PlanPhase.PRIME: (Symbol.GROUP_TOKENS, Symbol.GROUP_SENTENCES),
    PlanPhase.SELECT: (Symbol.UNION,),
    PlanPhase.STEP: (Symbol.ROWS,),
}
_ONLY_IN: dict[type[Instruction], tuple[PlanPhase, ...]] = {
    ins.SelfAttention: (PlanPhase.ENCODE,),
    ins.MeanOverSentence: (PlanPhase.ENCODE, PlanPhase.PRIME),
    ins.PackKeys: (PlanPhase.ENCODE, PlanPhase.PRIME),
    ins.Zero: (PlanPhase.ENCODE, PlanPhase.PRIME),
    ins.ScanBegin: (PlanPhase.ENCODE,),
    ins.ScanEnd: (PlanPhase.ENCODE,),
    ins.ScanRead: (PlanPhase.ENCODE,),
    ins.ScanWrite: (PlanPhase.ENCODE,),
    ins.SelectCandidates: (PlanPhase.SELECT,),
    **dict.fromkeys(
        (ins.CrossAttention, ins.CachedAttention, ins.AdditiveAttention, ins.ReorderState, ins.RunningAverage,
         ins.LogitsFloat, ins.LogitsInt8),
        (PlanPhase.STEP,),
    ),
}  # fmt: skip
_IN_PLACE = {
    ins.Activate: {("output", "x")},
    ins.Mix: {("output", "gate"), ("output", "y"), ("output", "x")},
    ins.RunningAverage: {("output", "average")},
    ins.Gru: {("output", "h")},
    ins.Lstm: {("cell_output", "cell")},
    ins.Norm: {("sum", "x"), ("sum", "residual")},
}
"""Outputs that may be the very operand of an input."""

_SlotType = TypeVar("_SlotType", bound=Slot)


def check_instruction(plan: Plan, phase: PlanPhase, index: int, instruction: Instruction) -> None:
    """Raises PlanError naming the instruction and what is wrong with it."""
    _Check(
        plan, phase, f"{phase.value} instruction {index} ({type(instruction).__name__})", instruction
    ).run()


@dataclass
class _Check:
    plan: Plan
    phase: PlanPhase
    where: str
    instruction: Instruction

    def fail(self, what: str) -> None:
        raise PlanError(f"{self.where}: {what}.")

    def require(self, condition: bool, what: str) -> None:
        if not condition:
            self.fail(what)

    def run(self) -> None:
        instruction = self.instruction
        self.require(instruction.rows in _PHASE_ROWS[self.phase], f"rows {instruction.rows} in this phase")
        allowed = _ONLY_IN.get(type(instruction), tuple(PlanPhase))
        self.require(self.phase in allowed, "stands in the wrong phase")
        for name, operand in instruction.operands():
            self.bounds(name, operand)
            kind, allowed_kinds = self.plan.values[operand.value].kind, instruction.places()[name].kinds
            wanted = " or ".join(one.value for one in allowed_kinds)
            self.require(kind in allowed_kinds, f"{name} is {kind.value}, not {wanted}")
        self.overlaps()
        self.fields()

    def bounds(self, name: str, operand: Operand) -> None:
        self.require(
            0 <= operand.value < len(self.plan.values), f"{name} is value {operand.value}, which is none"
        )
        columns = self.plan.values[operand.value].columns
        if isinstance(columns, Symbol):
            self.require(
                operand.column == operand.columns == 0, f"{name} slices a value of {columns} columns"
            )
        else:
            inside = operand.column >= 0 < operand.columns and operand.column + operand.columns <= columns
            last = operand.column + operand.columns
            self.require(inside, f"{name} is columns {operand.column} to {last} of {columns}")

    def overlaps(self) -> None:
        places = self.instruction.places()
        allowed = _IN_PLACE.get(type(self.instruction), set())
        operands = self.instruction.operands()
        for out_name, output in operands:
            if not places[out_name].writes:
                continue
            for name, other in operands:
                if name == out_name or other.value != output.value:
                    continue
                apart = (
                    other.column + other.columns <= output.column
                    or output.column + output.columns <= other.column
                )
                same = other == output and (out_name, name) in allowed | {(b, a) for a, b in allowed}
                whole = other.columns == 0 or output.columns == 0
                self.require((apart and not whole) or same, f"{out_name} overlaps {name}")

    # -- operands and slots ----------------------------------------------------------------------------------

    def operand(self, name: str, columns: int | None, rows: Dimension | None = None) -> None:
        """Checks a field that may be None; ``rows`` None: the instruction's own, row by row."""
        operand = getattr(self.instruction, name)
        if operand is None:
            return
        value = self.plan.values[operand.value]
        allowed = _ROWS[self.instruction.rows] if rows is None else (rows,)
        self.require(value.rows in allowed, f"{name} has rows {value.rows}")
        if columns is not None:
            self.require(operand.columns == columns, f"{name} has {operand.columns} columns, not {columns}")

    def floats(self, *names: str, columns: int, rows: Dimension | None = None) -> None:
        for name in names:
            self.operand(name, columns, rows)

    def symbolic(self, name: str, rows: Dimension, columns: Symbol) -> None:
        operand = getattr(self.instruction, name, None)
        if operand is not None:
            value = self.plan.values[operand.value]
            fits = value.rows == rows and value.columns is columns
            self.require(fits, f"{name} is {value.kind.value} [{value.rows}, {value.columns}]")

    def slot(self, number: int | None, kind: type[_SlotType]) -> _SlotType:
        slots = self.plan.slots
        found = slots[number] if number is not None and 0 <= number < len(slots) else None
        if not isinstance(found, kind):
            raise PlanError(f"{self.where}: slot {number} is no {kind.__name__}.")
        return found

    def vector(self, number: int | None, columns: int) -> None:
        if number is not None:
            slot = self.slot(number, VectorSlot)
            self.require(
                sum(slot.widths) == columns, f"slot {number} has {sum(slot.widths)} elements, not {columns}"
            )

    def results(self, columns: int) -> None:
        """``output``, ``quantised`` and ``multiplier_of`` of a kernel that can quantise."""
        output, quantised, multiplier = (
            getattr(self.instruction, name) for name in ("output", "quantised", "multiplier_of")
        )
        total = getattr(self.instruction, "sum", None)
        self.require(output is not None or quantised is not None or total is not None, "writes nothing")
        self.operand("output", columns)
        self.operand("quantised", columns)
        self.require(
            (quantised is None) == (multiplier is None), "quantises without a multiplier, or the reverse"
        )
        if multiplier is not None:
            self.alpha(multiplier)

    def alpha(self, number: int) -> None:
        slots = self.plan.slots
        slot = slots[number] if 0 <= number < len(slots) else None
        has_alpha = isinstance(slot, MatrixSlot | TableSlot) and slot.precision is Precision.INT8
        self.require(has_alpha, f"slot {number} has no alpha")

    def table(self, number: int, panels: Operand) -> TableSlot:
        slot = self.slot(number, TableSlot)
        self.require(slot.logits, f"slot {number} is no output layer")
        integer = slot.precision is not Precision.FLOAT32
        self.operand("panels", slot.columns, Symbol.UNION)
        kind = self.plan.values[panels.value].kind
        self.require(kind is (Kind.U8 if integer else Kind.F32), f"panels are {kind.value}")
        for name in ("scales", "biases"):
            self.symbolic(name, 1, Symbol.UNION)
        self.symbolic("column_sums", 1, Symbol.UNION)
        rows = slot.precision is Precision.INT8_ROWS
        self.require(
            (getattr(self.instruction, "column_sums", None) is not None) == rows, "column sums do not fit"
        )
        return slot

    # -- instructions ----------------------------------------------------------------------------------------

    def fields(self) -> None:
        match self.instruction:
            case ins.Embed() as i:
                table = self.slot(i.table, TableSlot)
                wanted = PlanPhase.ENCODE if i.source else PlanPhase.STEP
                self.require(table.embeds and self.phase is wanted, "the table does not embed here")
                self.floats("output", columns=table.columns)
            case ins.Quantize() | ins.QuantizeRows() as i:
                self.floats("x", columns=i.x.columns)
                self.operand("output", i.x.columns)
                if isinstance(i, ins.Quantize):
                    self.alpha(i.multiplier_of)
                else:
                    self.floats("row_scale_out", columns=1)
            case ins.GemmInt8() as i:
                matrix = self.slot(i.matrix, MatrixSlot)
                wanted_precision = Precision.INT8 if i.row_scale is None else Precision.INT8_ROWS
                self.require(matrix.precision is wanted_precision, f"the matrix is {matrix.precision.value}")
                self.operand("x", matrix.rows)
                self.floats("row_scale", columns=1)
                self.results(matrix.columns)
            case ins.GemmFloat() as i:
                matrix = self.slot(i.matrix, MatrixSlot)
                self.require(matrix.precision is Precision.FLOAT32, f"the matrix is {matrix.precision.value}")
                self.floats("x", columns=matrix.rows)
                self.floats("output", columns=matrix.columns)
            case ins.Norm() as i:
                self.floats("x", "residual", "sum", columns=i.x.columns)
                self.vector(i.scale, i.x.columns)
                self.vector(i.bias, i.x.columns)
                self.results(i.x.columns)
            case ins.SelfAttention() | ins.CrossAttention() | ins.CachedAttention() as i:
                self.attention(i)
            case ins.PackKeys() as i:
                self.floats("k", columns=i.k.columns)
                self.floats("keys_output", columns=i.k.columns, rows=Symbol.PADDED_TOKENS)
                self.require(i.heads > 0 and i.k.columns % i.heads == 0, "heads do not divide the columns")
            case ins.AdditiveAttention() as i:
                self.floats("query", columns=i.query.columns)
                self.floats("projected", columns=i.query.columns, rows=Symbol.TOKENS)
                self.floats("context", columns=i.context.columns, rows=Symbol.TOKENS)
                self.floats("output", columns=i.context.columns)
                self.vector(i.energy, i.query.columns)
                self.symbolic("scratch", 1, Symbol.LONGEST)
                self.symbolic("weights", Symbol.ROWS, Symbol.ALIGNED)
            case ins.Gru() | ins.Lstm() as i:
                width = i.output.columns
                gates = width * (3 if isinstance(i, ins.Gru) else 4)
                self.floats("x", "s", columns=gates)
                self.floats(
                    *(("h",) if isinstance(i, ins.Gru) else ("cell", "cell_output")), "output", columns=width
                )
                self.vector(i.bias, gates)
            case ins.MeanOverSentence() | ins.ScanRead() | ins.ScanWrite() as i:
                self.tokens_and_sentences(i)
            case ins.SelectCandidates() as i:
                self.table(i.table, i.panels)
            case ins.LogitsInt8() | ins.LogitsFloat() as i:
                table = self.table(i.table, i.panels)
                integer = isinstance(i, ins.LogitsInt8)
                self.require(
                    integer == (table.precision is not Precision.FLOAT32),
                    "the table's precision does not fit",
                )
                self.operand("x", table.columns)
                if isinstance(i, ins.LogitsInt8):
                    rows = table.precision is Precision.INT8_ROWS
                    self.require((i.row_scale is not None) == rows, "row scales do not fit")
                    self.floats("row_scale", columns=1)
                self.symbolic("output", Symbol.ROWS, Symbol.CANDIDATES)
                self.require(
                    i.output.value == self.plan.logits, "writes another value than the plan's logits"
                )
            case ins.ScanBegin() | ins.ScanEnd():
                pass
            case i:  # row by row, all operands of one width
                operands = i.operands()
                self.floats(*(name for name, _ in operands), columns=operands[0][1].columns)

    def attention(self, i: ins.SelfAttention | ins.CrossAttention | ins.CachedAttention) -> None:
        columns = i.q.columns
        self.require(i.heads > 0 and columns % i.heads == 0, "heads do not divide the columns")
        self.floats("q", columns=columns)
        self.results(columns)
        match i:
            case ins.SelfAttention():
                self.floats("k", "v", columns=columns)
                self.symbolic("scratch", columns // i.heads + 4, Symbol.LONGEST)
            case ins.CrossAttention():
                self.floats("keys", columns=columns, rows=Symbol.PADDED_TOKENS)
                self.floats("v", columns=columns, rows=Symbol.TOKENS)
                self.symbolic("scratch", 4, Symbol.LONGEST)
                self.symbolic("weights", Symbol.ROWS, Symbol.ALIGNED)
            case ins.CachedAttention():
                self.floats("k", "v", columns=columns)
                self.floats("cache", columns=2 * columns, rows=Symbol.CELLS)
                self.symbolic("scratch", 1, Symbol.LIMIT)

    def tokens_and_sentences(self, i: ins.MeanOverSentence | ins.ScanRead | ins.ScanWrite) -> None:
        tokens, sentences = ("output", "x") if isinstance(i, ins.ScanWrite) else ("x", "output")
        operand = getattr(i, tokens)
        rows = self.plan.values[operand.value].rows
        self.require(rows in _ROWS[Symbol.GROUP_TOKENS], f"{tokens} has rows {rows}")
        self.operand(tokens, operand.columns, rows)
        self.floats(sentences, columns=operand.columns)
