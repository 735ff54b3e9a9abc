"""Single instructions of the reference back end against formulas written out with loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from backends.bench import LENGTHS, OFFSETS, SOURCES, Bench, plan_of, rows_of
from numpy.typing import NDArray

from dragoman.backends.batch import Batch, SearchOptions
from dragoman.backends.reference import Workspace, run_plans
from dragoman.backends.slots import BoundMatrix, BoundTable, BoundVector, integer_constants
from dragoman.errors import OptionsError
from dragoman.graph.extents import Symbol
from dragoman.graph.ops import Function, NormKind
from dragoman.planning import instructions as ins
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.kinds import Kind
from dragoman.planning.records import MatrixSlot, Precision, TableSlot

GT, GS, ROWS = Symbol.GROUP_TOKENS, Symbol.GROUP_SENTENCES, Symbol.ROWS
TOKENS = sum(LENGTHS)
RNG = np.random.default_rng(1)
Array = NDArray[Any]


def floats(*shape: int) -> NDArray[np.float32]:
    return RNG.standard_normal(shape).astype(np.float32)


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x.astype(np.float64))))


def attention(q: Array, k: Array, v: Array, heads: int) -> tuple[Array, Array]:
    """One query row, with loops; and head 0's probabilities."""
    size = len(q) // heads
    result, first = np.zeros(len(q)), np.zeros(len(k))
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        scores = np.array([float(q[part] @ key[part]) / math.sqrt(size) for key in k])
        weights = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        result[part] = sum(weight * value[part] for weight, value in zip(weights, v, strict=True))
        first = weights if head == 0 else first
    return result, first


@pytest.mark.parametrize("function", Function)
def test_activate(function: Function) -> None:
    formulas: dict[Function, Callable[[float], float]] = {
        Function.NONE: lambda x: x,
        Function.RELU: lambda x: max(x, 0.0),
        Function.SWISH: lambda x: x / (1 + math.exp(-x)),
        Function.GELU: lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
        Function.GELU_SIGMOID: lambda x: x / (1 + math.exp(-1.702 * x)),
        Function.SIGMOID: lambda x: 1 / (1 + math.exp(-x)),
        Function.TANH: math.tanh,
    }
    bench, data = Bench(), floats(TOKENS, 5) * 3
    x, output = bench.given(GT, data), bench.value(GT, 5)
    bench.run([ins.Activate(GT, x, function, output)])
    expected = [[formulas[function](float(each)) for each in row] for row in data]
    np.testing.assert_allclose(bench.found(output), expected, rtol=1e-5, atol=1e-6)


def test_element_wise_instructions_on_slices_of_columns() -> None:
    bench, data = Bench(), floats(TOKENS, 12)
    whole = bench.given(GT, data)
    a, b, c = (Operand(whole.value, column, 4) for column in (0, 4, 8))
    added, multiplied, mixed = (bench.value(GT, 4) for _ in range(3))
    bench.run([ins.Add(GT, a, b, added), ins.Multiply(GT, a, b, multiplied), ins.Mix(GT, a, b, c, mixed)])
    x, y, z = data[:, :4], data[:, 4:8], data[:, 8:]
    np.testing.assert_array_equal(bench.found(added), x + y)
    np.testing.assert_array_equal(bench.found(multiplied), x * y)
    np.testing.assert_allclose(bench.found(mixed), sigmoid(x) * y + (1 - sigmoid(x)) * z, atol=1e-6)


def test_nothing_beyond_the_operand_is_written() -> None:
    bench, data = Bench(), floats(TOKENS, 4)
    x, wide = bench.given(GT, data), bench.value(GT, 12)
    bench.run([ins.Activate(GT, x, Function.NONE, Operand(wide.value, 4, 4))])
    found = bench.found(wide)
    np.testing.assert_array_equal(found[:, 4:8], data)
    assert np.isnan(found[:, :4]).all() and np.isnan(found[:, 8:]).all()


