"""Checks a plan without trusting the planner: contents, lifetimes, layout. For tests and debug builds.

Liveness is computed anew by following the flow of data through the loops, for slices of columns, not for
whole values; it shares nothing with `liveness.py` and `layout.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from dragoman.errors import PlanError
from dragoman.graph.extents import Symbol
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.instructions import CachedAttention, ScanBegin, ScanEnd, ScanWrite
from dragoman.planning.plan import Plan
from dragoman.planning.records import PlanPhase
from dragoman.planning.verify.types import check_instruction

__all__ = ["verify"]

_WHOLE_BATCH = (Symbol.TOKENS, Symbol.SENTENCES, Symbol.PADDED_TOKENS, Symbol.ROWS, Symbol.CELLS)
"""Rows of values that encoder groups fill part by part; all others are a group's own, or a step's."""


def verify(plan: Plan, extents: Mapping[Symbol, int]) -> None:
    """Raises PlanError naming the first thing found wrong: an operand outside its value or of a wrong type, a
    slot or phase that does not fit, a value read before it is written, recorded lifetimes too short, or
    values alive together that overlap, at these extents or at any others."""
    index = 0
    for phase, instructions in _phases(plan):
        for instruction in instructions:
            check_instruction(plan, phase, index, instruction)
            index += 1
    _check_results(plan)
    _check_order(plan)
    flow = _Flow(plan)
    flow.check_written()
    living = flow.living()
    _check_lifetimes(plan, living)
    _check_stacking(plan, living)
    _check_offsets(plan, living, extents)


def _phases(plan: Plan) -> Iterator[tuple[PlanPhase, tuple[Instruction, ...]]]:
    return zip(PlanPhase, (plan.select, plan.encode, plan.prime, plan.step), strict=True)


def _check_results(plan: Plan) -> None:
    numbers = range(len(plan.values))
    if plan.logits not in numbers or plan.values[plan.logits].columns is not Symbol.CANDIDATES:
        raise PlanError(f"value {plan.logits} is not the logits.")
    if plan.alignment is not None and plan.alignment not in numbers:
        raise PlanError(f"the alignment is value {plan.alignment}, which is none.")
    for state in plan.states:
        if state not in numbers or plan.values[state].rows is not Symbol.ROWS:
            raise PlanError(f"value {state} is not a decoder state.")
    caches = sum(isinstance(instruction, CachedAttention) for instruction in plan.step)
    if caches != plan.caches:
        raise PlanError(f"the plan has {caches} caches, but says {plan.caches}.")


def _check_order(plan: Plan) -> None:
    count = len(plan.values)
    if sorted(plan.order) != list(range(count)) or len(plan.below) != count:
        raise PlanError("the order of values is not a permutation of them.")
    placed: set[int] = set()
    for number in plan.order:
        if not placed.issuperset(plan.below[number]):
            raise PlanError(f"value {number} is placed before one that lies below it.")
        placed.add(number)


def _check_lifetimes(plan: Plan, living: list[set[int]]) -> None:
    for index, values in enumerate(living):
        for number in values:
            value = plan.values[number]
            if not value.first <= index <= value.last:
                raise PlanError(
                    f"value {number} ({value.name}) lives at instruction {index}, "
                    f"outside of its lifetime {value.first} to {value.last}."
                )


def _check_stacking(plan: Plan, living: list[set[int]]) -> None:
    """Values alive together are stacked one above the other, by whatever way: then they never overlap."""
    reach = [0] * len(plan.values)
    for number in plan.order:
        for other in plan.below[number]:
            reach[number] |= reach[other] | 1 << other
    for index, values in enumerate(living):
        for a in values:
            for b in values:
                if a < b and not (reach[a] >> b & 1 or reach[b] >> a & 1):
                    raise PlanError(
                        f"values {a} ({plan.values[a].name}) and {b} ({plan.values[b].name}) live together "
                        f"at instruction {index}, and neither is stacked above the other."
                    )


def _check_offsets(plan: Plan, living: list[set[int]], extents: Mapping[Symbol, int]) -> None:
    offsets, need = plan.offsets(extents)
    ends = [offset + value.bytes(extents) for offset, value in zip(offsets, plan.values, strict=True)]
    for number, (offset, end) in enumerate(zip(offsets, ends, strict=True)):
        if offset % 64 or not 0 <= offset <= end <= need:
            raise PlanError(f"value {number} lies at {offset} to {end} of {need} bytes.")
    for index, values in enumerate(living):
        reached, last = 0, -1
        for number in sorted(values, key=lambda number: (offsets[number], ends[number])):
            if ends[number] == offsets[number]:
                continue
            if offsets[number] < reached:
                raise PlanError(
                    f"values {last} and {number} overlap while both live, at instruction {index}."
                )
            reached, last = ends[number], number


@dataclass
class _Flow:
    """Data flow over slices of values ("units", bits of an int), by instruction."""

    plan: Plan
    instructions: tuple[Instruction, ...] = field(init=False)
    owner: list[int] = field(init=False, default_factory=list)  # unit -> value
    _units: dict[int, list[tuple[int, int, int]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.instructions = self.plan.instructions()
        bounds: dict[int, set[int]] = {}
        for instruction in self.instructions:
            for _, operand in instruction.operands():
                bounds.setdefault(operand.value, set()).update(
                    (operand.column, operand.column + operand.columns)
                )
        for value, columns in sorted(bounds.items()):
            edges = sorted(columns)
            pairs = list(pairwise(edges)) or [(0, 0)]  # a symbolic width is one unit
            self._units[value] = [(first, last, len(self.owner) + n) for n, (first, last) in enumerate(pairs)]
            self.owner += [value] * len(pairs)

    def _mask(self, operand: Operand) -> int:
        mask = 0
        for first, last, unit in self._units[operand.value]:
            if operand.columns == 0 or (operand.column <= first and last <= operand.column + operand.columns):
                mask |= 1 << unit
        return mask

    def _masks(self, operands: list[Operand]) -> int:
        mask = 0
        for operand in operands:
            mask |= self._mask(operand)
        return mask

    def _replaced(self, index: int) -> int:
        """Units whose old contents are gone after an instruction: those it writes, unless it adds a part."""
        instruction, plan = self.instructions[index], self.plan
        in_groups = 0 <= index - len(plan.select) < len(plan.encode) + len(plan.prime)
        mask = 0
        for operand in instruction.written():
            part = isinstance(instruction, ScanWrite) or plan.values[operand.value].rows is Symbol.CELLS
            if not part and not (in_groups and plan.values[operand.value].rows in _WHOLE_BATCH):
                mask |= self._mask(operand)
        return mask

    def _edges(self) -> Iterator[tuple[int, int, int]]:
        """Ways back: from instruction, to instruction, and the units whose contents go along."""
        everything = (1 << len(self.owner)) - 1
        whole = self._masks([operand for code in self.plan.select for _, operand in code.operands()])
        for unit, value in enumerate(self.owner):
            if self.plan.values[value].rows in _WHOLE_BATCH:
                whole |= 1 << unit
        begin = -1
        for index, instruction in enumerate(self.instructions):
            if isinstance(instruction, ScanBegin):
                if begin >= 0:
                    raise PlanError(f"a scan begins at instruction {index} within another.")
                begin = index
            elif isinstance(instruction, ScanEnd):
                if begin < 0:
                    raise PlanError(f"a scan ends at instruction {index} that has not begun.")
                yield index, begin, everything
                begin = -1
        if begin >= 0:
            raise PlanError("a scan does not end.")
        groups, total = len(self.plan.select), len(self.instructions)
        steps = groups + len(self.plan.encode) + len(self.plan.prime)
        if groups < steps:
            yield steps - 1, groups, whole
        if steps < total:
            yield total - 1, steps, everything
            yield total - 1, groups, whole

    def check_written(self) -> None:
        """Every loop runs at least once, so it is enough to look at the first time round."""
        written = 0
        for index, instruction in enumerate(self.instructions):
            if isinstance(instruction, CachedAttention):
                written |= self._mask(instruction.cache)  # begins empty; reads only what was appended
            missing = self._masks(instruction.read()) & ~written
            if missing:
                number = self.owner[missing.bit_length() - 1]
                name = self.plan.values[number].name
                raise PlanError(f"instruction {index} reads value {number} ({name}) before it is written.")
            written |= self._masks(instruction.written())

    def living(self) -> list[set[int]]:
        """For each instruction the values whose memory it must find, or leave, intact: their contents may
        have been written on the way here, and may be read on the way on."""
        count = len(self.instructions)
        read = [self._masks(instruction.read()) for instruction in self.instructions]
        written = [self._masks(instruction.written()) for instruction in self.instructions]
        replaced = [self._replaced(index) for index in range(count)]
        edges = list(self._edges())
        results = 0
        for unit, value in enumerate(self.owner):
            if value in (self.plan.logits, self.plan.alignment):
                results |= 1 << unit
        wanted_in, wanted_out = [0] * (count + 1), [0] * count
        here_in, here_out = [0] * count, [0] * count
        changed = True
        while changed:
            before = (list(wanted_in), list(here_out))
            wanted_in[count] = results
            for index in reversed(range(count)):
                back = [wanted_in[target] & mask for source, target, mask in edges if source == index]
                wanted_out[index] = wanted_in[index + 1]
                for mask in back:
                    wanted_out[index] |= mask
                wanted_in[index] = read[index] | (wanted_out[index] & ~replaced[index])
            for index in range(count):
                here_in[index] = here_out[index - 1] if index else 0
                for source, target, mask in edges:
                    if target == index:
                        here_in[index] |= here_out[source] & mask
                here_out[index] = here_in[index] | written[index]
            changed = before != (wanted_in, here_out)
        return [
            self._values(wanted_in[i] & here_in[i] | wanted_out[i] & here_out[i] | read[i] | written[i])
            for i in range(count)
        ]

    def _values(self, mask: int) -> set[int]:
        return {value for unit, value in enumerate(self.owner) if mask >> unit & 1}
