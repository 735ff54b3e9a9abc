"""The reference interpreter: a plan executed with NumPy, one short piece of code for each instruction.

It is the oracle for the native engine, so it is written to be read, not to be fast. Integer products are
exact and rounded as Marian rounds them; float sums are in NumPy's order, not in the one of
native/kernels/kernels.h.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.backends import reference_math as maths
from dragoman.backends.reference_frame import Frame, Rows
from dragoman.errors import PlanError
from dragoman.graph.extents import Symbol
from dragoman.graph.ops import NormKind
from dragoman.planning import instructions as ins
from dragoman.planning.batch_extents import groups
from dragoman.planning.fields import Instruction, Operand

__all__ = ["Interpreter"]

Floats = NDArray[np.float32]


class Interpreter(Frame):
    """Executes the phases of a plan."""

    def encode(self, group_tokens: int) -> None:
        """SELECT, then ENCODE and PRIME, group by group."""
        self._run(self.plan.select)
        bounds = groups(np.diff(self.batch.offsets).tolist(), group_tokens)
        for first, last in pairwise(bounds):
            self._first, self._last, self._active = first, last, last - first
            self._run(self.plan.encode)
            self._run(self.plan.prime)
        self._first = self._last = self._active = 0

    def step(self, rows: Rows) -> Floats:
        """One target position: the logits [rows, candidates of the union or vocabulary], valid until the
        next."""
        self.rows = rows
        self._run(self.plan.step)
        count = self.extents[Symbol.CANDIDATES]
        return self.values[self.plan.logits][: len(rows.previous), :count]

    def alignment(self, row: int) -> Floats | None:
        """Attention of a row of the last step over its source sentence; None if not asked for."""
        if self.plan.alignment is None or self.extents[Symbol.ALIGNED] == 0:
            return None
        weights: Floats = self.values[self.plan.alignment][row]
        return weights[: self.batch.length(int(self.rows.sentence[row]))].copy()

    def _run(self, instructions: Sequence[Instruction]) -> None:
        at = 0
        while at < len(instructions):
            instruction = instructions[at]
            if isinstance(instruction, ins.ScanBegin):
                end = at + 1
                while not isinstance(instructions[end], ins.ScanEnd):
                    end += 1
                self._scan(instruction, instructions[at + 1 : end])
                at = end
            else:
                self._timed(instruction)
            at += 1

    def _scan(self, begin: ins.ScanBegin, body: Sequence[Instruction]) -> None:
        """The group's positions in turn, for the sentences that have one; those are the first, being the
        longest."""
        self._backward = begin.backward
        lengths = [self.batch.length(sentence) for sentence in range(self._first, self._last)]
        for position in range(lengths[0]):
            self._position = position
            self._active = sum(length > position for length in lengths)
            for instruction in body:
                self._timed(instruction)
        self._active = self._last - self._first

    def _timed(self, instruction: Instruction) -> None:
        if self._clock is None:
            self.execute(instruction)
            return
        start = time.perf_counter_ns()
        self.execute(instruction)
        self._clock(instruction, self._count(instruction.rows), time.perf_counter_ns() - start)

    def execute(self, instruction: Instruction) -> None:
        """One instruction, over the group or the rows at hand."""
        rows = instruction.rows

        def view(operand: Operand) -> NDArray[Any]:
            return self._view(operand, rows)

        def view_if(operand: Operand | None) -> NDArray[Any] | None:
            return None if operand is None else view(operand)

        match instruction:
            case ins.Embed():
                self._embed(instruction)
            case ins.Quantize(_, x, output, slot):
                view(output)[...] = maths.quantise(view(x), self._alpha(slot))
            case ins.QuantizeRows(_, x, output, row_scale_out):
                view(output)[...], view(row_scale_out)[...] = maths.quantise_rows(view(x))
            case ins.GemmInt8():
                self._gemm_int8(instruction)
            case ins.GemmFloat(_, x, matrix, function, output):
                bound, inputs = self._matrix(matrix), view(x)
                self._observe(matrix, inputs)
                product = inputs @ bound.weights
                product = product if bound.bias is None else product + bound.bias
                view(output)[...] = maths.activate(function, product)
            case ins.Norm():
                self._norm(instruction)
            case ins.SelfAttention(_, q, k, v, heads):
                result = np.empty((self._count(rows), q.columns), np.float32)
                start = self.batch.offsets[self._first]
                for sentence in range(self._first, self._last):
                    part = slice(*(self.batch.offsets[sentence : sentence + 2] - start))
                    result[part], _ = maths.attend(view(q)[part], view(k)[part], view(v)[part], heads)
                self._ruin(instruction.scratch)
                self._store(instruction, result)
            case ins.PackKeys():
                self._pack_keys(instruction)
            case ins.CrossAttention():
                self._cross_attention(instruction)
            case ins.CachedAttention():
                self._cached_attention(instruction)
            case ins.AdditiveAttention():
                self._additive_attention(instruction)
            case ins.Activate(_, x, function, output):
                view(output)[...] = maths.activate(function, view(x))
            case ins.Add(_, x, y, output):
                view(output)[...] = view(x) + view(y)
            case ins.Multiply(_, x, y, output):
                view(output)[...] = view(x) * view(y)
            case ins.Mix(_, gate, y, x, output):
                opening = maths.sigmoid(view(gate))
                view(output)[...] = opening * view(y) + (np.float32(1) - opening) * view(x)
            case ins.RunningAverage(_, average, x, output):
                step = np.float32(self.rows.step)
                view(output)[...] = (step * view(average) + view(x)) / (step + np.float32(1))
            case ins.Gru(_, x, s, h, bias, final, output):
                view(output)[...] = maths.gru(view_if(x), view(s), view(h), self._vector(bias), final=final)
            case ins.Lstm(_, x, s, cell, bias, cell_output, output):
                view(cell_output)[...], view(output)[...] = maths.lstm(
                    view_if(x), view(s), view(cell), self._vector(bias)
                )
            case ins.Copy(_, x, output):
                view(output)[...] = view(x).copy()
            case ins.Zero(_, output):
                view(output)[...] = 0
            case ins.ReorderState(_, x, output):
                view(output)[...] = self._whole(x)[self.rows.parent]
            case ins.MeanOverSentence(_, x, output):
                tokens, result = self._view(x, Symbol.GROUP_TOKENS), view(output)
                start = self.batch.offsets[self._first]
                for row, sentence in enumerate(range(self._first, self._last)):
                    part = slice(*(self.batch.offsets[sentence : sentence + 2] - start))
                    result[row] = tokens[part].mean(axis=0)
            case ins.ScanRead(_, x, output):
                view(output)[...] = self._view(x, Symbol.GROUP_TOKENS)[self._scan_tokens()]
            case ins.ScanWrite(_, x, output):
                self._view(output, Symbol.GROUP_TOKENS)[self._scan_tokens()] = view(x)
            case ins.SelectCandidates():
                self._select_candidates(instruction)
            case ins.LogitsInt8():
                self._logits_int8(instruction)
            case ins.LogitsFloat():
                self._logits_float(instruction)
            case _:
                raise PlanError(f"the reference back end does not know {type(instruction).__name__}.")

    def _embed(self, instruction: ins.Embed) -> None:
        table, output = self._table(instruction.table), self._view(instruction.output, instruction.rows)
        positions = np.full(len(output), self.rows.step)
        ids = self.rows.previous
        if instruction.source:
            start, end = self.batch.offsets[self._first], self.batch.offsets[self._last]
            ids = self.batch.source[start:end]
            lengths = np.diff(self.batch.offsets)[self._first : self._last]
            positions = np.concatenate([np.arange(length) for length in lengths])
        vectors = table.rows[ids].astype(np.float32)
        if table.multiplier is not None:
            vectors *= np.float32(1) / np.float32(table.multiplier)
        vectors *= np.float32(instruction.scale)
        vectors[ids < 0] = 0
        if instruction.positions:
            vectors += maths.sinusoidal_positions(positions, vectors.shape[1])
        output[...] = vectors

    def _gemm_int8(self, instruction: ins.GemmInt8) -> None:
        bound = self._matrix(instruction.matrix)
        constants = self._integer_constants(instruction.matrix, bound)
        sums = maths.exact_product(self._view(instruction.x, instruction.rows), bound.weights)
        row_scale = None
        if instruction.row_scale is not None:
            row_scale = self._view(instruction.row_scale, instruction.rows)
        result = maths.unquantise(sums, row_scale, constants.scale, constants.bias, constants.column_sums)
        self._store(instruction, maths.activate(instruction.function, result))

    def _norm(self, instruction: ins.Norm) -> None:
        total = self._view(instruction.x, instruction.rows)
        if instruction.residual is not None:
            total = total + self._view(instruction.residual, instruction.rows)
        result = maths.normalise(total, instruction.epsilon, rms=instruction.kind is NormKind.RMS)
        scale, bias = self._vector(instruction.scale), self._vector(instruction.bias)
        result = result if scale is None else result * scale
        result = result if bias is None else result + bias
        if instruction.sum is not None:
            self._view(instruction.sum, instruction.rows)[...] = total
        self._store(instruction, result)

    def _key_block(self, keys: Operand, sentence: int, heads: int, columns: int) -> Floats:
        """The packed keys of one sentence, a view [heads, columns / heads, length rounded up to 16]."""
        values = self.values[keys.value]
        rounded = -(-self.batch.length(sentence) // 16) * 16
        start = int(self._padded_offsets[sentence]) * values.shape[1]
        block = values.reshape(-1)[start : start + columns * rounded]
        return block.reshape(heads, columns // heads, rounded)

    def _pack_keys(self, instruction: ins.PackKeys) -> None:
        keys = self._view(instruction.k, instruction.rows)
        heads, columns = instruction.heads, keys.shape[1]
        start = self.batch.offsets[self._first]
        for sentence in range(self._first, self._last):
            own = keys[slice(*(self.batch.offsets[sentence : sentence + 2] - start))]
            block = self._key_block(instruction.keys_output, sentence, heads, columns)
            block[...] = 0
            block[:, :, : len(own)] = own.T.reshape(heads, columns // heads, len(own))

    def _cross_attention(self, instruction: ins.CrossAttention) -> None:
        q, values = self._view(instruction.q, instruction.rows), self._whole(instruction.v)
        heads, columns = instruction.heads, q.shape[1]
        result = np.empty(q.shape, np.float32)
        weights: list[Floats] = []
        for row, sentence in enumerate(self.rows.sentence.tolist()):
            length = self.batch.length(sentence)
            block = self._key_block(instruction.keys, sentence, heads, columns)[:, :, :length]
            own = values[slice(*self.batch.offsets[sentence : sentence + 2])]
            keys = block.reshape(columns, length).T
            result[row], first_head = maths.attend(q[row : row + 1], keys, own, heads)
            weights.append(first_head[0])
        self._ruin(instruction.scratch)
        self._store(instruction, result)
        self._keep_alignment(instruction.weights, weights)

    def _cached_attention(self, instruction: ins.CachedAttention) -> None:
        operands = (instruction.q, instruction.k, instruction.v)
        q, k, v = (self._view(operand, instruction.rows) for operand in operands)
        cache, columns = self._whole(instruction.cache), q.shape[1]
        cache[self.rows.cells[:, -1], :columns] = k
        cache[self.rows.cells[:, -1], columns : 2 * columns] = v
        result = np.empty(q.shape, np.float32)
        for row, cells in enumerate(self.rows.cells):
            own = cache[cells]
            keys, values = own[:, :columns], own[:, columns : 2 * columns]
            result[row], _ = maths.attend(q[row : row + 1], keys, values, instruction.heads)
        self._ruin(instruction.scratch)
        self._store(instruction, result)

    def _additive_attention(self, instruction: ins.AdditiveAttention) -> None:
        query, energy = self._view(instruction.query, instruction.rows), self._vector(instruction.energy)
        projected, context = self._whole(instruction.projected), self._whole(instruction.context)
        result = np.empty((len(query), context.shape[1]), np.float32)
        weights: list[Floats] = []
        for row, sentence in enumerate(self.rows.sentence.tolist()):
            part = slice(*self.batch.offsets[sentence : sentence + 2])
            weights.append(maths.softmax(np.tanh(projected[part] + query[row]) @ energy))
            result[row] = weights[-1] @ context[part]
        self._ruin(instruction.scratch)
        self._view(instruction.output, instruction.rows)[...] = result
        self._keep_alignment(instruction.weights, weights)

    def _keep_alignment(self, operand: Operand | None, weights: Sequence[Floats]) -> None:
        if operand is not None and self.extents[Symbol.ALIGNED] > 0:
            kept = self._view(operand, Symbol.ROWS)
            for row, probabilities in enumerate(weights):
                kept[row, : len(probabilities)] = probabilities

    def _scan_tokens(self) -> NDArray[np.int64]:
        """Rows, within the group, of the tokens of the running sentences at this position of a scan."""
        starts = self.batch.offsets[self._first : self._first + self._active].astype(np.int64)
        ends = self.batch.offsets[self._first + 1 : self._first + 1 + self._active]
        places = ends - 1 - self._position if self._backward else starts + self._position
        found: NDArray[np.int64] = places - self.batch.offsets[self._first]
        return found

    def _select_candidates(self, instruction: ins.SelectCandidates) -> None:
        if self.union is None:
            return
        table, count = self._table(instruction.table), len(self.union)
        panels = self._whole(instruction.panels)
        panels = panels if table.multiplier is None else panels.view(np.int8)
        panels[:count, : table.rows.shape[1]] = table.rows[self.union]
        bias = table.bias
        if table.multiplier is not None:
            constants = self._integer_constants(instruction.table, table)
            bias = constants.bias
            if instruction.scales is not None:
                self._whole(instruction.scales)[0, :count] = constants.scale[self.union]
            if instruction.column_sums is not None:
                self._whole(instruction.column_sums)[0, :count] = constants.column_sums[self.union]
        self._whole(instruction.biases)[0, :count] = 0 if bias is None else bias[self.union]

    def _logits_int8(self, instruction: ins.LogitsInt8) -> None:
        table, count = self._table(instruction.table), self.extents[Symbol.CANDIDATES]
        constants = self._integer_constants(instruction.table, table)
        weights, scale, bias, column_sums = table.rows, constants.scale, constants.bias, constants.column_sums
        if self.union is not None:
            weights = self._whole(instruction.panels).view(np.int8)[:count, : table.rows.shape[1]]
            scale = self._whole(instruction.scales)[0, :count]
            bias = self._whole(instruction.biases)[0, :count]
            if instruction.column_sums is not None:
                column_sums = self._whole(instruction.column_sums)[0, :count]
        sums = maths.exact_product(self._view(instruction.x, instruction.rows), weights.T)
        row_scale = None if instruction.row_scale is None else self._view(instruction.row_scale, Symbol.ROWS)
        result = maths.unquantise(sums, row_scale, scale, bias, column_sums)
        self._view(instruction.output, instruction.rows)[:, :count] = result

    def _logits_float(self, instruction: ins.LogitsFloat) -> None:
        table, count = self._table(instruction.table), self.extents[Symbol.CANDIDATES]
        weights, bias = table.rows, table.bias
        if self.union is not None:
            weights = self._whole(instruction.panels)[:count, : table.rows.shape[1]]
            bias = self._whole(instruction.biases)[0, :count]
        x = self._view(instruction.x, instruction.rows)
        self._observe(instruction.table, x)
        result = x @ weights.T
        result = result if bias is None else result + bias
        self._view(instruction.output, instruction.rows)[:, :count] = result