@pytest.mark.parametrize("kind", NormKind)
@pytest.mark.parametrize("scaled", [False, True])
def test_norm_adds_keeps_the_sum_and_quantises(kind: NormKind, scaled: bool) -> None:
    g, b = floats(6), floats(6)
    matrix = BoundMatrix(np.zeros((6, 1), np.int8), np.ones(1, np.float32), 20.0, None)
    bench = Bench((None, BoundVector(g)), (None, BoundVector(b)), (None, matrix))
    data, rest = floats(TOKENS, 6), floats(TOKENS, 6)
    x, residual, output = bench.given(GT, data), bench.given(GT, rest), bench.value(GT, 6)
    quantised = bench.value(GT, 6, Kind.U8)
    slots = (0, 1) if scaled else (None, None)
    bench.run([ins.Norm(GT, x, residual, kind, 1e-6, *slots, x, output, quantised, 2)])
    total = (data + rest).astype(np.float64)
    centred = total - total.mean(1, keepdims=True) if kind is NormKind.LAYER else total
    expected = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-6)
    expected = expected * g + b if scaled else expected
    np.testing.assert_allclose(bench.found(output), expected, atol=1e-5)
    np.testing.assert_array_equal(bench.found(x), data + rest)
    integers = np.clip(np.rint(bench.found(output) * np.float32(20)), -127, 127) + 127
    np.testing.assert_array_equal(bench.found(quantised), integers)


def test_quantisation_rounds_half_to_even_and_clamps() -> None:
    matrix = BoundMatrix(np.zeros((4, 1), np.int8), np.ones(1, np.float32), 2.0, None)
    bench = Bench((None, matrix))
    data = np.array([[0.25, 0.75, -0.25, 1e9], [-1e9, 0.0, 63.5, -63.5]], np.float32)
    x, output = bench.given(GT, np.tile(data, (5, 1))), bench.value(GT, 4, Kind.U8)
    rows, scale = bench.value(GT, 4, Kind.U8), bench.value(GT, 1)
    bench.run([ins.Quantize(GT, x, output, 0), ins.QuantizeRows(GT, x, rows, scale)])
    assert bench.found(output)[:2].tolist() == [[127, 129, 127, 254], [0, 127, 254, 0]]
    assert bench.found(rows)[0].tolist() == [127, 127, 127, 254]
    np.testing.assert_allclose(bench.found(scale)[:2], 1e9 / 127, rtol=1e-6)


@pytest.mark.parametrize("k", [3, 512, 1537])
@pytest.mark.parametrize("by_rows", [False, True])
def test_int8_products_are_exact(k: int, by_rows: bool) -> None:
    weights = RNG.integers(-127, 128, (k, 5)).astype(np.int8)
    weights[:, 0] = 127  # the largest sums there can be
    integers = RNG.integers(0, 255, (TOKENS, k)).astype(np.uint8)
    integers[0] = 254
    beta = np.linspace(30, 90, 5, dtype=np.float32)
    bound = BoundMatrix(weights, beta, None if by_rows else 12.5, floats(5))
    bench = Bench((None, bound))
    x, output = bench.given(GT, integers), bench.value(GT, 5)
    row_scale = bench.given(GT, np.abs(floats(TOKENS, 1))) if by_rows else None
    bench.run([ins.GemmInt8(GT, x, row_scale, 0, Function.RELU, output, None, None)])
    constants = integer_constants(bound)
    assert constants.bias is not None
    sums = integers.astype(np.int64) @ weights.astype(np.int64)
    scale: Array = constants.scale
    if row_scale is not None:
        sums = sums - 127 * weights.astype(np.int64).sum(0)
        scale = bench.inputs[row_scale.value] * constants.scale
    # float64 holds the exact product; rounding twice could differ in one case of 2^29.
    exact = sums.astype(np.float32).astype(np.float64) * scale + constants.bias
    np.testing.assert_array_equal(bench.found(output), np.maximum(exact.astype(np.float32), 0))


def test_float_products_tell_the_observer_the_names_of_all_parts() -> None:
    weights, bias, seen = floats(4, 6), floats(6), list[tuple[str, Array]]()
    slot = MatrixSlot(("a_W", "", "b_W"), 4, (2, 2, 2), False, (), Precision.FLOAT32)
    bound = BoundMatrix(weights, None, None, bias)
    bench = Bench((slot, bound), observer=lambda name, x: seen.append((name, x.copy())))
    data = floats(TOKENS, 4)
    x, output = bench.given(GT, data), bench.value(GT, 6)
    bench.run([ins.GemmFloat(GT, x, 0, Function.TANH, output)])
    np.testing.assert_allclose(bench.found(output), np.tanh(data @ weights + bias), atol=1e-6)
    assert [name for name, _ in seen] == ["a_W", "b_W"]
    np.testing.assert_array_equal(seen[1][1], data)


