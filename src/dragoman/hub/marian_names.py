"""Tensors of transformers' MarianMT to Marian's parameters and options: other names, transposed matrices, and no row
for the padding that only that library knows.

Facts: transformers' configuration_marian.py and modeling_marian.py; Marian's names as in its own files. That library
computes sinusoids with one more step between their wave lengths than Marian (d/2 instead of d/2 - 1), and norms with an
epsilon of 1e-5 instead of 1e-9: what is converted computes as Marian, which trained it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import HubError

__all__ = ["marian_options", "marian_parameters", "padding_row"]

Floats = NDArray[np.float32]

_DEFAULTS: dict[str, Any] = {
    "vocab_size": 58101,
    "d_model": 1024,
    "encoder_layers": 12,
    "decoder_layers": 12,
    "encoder_attention_heads": 16,
    "decoder_attention_heads": 16,
    "encoder_ffn_dim": 4096,
    "decoder_ffn_dim": 4096,
    "activation_function": "gelu",
    "scale_embedding": False,
    "pad_token_id": 58100,
    "decoder_start_token_id": 58100,
    "share_encoder_decoder_embeddings": True,
}
"""MarianConfig's, where a configuration says nothing."""

_ACTIVATIONS = {"swish": "swish", "silu": "swish", "relu": "relu", "gelu": "gelu"}
_UNUSUAL = {"normalize_before": False, "normalize_embedding": False, "add_final_layer_norm": False}
_VERSION = "v1.12.0"
"""The Marian whose ways the options mean."""


def padding_row(config: Mapping[str, Any]) -> int:
    """The id of the padding, which Marian does not have."""
    return _number(config, "pad_token_id", least=0)


def marian_options(config: Mapping[str, Any], sizes: tuple[int, int]) -> dict[str, object]:
    """``special:model.yml`` of a configuration. Raises HubError for what Marian cannot compute.

    Args:
        config: ``config.json``.
        sizes: of the vocabularies, as they will be.
    """
    if config.get("model_type", "marian") != "marian":
        raise HubError(f"the model is of type {config.get('model_type')!r}, only 'marian' can be converted.")
    for key, usual in _UNUSUAL.items():
        if config.get(key, usual) != usual:
            raise HubError(f"{key} = {config[key]!r} is not what Marian's models have.")
    if _value(config, "scale_embedding") is not True:
        raise HubError("scale_embedding is off: Marian scales embeddings, so it cannot compute this model.")
    if _number(config, "decoder_start_token_id", least=0) != padding_row(config):
        raise HubError("decoding starts with another token than the padding: Marian starts with zeros.")
    heads = [_number(config, f"{side}_attention_heads") for side in ("encoder", "decoder")]
    if heads[0] != heads[1]:
        raise HubError(f"encoder and decoder have {heads[0]} and {heads[1]} heads: Marian has one number.")
    activation = str(_value(config, "activation_function"))
    if activation not in _ACTIVATIONS:
        raise HubError(f"activation_function = {activation!r} is not one of Marian's: {', '.join(_ACTIVATIONS)}.")
    shared = _value(config, "share_encoder_decoder_embeddings") is not False
    return {
        "type": "transformer",
        "version": _VERSION,
        "dim-emb": _number(config, "d_model"),
        "dim-vocabs": list(sizes),
        "enc-depth": _number(config, "encoder_layers"),
        "dec-depth": _number(config, "decoder_layers"),
        "transformer-heads": heads[0],
        "transformer-dim-ffn": _number(config, "encoder_ffn_dim"),
        "transformer-decoder-dim-ffn": _number(config, "decoder_ffn_dim"),
        "transformer-ffn-depth": 2,
        "transformer-ffn-activation": _ACTIVATIONS[activation],
        "transformer-preprocess": "",
        "transformer-postprocess": "dan",
        "transformer-postprocess-emb": "d",
        "transformer-decoder-autoreg": "self-attention",
        "tied-embeddings-all": shared,
        "tied-embeddings": not shared,
    }


