"""Marian's models as transformers writes them: a folder in Hugging Face form of a Marian file, without transformers."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.formats.model_file import read_parameters
from dragoman.formats.vocabulary_text import parse_yaml

_PARTS = {"Wq": "q_proj", "Wk": "k_proj", "Wv": "v_proj", "Wo": "out_proj"}


def hugging_face_folder(folder: Path, model: Path, vocabulary: Path, spm: Path, *, weights: str) -> Path:
    """Write a Marian model (all embeddings tied, post-norm) in that form.

    Args:
        weights: "safetensors", "zip" (PyTorch's since 1.6) or "legacy".
    """
    folder.mkdir(parents=True)
    file = read_parameters(model)
    ids = parse_yaml(vocabulary.read_text(encoding="utf-8"), vocabulary)
    size = len(ids)
    (folder / "vocab.json").write_text(json.dumps({**ids, "<pad>": size}, ensure_ascii=False), encoding="utf-8")
    for name in ("source.spm", "target.spm"):
        shutil.copy(spm, folder / name)
    options = file.options
    config = {
        "architectures": ["MarianMTModel"],
        "model_type": "marian",
        "activation_function": options["transformer-ffn-activation"],
        "d_model": options["dim-emb"],
        "encoder_layers": options["enc-depth"],
        "decoder_layers": options["dec-depth"],
        "encoder_attention_heads": options["transformer-heads"],
        "decoder_attention_heads": options["transformer-heads"],
        "encoder_ffn_dim": options["transformer-dim-ffn"],
        "decoder_ffn_dim": options["transformer-dim-ffn"],
        "scale_embedding": True,
        "normalize_before": False,
        "normalize_embedding": False,
        "static_position_embeddings": True,
        "pad_token_id": size,
        "decoder_start_token_id": size,
        "eos_token_id": ids["</s>"],
        "forced_eos_token_id": ids["</s>"],
        "vocab_size": size + 1,
        "max_position_embeddings": 512,
        "num_beams": 2,
        "bad_words_ids": [[size]],
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tokenizer = {"source_lang": "en", "target_lang": "fr", "separate_vocabs": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    arrays = {name: parameter.data.reshape(parameter.shape) for name, parameter in file.parameters.items()}
    tensors = tensors_of(arrays)
    if weights == "safetensors":
        (folder / "model.safetensors").write_bytes(safetensors_bytes(tensors))
    else:
        data = torch_zip(tensors) if weights == "zip" else torch_legacy(tensors)
        (folder / "pytorch_model.bin").write_bytes(data)
    return folder


def tensors_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """transformers' names and forms of Marian's parameters; a row of zeros for the padding is added."""
    found: dict[str, NDArray[Any]] = {}
    for name, array in arrays.items():
        if name == "Wemb":
            found["model.shared.weight"] = np.vstack([array, np.zeros_like(array[:1])])
        elif name == "decoder_ff_logit_out_b":
            found["final_logits_bias"] = np.hstack([array, np.zeros((1, 1), array.dtype)])
        else:
            side, layer, rest = name.split("_", 2)
            prefix = f"model.{side}.layers.{int(layer[1:]) - 1}."
            found[prefix + _theirs(rest)] = array.T if "_W" in name and array.shape[0] > 1 else array.reshape(-1)
    return {name: np.ascontiguousarray(array, np.float32) for name, array in found.items()}


def _theirs(name: str) -> str:
    block, _, rest = name.partition("_")
    if block == "ffn":
        if "_ln_" in name:
            return "final_layer_norm." + ("weight" if name.endswith("scale") else "bias")
        return f"fc{rest[1:]}." + ("weight" if rest[0] == "W" else "bias")
    attention = {"self": "self_attn", "context": "encoder_attn"}[block]
    if "_ln_" in name:
        return f"{attention}_layer_norm." + ("weight" if name.endswith("scale") else "bias")
    return f"{attention}.{_PARTS['W' + rest[1:]]}." + ("weight" if rest[0] == "W" else "bias")


def safetensors_bytes(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    kinds = {"float32": "F32", "float16": "F16", "int64": "I64"}
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = bytearray()
    for name, array in tensors.items():
        start = len(body)
        body += array.tobytes()
        entry = {"dtype": kinds[array.dtype.name], "shape": list(array.shape), "data_offsets": [start, len(body)]}
        header[name] = entry
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(body)


class _Storage:
    def __init__(self, key: str, count: int, kind: str) -> None:
        self.key, self.count, self.kind = key, count, kind


class _Global:
    """Pickles as a name of another module."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class _Tensor:
    def __init__(self, storage: _Storage, shape: tuple[int, ...]) -> None:
        self.storage, self.shape = storage, shape


class _Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]  # the one in Python, whose opcodes can be added to
    """Writes what torch.save writes, where there is no torch."""

    def __init__(self, file: Any, *, old: bool) -> None:
        super().__init__(file, protocol=2)
        self._old = old

    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, _Storage):
            kind = _Global("torch", value.kind)
            identity = ("storage", kind, value.key, "cpu", value.count)
            return (*identity, None) if self._old else identity
        return None

    def save(self, value: Any, save_persistent_id: bool = True) -> Any:
        if isinstance(value, _Global):
            self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())
            return None
        if isinstance(value, _Tensor):
            strides, step = [], 1
            for extent in reversed(value.shape):
                strides.insert(0, step)
                step *= extent
            self.save(_Global("torch._utils", "_rebuild_tensor_v2"))
            self.save((value.storage, 0, value.shape, tuple(strides), False, OrderedDict()))
            self.write(pickle.REDUCE)
            return None
        return super().save(value, save_persistent_id)


_KINDS = {"float32": "FloatStorage", "float16": "HalfStorage", "int64": "LongStorage"}


def _pickled(value: Any, *, old: bool) -> bytes:
    stream = io.BytesIO()
    _Pickler(stream, old=old).dump(value)
    return stream.getvalue()


def _state(tensors: Mapping[str, NDArray[Any]]) -> OrderedDict[str, _Tensor]:
    state = OrderedDict()
    for number, (name, array) in enumerate(tensors.items()):
        state[name] = _Tensor(_Storage(str(number), array.size, _KINDS[array.dtype.name]), array.shape)
    return state


def torch_zip(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("pytorch_model/data.pkl", _pickled(_state(tensors), old=False))
        archive.writestr("pytorch_model/byteorder", "little")
        for number, array in enumerate(tensors.values()):
            archive.writestr(f"pytorch_model/data/{number}", array.tobytes())
        archive.writestr("pytorch_model/version", "3\n")
    return buffer.getvalue()


def torch_legacy(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    out = bytearray()
    out += pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    out += pickle.dumps(machine, 2)
    out += _pickled(_state(tensors), old=True)
    out += pickle.dumps([str(number) for number in range(len(tensors))], 2)
    for array in tensors.values():
        out += struct.pack("<Q", array.size) + array.tobytes()
    return bytes(out)