@pytest.mark.parametrize("group_tokens", [1, 5, 1000])
def test_self_attention_stays_within_a_sentence(group_tokens: int) -> None:
    bench = Bench()
    q, k, v = (floats(TOKENS, 8) for _ in range(3))
    operands = [bench.given(Symbol.TOKENS, each) for each in (q, k, v)]
    output, scratch = bench.value(Symbol.TOKENS, 8), bench.value(8, Symbol.LONGEST)
    bench.run([ins.SelfAttention(GT, *operands, 2, output, None, None, scratch)], group_tokens=group_tokens)
    for start, length in zip(OFFSETS, LENGTHS, strict=False):
        part = slice(start, start + length)
        for row in range(start, start + length):
            expected, _ = attention(q[row], k[part], v[part], 2)
            np.testing.assert_allclose(bench.found(output)[row], expected, atol=1e-5)
    assert np.isnan(bench.found(scratch)).all()


def test_cross_attention_reads_packed_keys_of_the_rows_own_sentence() -> None:
    bench = Bench()
    k, v, q = floats(TOKENS, 8), floats(TOKENS, 8), floats(4, 8)
    keys, values = bench.given(GT, k), bench.given(Symbol.TOKENS, v)
    packed = bench.value(Symbol.PADDED_TOKENS, 8)
    queries, output = bench.given(ROWS, q), bench.value(ROWS, 8)
    scratch, weights = bench.value(4, Symbol.LONGEST), bench.value(ROWS, Symbol.ALIGNED)
    rows = rows_of([0, 1, 1, 2])
    cross = ins.CrossAttention(ROWS, queries, packed, values, 2, output, None, None, scratch, weights)
    bench.run([ins.PackKeys(GT, keys, 2, packed)], steps=[(cross, rows)])
    for row, sentence in enumerate(rows.sentence):
        part = slice(OFFSETS[sentence], OFFSETS[sentence + 1])
        expected, first = attention(q[row], k[part], v[part], 2)
        np.testing.assert_allclose(bench.found(output)[row], expected, atol=1e-5)
        np.testing.assert_allclose(bench.found(weights)[row, : LENGTHS[sentence]], first, atol=1e-6)
    rows_with_padding = bench.interpreter.values[packed.value]
    block = rows_with_padding[16:].reshape(-1)[: 8 * 16].reshape(2, 4, 16)  # the second sentence
    np.testing.assert_array_equal(block[1, 2, :3], k[5:8, 6])
    assert (block[:, :, 3:] == 0).all()


def test_cached_attention_follows_the_cells_of_each_row() -> None:
    bench = Bench()
    q, k, v = (floats(2, 4) for _ in range(3))
    before = floats(6, 8)
    operands = [bench.given(ROWS, each) for each in (q, k, v)]
    cache, output = bench.given(Symbol.CELLS, before), bench.value(ROWS, 4)
    scratch = bench.value(1, Symbol.LIMIT)
    rows = rows_of([0, 1], step=2, cells=[[0, 3, 6], [0, 2, 7]])
    bench.run(steps=[(ins.CachedAttention(ROWS, *operands, 2, cache, output, None, None, scratch), rows)])
    found = bench.found(cache)
    np.testing.assert_array_equal(found[6:8], np.hstack([k, v]))
    for row, cells in enumerate(rows.cells):
        expected, _ = attention(q[row], found[cells, :4], found[cells, 4:], 2)
        np.testing.assert_allclose(bench.found(output)[row], expected, atol=1e-5)


