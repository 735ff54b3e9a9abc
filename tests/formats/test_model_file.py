"""Model files of either format behind one door."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import dragoman
from dragoman import ModelFiles
from dragoman.errors import ModelFormatError, ModelNotFoundError, WeightsError
from dragoman.formats.marian_bin_write import write_bin
from dragoman.formats.model_file import file_format, read_parameters, stored_precision, write_parameters
from dragoman.formats.npz import write_npz
from dragoman.formats.parameters import Parameter, ParameterFile, freeze
from dragoman.formats.quantize import dequantize, quantize

Maker = Callable[..., ParameterFile]


def test_the_contents_decide_not_the_name(make_float_model: Maker, tmp_path: Path) -> None:
    model = make_float_model()
    write_npz(model, tmp_path / "really-npz.bin")
    write_bin(model, tmp_path / "really-bin.npz")
    assert file_format(tmp_path / "really-npz.bin") == "npz"
    assert file_format(tmp_path / "really-bin.npz") == "bin"
    for path in tmp_path.iterdir():
        assert list(read_parameters(str(path)).parameters) == list(model.parameters)
        assert read_parameters(path).nbytes == model.nbytes


def test_precision(make_float_model: Maker, tmp_path: Path) -> None:
    model = make_float_model()
    write_parameters(model, tmp_path / "a.npz")
    write_parameters(model, str(tmp_path / "b.bin"))
    write_parameters(quantize(model), tmp_path / "c.bin")
    write_parameters(quantize(model, bits=16), tmp_path / "d.bin")
    found = [stored_precision(path) for path in sorted(tmp_path.iterdir())]
    assert found == ["float32", "float32", "int8", "int16"]


def test_float16_is_quantised_like_float32(make_float_model: Maker, tmp_path: Path) -> None:
    half = {
        name: Parameter(name, parameter.shape, parameter.data.astype(np.float16))
        for name, parameter in make_float_model().parameters.items()
    }
    model = freeze(tmp_path, half, {"type": "s2s"}, {})
    integers = quantize(model)
    for name, parameter in integers.parameters.items():
        assert parameter.data.dtype in (np.int8, np.float32)
        step = 1 / parameter.multiplier if parameter.multiplier else 0
        assert np.abs(dequantize(parameter) - half[name].data).max() <= 0.51 * step
    with pytest.raises(WeightsError, match="only matrices"):
        quantize(freeze(tmp_path, {"a_W": Parameter("a_W", (4,), np.ones(4, np.float32))}, {}, {}))


def test_neither(tmp_path: Path) -> None:
    (tmp_path / "text.bin").write_text("hello, this is text")
    with pytest.raises(ModelFormatError, match="neither"):
        read_parameters(tmp_path / "text.bin")
    (tmp_path / "model.npz.xz").write_bytes(b"\xfd7zXZ\0rest")
    with pytest.raises(ModelFormatError, match=r"unxz -k model\.npz\.xz"):
        read_parameters(tmp_path / "model.npz.xz")


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PAGE = b"\n<!DOCTYPE html>\n<html lang=en><head><title>404: Not Found</title></head></html>"
S3 = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (POINTER, "git lfs pull"),
        (PAGE, "web page"),
        (S3, "web page"),
        (gzip.compress(PAGE), "web page"),
        (b"", "empty"),
        (b'{"message": "Not Found"}', "Not Found.*It is text"),
        (b"\x80\x02}q\0", "neither"),
    ],
    ids=["lfs", "page", "s3", "packed-page", "empty", "json", "pickle"],
)
def test_what_lies_in_a_models_place_is_said(contents: bytes, said: str, tmp_path: Path, spm_bytes: bytes) -> None:
    """By every door, in one voice: the file, the folder, and files named one by one."""
    (tmp_path / "vocab.spm").write_bytes(spm_bytes)
    for name in ("model.npz", "model.ende.intgemm.alphas.bin"):
        path = tmp_path / name
        path.write_bytes(contents)
        for where in (path, ModelFiles(path, tmp_path / "vocab.spm"), tmp_path):
            with pytest.raises((ModelFormatError, ModelNotFoundError)) as caught:
                dragoman.load(where)
            folder = where == tmp_path and "no model (.npz or .bin)" in str(caught.value)
            assert folder or re.search(said, str(caught.value)), caught.value
        path.unlink()
    (tmp_path / "model.npz").write_bytes(b"PK")
    (tmp_path / "vocab.spm").write_bytes(contents)
    with pytest.raises(ModelFormatError):
        dragoman.load(tmp_path)


def test_odd_paths_are_not_found(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.bin", tmp_path, Path("a\0b")):
        with pytest.raises(ModelNotFoundError):
            stored_precision(path)


def test_real_models(shared: Path) -> None:
    for path in (shared / "models").glob("*/model*"):
        file = read_parameters(path)
        assert file.options["type"] in ("transformer", "s2s")
        assert stored_precision(path) == ("int8" if path.suffix == ".bin" else "float32")
        assert (len(file.alphas) == 54) == (path.suffix == ".bin")