def marian_parameters(
    config: Mapping[str, Any], tensors: Mapping[str, Floats], drop: int | None
) -> dict[str, Floats]:
    """Marian's parameters, each of rank 2.

    Args:
        config: ``config.json``, checked by `marian_options`.
        tensors: of the model's file.
        drop: the row of the padding where the vocabulary loses it, or None.

    Raises HubError where a tensor is missing or of another shape.
    """
    reader = _Reader(tensors, _number(config, "d_model"))
    found: dict[str, Floats] = {}
    shared = _value(config, "share_encoder_decoder_embeddings") is not False
    if shared:
        found["Wemb"] = reader.embedding(("model.shared.weight", "model.encoder.embed_tokens.weight"), drop)
    else:
        found["encoder_Wemb"] = reader.embedding(("model.encoder.embed_tokens.weight",), drop)
        found["decoder_Wemb"] = reader.embedding(("model.decoder.embed_tokens.weight", "lm_head.weight"), drop)
    rows = len(found["Wemb" if shared else "decoder_Wemb"])
    bias = reader.any(("final_logits_bias",)).reshape(1, -1)
    found["decoder_ff_logit_out_b"] = _without(bias, drop, axis=1)
    if found["decoder_ff_logit_out_b"].shape != (1, rows):
        raise HubError(f"final_logits_bias has {bias.shape[1]} values, the vocabulary {rows} pieces.")
    for side in ("encoder", "decoder"):
        width = _number(config, f"{side}_ffn_dim")
        for layer in range(_number(config, f"{side}_layers")):
            theirs, ours = f"model.{side}.layers.{layer}.", f"{side}_l{layer + 1}_"
            reader.attention(found, theirs + "self_attn", ours + "self")
            if side == "decoder":
                reader.attention(found, theirs + "encoder_attn", ours + "context")
            for number, shape in ((1, (width, reader.dim)), (2, (reader.dim, width))):
                reader.linear(found, f"{theirs}fc{number}", f"{ours}ffn_W{number}", f"{ours}ffn_b{number}", shape)
            reader.norm(found, theirs + "final_layer_norm", ours + "ffn_ffn_ln")
    return found


class _Reader:
    """Tensors by name, checked. Raises HubError."""

    def __init__(self, tensors: Mapping[str, Floats], dim: int) -> None:
        self._tensors, self.dim = tensors, dim

    def any(self, names: tuple[str, ...]) -> Floats:
        for name in names:
            if name in self._tensors:
                return self._tensors[name]
        raise HubError(f"the weights lack {names[0]}: is it a MarianMT model?")

    def embedding(self, names: tuple[str, ...], drop: int | None) -> Floats:
        table = self.any(names)
        if table.ndim != 2 or table.shape[1] != self.dim:
            raise HubError(f"{names[0]} has the shape {table.shape}, expected (pieces, {self.dim}).")
        if drop is not None and drop < len(table) and np.any(table[drop]):
            raise HubError("the padding has an embedding that is not zero: Marian starts with zeros.")
        return _without(table, drop, axis=0)

    def linear(self, found: dict[str, Floats], theirs: str, weight: str, bias: str, shape: tuple[int, int]) -> None:
        matrix = self._shaped(theirs + ".weight", shape)
        found[weight] = np.ascontiguousarray(matrix.T)
        found[bias] = self._shaped(theirs + ".bias", (shape[0],)).reshape(1, -1)

    def norm(self, found: dict[str, Floats], theirs: str, ours: str) -> None:
        found[ours + "_scale"] = self._shaped(theirs + ".weight", (self.dim,)).reshape(1, -1)
        found[ours + "_bias"] = self._shaped(theirs + ".bias", (self.dim,)).reshape(1, -1)

    def attention(self, found: dict[str, Floats], theirs: str, ours: str) -> None:
        for letter, part in (("q", "q_proj"), ("k", "k_proj"), ("v", "v_proj"), ("o", "out_proj")):
            square = (self.dim, self.dim)
            self.linear(found, f"{theirs}.{part}", f"{ours}_W{letter}", f"{ours}_b{letter}", square)
        self.norm(found, theirs + "_layer_norm", ours + "_Wo_ln")

    def _shaped(self, name: str, shape: tuple[int, ...]) -> Floats:
        tensor = self.any((name,))
        if tensor.shape != shape:
            raise HubError(f"{name} has the shape {tensor.shape}, the configuration says {shape}.")
        return tensor


def _without(array: Floats, row: int | None, *, axis: int) -> Floats:
    if row is None or row >= array.shape[axis]:
        return array
    return np.ascontiguousarray(np.delete(array, row, axis=axis))


def _value(config: Mapping[str, Any], key: str) -> Any:
    value = config.get(key)
    return _DEFAULTS[key] if value is None else value


def _number(config: Mapping[str, Any], key: str, *, least: int = 1) -> int:
    value = _value(config, key)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 1 << 24:
        raise HubError(f"config.json: {key} = {value!r} is no number from {least} on.")
    return value
