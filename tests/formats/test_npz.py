"""Marian's .npz, read and written."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dragoman.errors import ModelFormatError, ModelNotFoundError, WeightsError
from dragoman.formats.npz import read_npz, write_npz
from dragoman.formats.parameters import Parameter, ParameterFile, freeze
from dragoman.formats.quantize import quantize

Maker = Callable[..., ParameterFile]
YML = np.frombuffer(b"type: transformer\n\0", np.int8)


def same(left: ParameterFile, right: ParameterFile) -> None:
    assert list(left.parameters) == list(right.parameters)
    assert dict(left.options) == dict(right.options)
    assert dict(left.alphas) == dict(right.alphas)
    for name, parameter in left.parameters.items():
        other = right.parameters[name]
        assert parameter.shape == other.shape
        assert parameter.data.dtype == other.data.dtype
        np.testing.assert_array_equal(parameter.data, other.data)


def save(path: Path, arrays: Mapping[str, Any], *, compressed: bool = False) -> Path:
    write = np.savez_compressed if compressed else np.savez
    write(path, **arrays)
    return path


def test_round_trip(make_float_model: Maker, tmp_path: Path) -> None:
    model = make_float_model()
    write_npz(model, tmp_path / "m.npz")
    same(model, read_npz(tmp_path / "m.npz"))
    same(model, read_npz(tmp_path / "m.npz", mapped=True))


def test_writes_the_same_bytes_twice_and_no_zip64(make_float_model: Maker, tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_npz(make_float_model(), tmp_path / name)
    data = (tmp_path / "a.npz").read_bytes()
    assert data == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert all(entry.extract_version <= 20 and not entry.extra for entry in archive.infolist())
        assert archive.namelist()[-1] == "special:model.yml.npy"


def test_numpy_reads_what_we_write(make_float_model: Maker, tmp_path: Path) -> None:
    model = make_float_model()
    write_npz(model, tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as arrays:
        np.testing.assert_array_equal(arrays["Wemb"], model.parameters["Wemb"].data)
        assert arrays["Wemb_QuantMultA"].shape == (1, 1)
        assert arrays["special:model.yml"].tobytes().count(b"\0") >= 1


@pytest.mark.parametrize("compressed", [False, True])
def test_reads_numpys_own_archives(compressed: bool, tmp_path: Path) -> None:
    half = np.arange(6, dtype=np.float16).reshape(2, 3)
    arrays = {"a": half, "f": np.asfortranarray(half.astype(np.float32)), "special:model.yml": YML}
    file = read_npz(save(tmp_path / "m.npz", arrays, compressed=compressed))
    assert file.parameters["a"].data.dtype == np.float16
    np.testing.assert_array_equal(file.parameters["f"].data, half)
    assert file.parameters["f"].data.flags.c_contiguous


def test_training_state_is_left_out(tmp_path: Path) -> None:
    state = {"uidx": np.array(7), "history_errs": np.zeros(3), "decoder_c_tt": np.zeros((1, 0), np.float32),
             "swapped": np.ones((2, 2), ">f4"), "big:adam": np.ones((1, 1, 1, 1, 1), np.float32)}  # fmt: skip
    rest = {"W": np.ones((1, 1), np.float32), "special:model.yml": YML}
    file = read_npz(save(tmp_path / "m.npz", state | rest))
    assert list(file.parameters) == ["W"]
    assert set(file.unread) == set(state)
    assert "<i8" in file.unread["uidx"] and "(1, 0)" in file.unread["decoder_c_tt"]


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    body = io.BytesIO()
    np.lib.format.write_array(body, np.array([{}], object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr("W.npy", body.getvalue())
    file = read_npz(tmp_path / "m.npz")
    assert not file.parameters and not file.options and "|O" in file.unread["W"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text("abW_1é", min_size=1, max_size=12),
        hnp.arrays(
            st.sampled_from([np.float32, np.float16]), hnp.array_shapes(min_dims=1, max_dims=3, max_side=5)
        ),
        max_size=4,
    )
)
def test_round_trip_of_any_arrays(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    parameters = {name: Parameter(name, array.shape, array) for name, array in arrays.items()}
    model = freeze(Path("m"), parameters, {"type": "s2s"}, {"W": 2.5})
    write_npz(model, tmp_path / "m.npz")
    same(model, read_npz(tmp_path / "m.npz"))


def test_integers_are_not_written(make_float_model: Maker, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="Wemb"):
        write_npz(quantize(make_float_model()), tmp_path / "m.npz")
    assert not list(tmp_path.iterdir()), "nothing half written stays behind"


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"W_QuantMultA": np.ones((1, 1)), "special:model.yml": YML}, "its type is <f8"),
        ({"special:model.yml": np.ones((2, 2))}, "its type is <f8"),
        (
            {"W_QuantMultA": np.zeros((1, 1), np.float32), "special:model.yml": YML},
            "multiplier is impossible",
        ),
        ({"W_QuantMultA": np.ones((1, 2), np.float32), "special:model.yml": YML}, "one number"),
        ({"special:model.yml": np.frombuffer(b"- list\n", np.int8)}, "not a YAML mapping"),
        ({"special:model.yml": np.frombuffer(b"\xff\xfe", np.int8)}, "not UTF-8"),
        ({"special:model.yml": np.frombuffer(b"a: &x 1\nb: *x\n", np.int8)}, "aliases"),
    ],
)
def test_refuses(arrays: dict[str, np.ndarray], problem: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFormatError, match=problem):
        read_npz(save(tmp_path / "m.npz", arrays))


def test_missing_empty_compressed_and_odd_files(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        read_npz(tmp_path / "absent.npz")
    with pytest.raises(ModelNotFoundError):
        read_npz(tmp_path)
    (tmp_path / "empty.npz").touch()
    with pytest.raises(ModelFormatError, match="empty"):
        read_npz(tmp_path / "empty.npz")
    (tmp_path / "m.npz").write_bytes(b"\xfd7zXZ\0 12345")
    with pytest.raises(ModelFormatError, match="unxz"):
        read_npz(tmp_path / "m.npz")
