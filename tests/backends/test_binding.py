"""Binding: every way a file can hold what a plan wants."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends.bench import plan_of
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dragoman.backends.slots import (
    BoundMatrix,
    BoundTable,
    BoundVector,
    fused_multiply_add,
    integer_constants,
    vocabulary_size,
)
from dragoman.errors import ModelFormatError, WeightsError
from dragoman.formats.parameters import Parameter, ParameterFile, freeze
from dragoman.formats.quantize import dequantize, quantize_parameter
from dragoman.planning.records import MatrixSlot, Precision, Slot, TableSlot, VectorSlot
from dragoman.weights.bind import bind

FLOAT32, INT8, INT8_ROWS = Precision
RNG = np.random.default_rng(5)
W, U = (RNG.standard_normal((3, 4)).astype(np.float32) for _ in range(2))
E = RNG.standard_normal((7, 3)).astype(np.float32)
B = RNG.standard_normal((1, 4)).astype(np.float32)


def parameter(name: str, data: NDArray[Any]) -> Parameter:
    return Parameter(name, data.shape, data)


def file_of(*parameters: Parameter, alphas: Mapping[str, float] | None = None) -> ParameterFile:
    return freeze(Path("m.npz"), {each.name: each for each in parameters}, {}, alphas or {})


def matrix(
    *names: str, precision: Precision = FLOAT32, bias: tuple[str, ...] = (), transposed: bool = False
) -> MatrixSlot:
    rows, width = (4, 3) if transposed else (3, 4)
    return MatrixSlot(names, rows, (width,) * len(names), transposed, bias, precision)


def table(
    name: str, precision: Precision = FLOAT32, *, bias: str = "", transposed: bool = False
) -> TableSlot:
    return TableSlot(name, 3, transposed, bias, True, True, precision)


def test_one_float_matrix_is_a_view_that_cannot_be_written() -> None:
    data = W.copy()
    (bound,) = bind(plan_of(matrix("a_W")), file_of(parameter("a_W", data)))
    assert isinstance(bound, BoundMatrix)
    assert np.shares_memory(bound.weights, data) and not bound.weights.flags.writeable
    assert data.flags.writeable  # the caller's array is left as it was
    assert bound.weight_multipliers is None and bound.alpha is None and bound.bias is None


def test_parts_are_joined_by_columns_and_zeros_stand_for_no_name() -> None:
    slot = matrix("a_W", "", "b_W", bias=("a_b", "", ""))
    file = file_of(parameter("a_W", W), parameter("b_W", U), parameter("a_b", B))
    (bound,) = bind(plan_of(slot), file)
    assert isinstance(bound, BoundMatrix) and bound.bias is not None
    np.testing.assert_array_equal(bound.weights, np.hstack([W, np.zeros((3, 4), np.float32), U]))
    np.testing.assert_array_equal(bound.bias, np.concatenate([B[0], np.zeros(8, np.float32)]))
    (vector,) = bind(plan_of(VectorSlot(("a_b", "", "a_b"), (4, 2, 4))), file)
    assert isinstance(vector, BoundVector)
    np.testing.assert_array_equal(vector.values, np.concatenate([B[0], [0, 0], B[0]]))


@pytest.mark.parametrize("transposed", [False, True])
def test_half_precision_is_widened(transposed: bool) -> None:
    stored = W.astype(np.float16)
    (bound,) = bind(plan_of(matrix("a_W", transposed=transposed)), file_of(parameter("a_W", stored)))
    assert isinstance(bound, BoundMatrix) and bound.weights.dtype == np.float32
    expected = stored.astype(np.float32)
    np.testing.assert_array_equal(bound.weights, expected.T if transposed else expected)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("stored", ["float", "int8", "int16"])
def test_an_int8_matrix_comes_from_any_file(stored: str, transposed: bool) -> None:
    floats = parameter("a_W", W)
    kept = {
        "float": floats,
        "int8": quantize_parameter(floats),
        "int16": quantize_parameter(floats, bits=16),
    }[stored]
    values = dequantize(kept) if stored == "int16" else W
    beta = np.float32(127) / np.abs(values).max()
    (bound,) = bind(plan_of(matrix("a_W", precision=INT8_ROWS, transposed=transposed)), file_of(kept))
    assert isinstance(bound, BoundMatrix) and bound.weight_multipliers is not None
    assert bound.weights.dtype == np.int8 and bound.alpha is None
    expected = np.rint(values * beta).astype(np.int8)
    np.testing.assert_array_equal(bound.weights, expected.T if transposed else expected)
    np.testing.assert_array_equal(bound.weight_multipliers, np.full(3 if transposed else 4, beta))
    if stored == "int8":
        assert np.shares_memory(bound.weights, kept.data)


def test_integers_become_floats_in_a_float_plan() -> None:
    kept = quantize_parameter(parameter("a_W", W))
    (bound,) = bind(plan_of(matrix("a_W")), file_of(kept))
    assert isinstance(bound, BoundMatrix)
    np.testing.assert_array_equal(bound.weights, kept.data.T * (np.float32(1) / np.float32(kept.multiplier)))


def test_joined_parts_keep_their_own_multipliers() -> None:
    file = file_of(parameter("a_W", W), parameter("b_W", 2 * U), alphas={"a_W": 3.0, "b_W": 3.0})
    (bound,) = bind(plan_of(matrix("a_W", "b_W", precision=INT8)), file)
    assert isinstance(bound, BoundMatrix) and bound.weight_multipliers is not None
    assert bound.weight_multipliers[0] == np.float32(127) / np.abs(W).max()
    assert bound.weight_multipliers[4] == np.float32(127) / np.abs(2 * U).max()
    assert bound.alpha == 3.0


@pytest.mark.parametrize("precision", [FLOAT32, INT8])
@pytest.mark.parametrize("transposed", [False, True])
def test_tables_have_the_models_vocabulary(transposed: bool, precision: Precision) -> None:
    name = "decoder_ff_logit_out_W" if transposed else "Wemb"
    slot = table(name, precision, bias="out_b", transposed=transposed)
    stored = parameter(name, np.ascontiguousarray(E.T) if transposed else E)
    bias = np.arange(7, dtype=np.float32)[None]
    file = file_of(stored, parameter("out_b", bias), alphas={"none": 2.5})
    (bound,) = bind(plan_of(slot), file)
    assert isinstance(bound, BoundTable) and bound.bias is not None
    np.testing.assert_array_equal(bound.bias, bias[0])
    assert vocabulary_size(plan_of(slot), [bound]) == 7
    if precision is FLOAT32:
        np.testing.assert_array_equal(bound.rows, E)
    else:
        assert bound.multiplier == np.float32(127) / np.abs(E).max() and bound.alpha == 2.5
        np.testing.assert_array_equal(bound.rows, np.rint(E * np.float32(bound.multiplier)))


def test_alphas_are_the_weights_own_first_and_never_guessed() -> None:
    stored = (parameter("a_W", W), parameter("b_W", U), parameter("Wemb", E))
    both = {"a_W": 3.0, "b_W": 4.0, "Wemb": 5.0, "none": 6.0}
    (alone,) = bind(plan_of(matrix("a_W", precision=INT8)), file_of(*stored, alphas=both))
    (tied,) = bind(plan_of(table("Wemb", INT8)), file_of(*stored, alphas=both))
    assert isinstance(alone, BoundMatrix) and alone.alpha == 3.0
    assert isinstance(tied, BoundTable) and tied.alpha == 5.0
    (joined,) = bind(plan_of(matrix("a_W", "b_W", precision=INT8)), file_of(*stored, alphas={"none": 6.0}))
    assert isinstance(joined, BoundMatrix) and joined.alpha == 6.0
    with pytest.raises(WeightsError, match="another activation multiplier"):
        bind(plan_of(matrix("a_W", "b_W", precision=INT8)), file_of(*stored, alphas=both))
    with pytest.raises(ModelFormatError, match="alpha") as caught:
        bind(plan_of(matrix("a_W", precision=INT8)), file_of(*stored, alphas={"none": 6.0}))
    assert caught.value.parameter == "a_W"


@pytest.mark.parametrize(
    ("slot", "culprit"),
    [
        (matrix("missing_W"), "missing_W"),
        (matrix("b"), "b"),
        (matrix("a_W", bias=("E",)), "E"),
        (VectorSlot(("a_W",), (12,)), "a_W"),
        (table("b"), "b"),
        (table("E", bias="b"), "b"),
        (matrix("minus_W", precision=INT8_ROWS), "minus_W"),
    ],
)
def test_what_does_not_fit_is_named(slot: Slot, culprit: str) -> None:
    damaged = Parameter("minus_W", (3, 4), np.full((4, 3), -128, np.int8), 2.0, True)
    file = file_of(parameter("a_W", W), parameter("b", B), parameter("E", E), damaged)
    with pytest.raises(ModelFormatError) as caught:
        bind(plan_of(slot), file)
    assert caught.value.parameter == culprit and caught.value.path == Path("m.npz")


@given(
    *[st.floats(allow_nan=False, allow_infinity=False, width=32, min_value=-(2.0**60), max_value=2.0**60)] * 3
)
def test_multiply_add_rounds_once(a: float, b: float, c: float) -> None:
    check_multiply_add(a, b, c)


@given(st.integers(0, 2**24), st.integers(0, 2**24), st.integers(0, 60), st.integers(-3, 3))
def test_multiply_add_rounds_once_near_the_middle(a: int, b: int, shift: int, nudge: int) -> None:
    """A product whose sum with c lies on, or just off, the middle between two floats."""
    check_multiply_add(
        float(np.float32(a)), float(np.float32(b)), float(np.float32(nudge * 2.0 ** (shift - 30)))
    )
    check_multiply_add(float(np.float32(a + 0.5)), 2.0**24 + 2, 2.0 ** (-shift) * nudge)


def check_multiply_add(a: float, b: float, c: float) -> None:
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    found = fused_multiply_add(*(np.float32(x) for x in (a, b, c)))
    assert found.dtype == np.float32
    below, above = np.nextafter(found, np.float32(-np.inf)), np.nextafter(found, np.float32(np.inf))
    distance = abs(Fraction(float(found)) - exact)
    for other in (below, above):
        other_distance = abs(Fraction(float(other)) - exact)
        assert distance <= other_distance
        if distance == other_distance:
            assert found.view(np.int32) % 2 == 0


def test_integer_constants_are_in_marians_order() -> None:
    file = file_of(parameter("a_W", W), parameter("a_b", B), alphas={"a_W": 3.3})
    (bound,) = bind(plan_of(matrix("a_W", precision=INT8, bias=("a_b",))), file)
    assert isinstance(bound, BoundMatrix) and bound.weight_multipliers is not None
    constants = integer_constants(bound)
    assert constants.bias is not None
    alpha, beta, top = np.float32(3.3), bound.weight_multipliers[0], np.float32(127)
    sums = bound.weights.astype(np.int64).sum(axis=0)
    shift = np.float32(np.float32(-np.float32(np.float32(top / alpha) * np.float32(top / beta))) / top)
    for column in range(4):
        exact = Fraction(int(sums[column])) * Fraction(float(shift)) + Fraction(float(B[0, column]))
        assert constants.bias[column] == np.float32(float(exact))
        assert constants.scale[column] == np.float32(1) / np.float32(alpha * beta)
        assert constants.column_sums[column] == sums[column]
    with pytest.raises(WeightsError):
        integer_constants(BoundMatrix(W, None, None, None))


def test_a_quantised_table_without_alpha_keeps_its_plain_bias() -> None:
    (bound,) = bind(plan_of(table("E", INT8_ROWS)), file_of(parameter("E", E)))
    assert isinstance(bound, BoundTable)
    constants = integer_constants(bound)
    assert constants.bias is None
    np.testing.assert_array_equal(constants.column_sums, bound.rows.astype(np.int64).sum(axis=1))
    np.testing.assert_array_equal(constants.scale, np.float32(1) / np.full(7, bound.multiplier, np.float32))