def test_additive_attention() -> None:
    energy = floats(5)
    bench = Bench((None, BoundVector(energy)))
    query, projected, context = floats(2, 5), floats(TOKENS, 5), floats(TOKENS, 3)
    q, p, c = bench.given(ROWS, query), *(bench.given(Symbol.TOKENS, x) for x in (projected, context))
    output, scratch = bench.value(ROWS, 3), bench.value(1, Symbol.LONGEST)
    weights = bench.value(ROWS, Symbol.ALIGNED)
    rows = rows_of([1, 2])
    bench.run(steps=[(ins.AdditiveAttention(ROWS, q, p, c, 0, output, scratch, weights), rows)])
    for row, sentence in enumerate(rows.sentence):
        part = slice(OFFSETS[sentence], OFFSETS[sentence + 1])
        scores = np.exp([float(energy @ np.tanh(each + query[row])) for each in projected[part]])
        expected = scores / scores.sum() @ context[part]
        np.testing.assert_allclose(bench.found(output)[row], expected, atol=1e-5)
        np.testing.assert_allclose(
            bench.found(weights)[row, : LENGTHS[sentence]], scores / scores.sum(), atol=1e-6
        )


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("group_tokens", [4, 1000])
def test_a_scan_visits_the_running_sentences(backward: bool, group_tokens: int) -> None:
    """state = state + x at each position, written back: sums from either end."""
    bench, data = Bench(), floats(TOKENS, 3)
    x, output = bench.given(Symbol.TOKENS, data), bench.value(Symbol.TOKENS, 3)
    here, state = bench.value(GS, 3), bench.value(GS, 3)
    bench.run(
        [
            ins.Zero(GS, state),
            ins.ScanBegin(GS, backward),
            ins.ScanRead(GS, x, here),
            ins.Add(GS, state, here, state),
            ins.ScanWrite(GS, state, output),
            ins.ScanEnd(GS),
        ],
        group_tokens=group_tokens,
    )
    for start, length in zip(OFFSETS, LENGTHS, strict=False):
        own = data[start : start + length]
        expected = np.cumsum(own[::-1], axis=0)[::-1] if backward else np.cumsum(own, axis=0)
        np.testing.assert_allclose(bench.found(output)[start : start + length], expected, atol=1e-5)


def test_mean_copy_and_states_that_start_as_a_row_for_each_sentence() -> None:
    bench, data = Bench(), floats(TOKENS, 3)
    x, mean = bench.given(Symbol.TOKENS, data), bench.value(Symbol.SENTENCES, 3)
    state, after = bench.value(ROWS, 3), bench.value(ROWS, 3)
    reorder = ins.ReorderState(ROWS, state, after)
    bench.run(
        [ins.MeanOverSentence(GS, x, mean), ins.Copy(GS, mean, state)],
        steps=[(reorder, rows_of([0, 2, 2], parents=[0, 2, 2]))],
        group_tokens=4,
    )
    expected = [data[a : a + n].mean(0) for a, n in zip(OFFSETS, LENGTHS, strict=False)]
    np.testing.assert_allclose(bench.found(mean), expected, atol=1e-6)
    np.testing.assert_array_equal(bench.found(after)[:3], bench.found(mean)[[0, 2, 2]])


def test_running_average() -> None:
    bench = Bench()
    a, x = floats(2, 3), floats(2, 3)
    average, new, output = bench.given(ROWS, a), bench.given(ROWS, x), bench.value(ROWS, 3)
    bench.run(steps=[(ins.RunningAverage(ROWS, average, new, output), rows_of([0, 1], step=3))])
    np.testing.assert_allclose(bench.found(output)[:2], (3 * a + x) / 4, atol=1e-6)


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("with_input", [False, True])
def test_gru_and_lstm(with_input: bool, final: bool) -> None:
    gru_bias, lstm_bias = floats(6), floats(8)
    bench = Bench((None, BoundVector(gru_bias)), (None, BoundVector(lstm_bias)))
    x, s, h = floats(TOKENS, 8), floats(TOKENS, 8), floats(TOKENS, 2)
    wide, inner, state = bench.given(GT, x), bench.given(GT, s), bench.given(GT, h)
    new, cell, output = (bench.value(GT, 2) for _ in range(3))
    part_x, part_s = (Operand(each.value, 0, 6) for each in (wide, inner))
    bench.run(
        [
            ins.Gru(GT, part_x if with_input else None, part_s, state, 0, final, new),
            ins.Lstm(GT, wide if with_input else None, inner, state, 1, cell, output),
        ]
    )
    used = x if with_input else np.zeros_like(x)
    (x1, x2, x3), (s1, s2, s3) = (np.split(each[:, :6], 3, axis=1) for each in (used, s))
    b1, b2, b3 = np.split(gru_bias, 3)
    reset, update = sigmoid(x1 + s1 + b1), sigmoid(x2 + s2 + b2)
    inside = reset * (s3 + b3) if final else reset * s3 + b3
    expected = (1 - update) * np.tanh(x3 + inside) + update * h
    np.testing.assert_allclose(bench.found(new), expected, atol=1e-5)
    forget, entry, candidate, leave = np.split(used + s + lstm_bias, 4, axis=1)
    expected = sigmoid(forget) * h + sigmoid(entry) * np.tanh(candidate)
    np.testing.assert_allclose(bench.found(cell), expected, atol=1e-5)
    np.testing.assert_allclose(bench.found(output), sigmoid(leave) * np.tanh(expected), atol=1e-5)


