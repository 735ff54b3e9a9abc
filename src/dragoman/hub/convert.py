"""A folder in Hugging Face form becomes one that Marian could read: ``model.npz``, vocabularies, ``decoder.yml``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dragoman.errors import HubError, ModelFormatError, ModelNotFoundError
from dragoman.formats.files import TEXT_LIMIT, read_bytes
from dragoman.formats.npz import write_npz
from dragoman.formats.parameters import Parameter, freeze
from dragoman.formats.vocabulary_text import parse_json, write_vocabulary
from dragoman.formats.yaml_text import dump_mapping
from dragoman.hub.huggingface import WEIGHTS
from dragoman.hub.marian_names import marian_options, marian_parameters, padding_row
from dragoman.hub.safetensors_file import read_safetensors
from dragoman.hub.torch_file import read_torch_file

__all__ = ["convert_folder"]

_PAD, _EOS, _UNK = "<pad>", "</s>", "<unk>"
_KEPT = ("source.spm", "target.spm")


def convert_folder(source: Path, target: Path) -> None:
    """Convert a MarianMT model.

    The parameters are what Marian's own file of the model holds, bit for bit where the weights are float32. The padding
    piece, which Marian lacks, is dropped where it is the last one; elsewhere its row stays and is never chosen.

    Args:
        source: ``config.json``, ``vocab.json``, ``source.spm``, ``target.spm``, and the weights.
        target: an empty folder.

    Raises:
        HubError: it is no MarianMT model, or one that Marian cannot compute.
        ModelFormatError: a file is damaged.
        OSError: the folder cannot be written.
    """
    config = _json(source / "config.json")
    vocabularies = _vocabularies(source)
    pad = padding_row(config)
    drop = pad if all(ids.get(_PAD) == pad == max(ids.values()) for ids in vocabularies) else None
    if drop is not None:
        vocabularies = tuple({piece: id_ for piece, id_ in ids.items() if id_ != drop} for ids in vocabularies)
    weights = next((source / name for name in WEIGHTS if (source / name).is_file()), None)
    if weights is None:
        raise HubError(f"{source}: there is neither {' nor '.join(WEIGHTS)}.")
    tensors = read_safetensors(weights) if weights.suffix == ".safetensors" else read_torch_file(weights)
    sizes = (max(vocabularies[0].values()) + 1, max(vocabularies[-1].values()) + 1)
    options = marian_options(config, sizes)
    arrays = marian_parameters(config, tensors, drop)
    if drop is None and pad < arrays["decoder_ff_logit_out_b"].shape[1]:
        bias = arrays["decoder_ff_logit_out_b"].copy()
        bias[0, pad] = -1e9  # as transformers forbids it
        arrays["decoder_ff_logit_out_b"] = bias
    parameters = {name: Parameter(name, array.shape, array) for name, array in arrays.items()}
    write_npz(freeze(weights, parameters, options, {}), target / "model.npz")
    names = ["vocab.yml"] if len(vocabularies) == 1 else ["source.vocab.yml", "target.vocab.yml"]
    for name, ids in zip(names, vocabularies, strict=True):
        write_vocabulary(ids, target / name)
    for name in _KEPT:
        (target / name).write_bytes(read_bytes(source / name, limit=TEXT_LIMIT))
    _write_decoder(source, target, config, names)


def _write_decoder(source: Path, target: Path, config: Mapping[str, Any], names: list[str]) -> None:
    generation = _json(source / "generation_config.json", absent={})
    beams = generation.get("num_beams", config.get("num_beams", 4))
    penalty = generation.get("length_penalty", config.get("length_penalty", 1.0))
    values = {
        "relative-paths": True,
        "models": ["model.npz"],
        "vocabs": [names[0], names[-1]],
        "beam-size": beams if isinstance(beams, int) and 0 < beams <= 64 else 4,
        "normalize": float(penalty) if isinstance(penalty, (int, float)) and 0 <= penalty < 100 else 1.0,
    }
    (target / "decoder.yml").write_text(dump_mapping(values), encoding="utf-8")


def _vocabularies(source: Path) -> tuple[dict[str, int], ...]:
    """One for both sides, or two."""
    names = ["vocab.json"]
    if (source / "target_vocab.json").is_file():
        names.append("target_vocab.json")
    found = []
    for name in names:
        path = source / name
        try:
            text = bytes(read_bytes(path, limit=TEXT_LIMIT)).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ModelFormatError(path, "not UTF-8 text", offset=error.start) from None
        ids = parse_json(text, path)
        for piece in (_EOS, _UNK):
            if piece not in ids:
                raise ModelFormatError(path, f"the vocabulary has no piece {piece}", parameter=piece)
        found.append(ids)
    return tuple(found)


def _json(path: Path, *, absent: dict[str, Any] | None = None) -> dict[str, Any]:
    if absent is not None and not path.is_file():
        return absent
    try:
        value = json.loads(bytes(read_bytes(path, limit=1 << 20)).decode("utf-8"))
    except (ValueError, RecursionError):
        raise ModelFormatError(path, "not a JSON object") from None
    except ModelNotFoundError:
        raise HubError(f"{os.fspath(path)} is missing.") from None
    if not isinstance(value, dict):
        raise ModelFormatError(path, "not a JSON object")
    return value
