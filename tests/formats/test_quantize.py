"""Marian's quantisation rules."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dragoman.errors import WeightsError
from dragoman.formats.marian_bin_write import write_bin
from dragoman.formats.model_file import read_parameters
from dragoman.formats.parameters import Parameter, ParameterFile
from dragoman.formats.quantize import dequantize, is_quantized_name, quantize, quantize_parameter

Maker = Callable[..., ParameterFile]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Wemb", True),
        ("decoder_Wemb", True),
        ("decoder_l1_rnn_W", True),
        ("encoder_l1_self_Wq", True),
        ("encoder_l1_ffn_W1", True),
        ("decoder_ff_logit_out_Wt", True),
        ("encoder_l1_ffn_W10", False),
        ("decoder_W_comb_att", False),
        ("decoder_Wc_att", False),
        ("encoder_bi_U", False),
        ("encoder_bi_Ux", False),
        ("encoder_l1_self_bq", False),
        ("encoder_l1_self_Wo_ln_scale", False),
    ],
)
def test_names(name: str, expected: bool) -> None:
    assert is_quantized_name(name) is expected


def test_which_parameters_become_what(make_float_model: Maker) -> None:
    model = quantize(make_float_model())
    integers = {name for name, parameter in model.parameters.items() if parameter.data.dtype == np.int8}
    assert integers == {"Wemb", "encoder_l1_self_Wq", "encoder_l1_ffn_W1", "decoder_l1_rnn_W"}
    assert not model.parameters["Wemb"].transposed
    assert model.parameters["encoder_l1_ffn_W1"].data.shape == (24, 8)
    assert model.parameters["encoder_l1_ffn_W1"].shape == (8, 24)
    assert model.alphas == make_float_model().alphas
    assert quantize(make_float_model(), alphas={"x": 1.0}).alphas == {"x": 1.0}
    assert not quantize(make_float_model(), bits=16).alphas


def test_rounds_half_to_even_and_uses_the_whole_range() -> None:
    weights = np.array([[0.5, 1.5, 2.5, -0.5, -127, 127]], np.float32)
    parameter = quantize_parameter(Parameter("a_W", (1, 6), weights))
    assert parameter.multiplier == 1.0
    assert parameter.data[:, 0].tolist() == [0, 2, 2, 0, -127, 127]


def test_int16_multiplier_is_1024_and_clamps() -> None:
    weights = np.array([[1.0, -1.0, 1e9, -1e9, 3e38, 0]], np.float32)
    parameter = quantize_parameter(Parameter("a_W", (1, 6), weights), bits=16)
    assert parameter.multiplier == 1024.0
    assert parameter.data[:, 0].tolist() == [1024, -1024, 32767, -32767, 32767, 0]


@pytest.mark.parametrize("value", [0.0, 1e-44])
def test_matrices_of_nothing(value: float) -> None:
    parameter = quantize_parameter(Parameter("a_W", (2, 2), np.full((2, 2), value, np.float32)))
    assert parameter.multiplier == 1.0
    assert not parameter.data.any()


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_refuses_infinities(value: float) -> None:
    with pytest.raises(WeightsError, match="infinities or NaN"):
        quantize_parameter(Parameter("a_W", (2, 2), np.full((2, 2), value, np.float32)))


def test_refuses_what_is_quantised_already(make_float_model: Maker) -> None:
    with pytest.raises(WeightsError, match="already"):
        quantize(quantize(make_float_model()))


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.float32, (3, 5), elements=st.floats(-100, 100, width=32)),
    st.sampled_from(["a_W", "Wemb"]),
    st.sampled_from([8, 16]),
)
def test_error_is_at_most_half_a_step(weights: np.ndarray, name: str, bits: Literal[8, 16]) -> None:
    if bits == 16:
        weights = np.clip(weights, -31, 31)
    parameter = quantize_parameter(Parameter(name, weights.shape, weights), bits=bits)
    assert parameter.data.min() >= -(2 ** (bits - 1)) + 1
    assert parameter.multiplier is not None
    difference = np.abs(dequantize(parameter).astype(np.float64) - weights)
    assert difference.max() <= 0.5 / parameter.multiplier * (1 + 1e-3) + 1e-30


@pytest.mark.parametrize("pair", ["ende", "deen"])
def test_agrees_with_marians_converter(pair: str, shared: Path, tmp_path: Path) -> None:
    folder = shared / "models" / f"{pair}-tiny-ssru"
    theirs = read_parameters(folder / "model.intgemm.alphas.bin")
    ours = quantize(read_parameters(folder / "model.npz"), alphas=theirs.alphas)
    assert list(ours.parameters) == list(theirs.parameters)
    for name, parameter in theirs.parameters.items():
        twin = ours.parameters[name]
        assert (twin.shape, twin.transposed, twin.multiplier) == (
            parameter.shape,
            parameter.transposed,
            parameter.multiplier,
        )
        np.testing.assert_array_equal(twin.data, parameter.data, err_msg=name)
    write_bin(ours, tmp_path / "ours.bin")
    again = read_parameters(tmp_path / "ours.bin")
    assert dict(again.options) == dict(theirs.options)
    for name, alpha in theirs.alphas.items():
        assert again.alphas[name] == pytest.approx(alpha, rel=2e-7)