@pytest.mark.parametrize("multiplier", [None, 50.0])
def test_embedding_of_source_and_target(multiplier: float | None) -> None:
    stored: Array = floats(40, 6)
    values = stored
    if multiplier is not None:
        stored = RNG.integers(-127, 128, (40, 6)).astype(np.int8)
        values = stored * np.float32(1 / multiplier)
    bench = Bench((None, BoundTable(stored, multiplier, None, None)))
    source, target = bench.value(GT, 6), bench.value(ROWS, 6)
    step = ins.Embed(ROWS, 0, False, 2.0, True, target)
    bench.run(
        [ins.Embed(GT, 0, True, 2.0, True, source)], steps=[(step, rows_of([0, 1], step=7, previous=[-1, 9]))]
    )

    def position(t: int) -> list[float]:
        rates = [math.exp(-i * math.log(10000) / 2) for i in range(3)]
        return [math.sin(t * rate) for rate in rates] + [math.cos(t * rate) for rate in rates]

    expected = [2 * values[id_] + position(t) for ids in SOURCES for t, id_ in enumerate(ids)]
    np.testing.assert_allclose(bench.found(source), expected, atol=1e-5)
    np.testing.assert_allclose(bench.found(target)[0], position(7), atol=1e-5)
    np.testing.assert_allclose(bench.found(target)[1], 2 * values[9] + position(7), atol=1e-5)


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("precision", Precision)
def test_logits_of_the_union_or_of_all(precision: Precision, restricted: bool) -> None:
    candidates = [[0, 2, 5], [0, 5, 6], [0, 2]] if restricted else None
    union = [0, 2, 5, 6] if restricted else list(range(7))
    integers = precision is not Precision.FLOAT32
    rows = RNG.integers(-127, 128, (7, 4)).astype(np.int8) if integers else floats(7, 4)
    table = BoundTable(
        rows, 50.0 if integers else None, 9.0 if precision is Precision.INT8 else None, floats(7)
    )
    slot = TableSlot("Wemb", 4, False, "b", True, True, precision)
    seen: list[str] = []
    bench = Bench((slot, table), candidates=candidates, observer=lambda name, x: seen.append(name))
    kind = Kind.U8 if integers else Kind.F32
    panels, biases = bench.value(Symbol.UNION, 4, kind), bench.value(1, Symbol.UNION)
    scales = bench.value(1, Symbol.UNION) if integers else None
    sums = bench.value(1, Symbol.UNION, Kind.I32) if precision is Precision.INT8_ROWS else None
    output = bench.value(ROWS, Symbol.CANDIDATES)
    data = RNG.integers(0, 255, (2, 4)).astype(np.uint8) if integers else floats(2, 4)
    x = bench.given(ROWS, data)
    row_scale = bench.given(ROWS, np.abs(floats(2, 1))) if precision is Precision.INT8_ROWS else None
    logits: Instruction = ins.LogitsFloat(ROWS, x, 0, panels, biases, output)
    if scales is not None:
        logits = ins.LogitsInt8(ROWS, x, row_scale, 0, panels, scales, biases, sums, output)
    select = ins.SelectCandidates(Symbol.UNION, 0, panels, scales, biases, sums)
    bench.run(select=[select], steps=[(logits, rows_of([0, 1]))])
    assert table.bias is not None
    if precision is Precision.FLOAT32:
        expected = data @ rows.T + table.bias
        assert seen == ["Wemb"]
    elif precision is Precision.INT8:
        expected = (data.astype(np.float64) - 127) @ rows.T / (9.0 * 50.0) + table.bias
    else:
        assert row_scale is not None
        expected = (data.astype(np.float64) - 127) @ rows.T * bench.inputs[
            row_scale.value
        ] / 50.0 + table.bias
    np.testing.assert_allclose(
        bench.found(output)[:2, : len(union)], expected[:, union], rtol=2e-4, atol=2e-3
    )


def test_a_back_end_refuses_models_that_are_no_ensemble() -> None:
    plan = plan_of(TableSlot("Wemb", 4, False, "", True, True, Precision.FLOAT32))
    small, large = ([BoundTable(floats(size, 4), None, None, None)] for size in (5, 6))
    batch = Batch.of([[1, 0]], [2])
    with pytest.raises(OptionsError, match="models"):
        run_plans([(plan, small), (plan, large)], Workspace(), batch, SearchOptions())
    with pytest.raises(OptionsError, match="weights"):
        run_plans([(plan, small)], Workspace(), batch, SearchOptions(weights=(1.0, 1.0)))
