"""Marian's transformer options as a frozen record (``src/models/transformer.h``)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, cast

from dragoman.architectures.options import Options
from dragoman.architectures.rnn_config import CELLS, CellConfig
from dragoman.graph.ops import Function

__all__ = ["Autoregressive", "AverageAttention", "FeedForward", "TransformerConfig", "read_transformer"]

Autoregressive = Literal["self-attention", "average-attention", "rnn"]

_BEFORE = "dnr"
_AFTER = "dahnr"


@dataclass(frozen=True)
class FeedForward:
    """A stack of ``depth`` dense layers; all but the last are ``width`` wide and followed by ``function``."""

    width: int
    depth: int
    function: Function


@dataclass(frozen=True)
class AverageAttention:
    """The average-attention layer's stack, and whether a gate mixes it with its input."""

    stack: FeedForward
    gate: bool


@dataclass(frozen=True)
class TransformerConfig:
    """What only transformers have. Op strings hold no dropout.

    Attributes:
        heads: of all attentions.
        encoder_stack, decoder_stack: the feed-forward layers.
        autoregressive: what a decoder layer looks back with; ``average`` and ``cell``: its details.
        preprocess, postprocess: before and after each sub-layer: n layer norm, r RMS norm, a add, h highway.
        postprocess_embedding, postprocess_top: after the embedding, and after the last layer.
        parameter_layers: number of the layer whose parameters each decoder layer reads (tied layers repeat).
        projection, rnn_projection: an output projection after attention, after the rnn layer.
        positions: add sinusoidal positions (and scale embeddings by sqrt(dim_emb)).
        raw_keys: pre-norm self-attention takes keys and values from the input before its norm.
        alignment_layer: the decoder layer, counted from 1, whose cross-attention is the alignment.
    """

    heads: int
    encoder_stack: FeedForward
    decoder_stack: FeedForward
    autoregressive: Autoregressive
    average: AverageAttention | None
    cell: CellConfig | None
    preprocess: str
    postprocess: str
    postprocess_embedding: str
    postprocess_top: str
    parameter_layers: tuple[int, ...]
    projection: bool
    rnn_projection: bool
    positions: bool
    raw_keys: bool
    alignment_layer: int


def read_transformer(
    options: Options,
    parameters: Collection[str],
    dim_emb: int,
    dec_depth: int,
    *,
    exact_gelu: bool,
    raw_keys: bool,
) -> TransformerConfig:
    """Read and check. ``exact_gelu``, ``raw_keys``: the trainer's behaviour, see `config.read_config`."""
    _refuse_unbuilt(options, parameters)
    functions = {
        "relu": Function.RELU,
        "swish": Function.SWISH,
        "gelu": Function.GELU if exact_gelu else Function.GELU_SIGMOID,
    }
    heads = options.count("transformer-heads", 8)
    if dim_emb % heads:
        raise options.refuse("transformer-heads", f"It must divide dim-emb = {dim_emb}.")
    positions = not options.flag("transformer-disable-position-embeddings")
    if positions and (dim_emb % 2 or dim_emb < 4):
        raise options.refuse("dim-emb", "Sinusoidal positions need an even number of at least 4.")
    function = functions[options.text("transformer-ffn-activation", "swish", functions)]
    width = options.count("transformer-dim-ffn", 2048)
    depth = options.depth("transformer-ffn-depth", 2)
    kind = cast(
        Autoregressive,
        options.text(
            "transformer-decoder-autoreg", "self-attention", ("self-attention", "average-attention", "rnn")
        ),
    )
    average = AverageAttention(
        FeedForward(
            options.count("transformer-dim-aan", 2048),
            options.depth("transformer-aan-depth", 2),
            functions[options.text("transformer-aan-activation", "swish", functions)],
        ),
        not options.flag("transformer-aan-nogate"),
    )
    cell = None
    if kind == "rnn":
        cell = CellConfig.read(options, "dec-cell", CELLS)
    preprocess = options.operations("transformer-preprocess", "", _BEFORE)
    return TransformerConfig(
        heads=heads,
        encoder_stack=FeedForward(width, depth, function),
        decoder_stack=FeedForward(
            options.count("transformer-decoder-dim-ffn", 0, least=0) or width,
            options.count("transformer-decoder-ffn-depth", 0, least=0, most=256) or depth,
            function,
        ),
        autoregressive=kind,
        average=average if kind == "average-attention" else None,
        cell=cell,
        preprocess=preprocess,
        postprocess=options.operations("transformer-postprocess", "dan", _AFTER),
        postprocess_embedding=options.operations("transformer-postprocess-emb", "d", _BEFORE),
        postprocess_top=options.operations("transformer-postprocess-top", "", _AFTER),
        parameter_layers=_parameter_layers(options, dec_depth),
        projection=not options.flag("transformer-no-projection"),
        rnn_projection=kind == "rnn" and options.flag("transformer-rnn-projection"),
        positions=positions,
        raw_keys=raw_keys and bool(preprocess),
        alignment_layer=_alignment_layer(options, dec_depth),
    )


def _refuse_unbuilt(options: Options, parameters: Collection[str]) -> None:
    if "Wpos" in parameters:
        raise options.refuse(
            "transformer-train-position-embeddings",
            "The file has trained positions (Wpos); Marian cannot decode it either.",
        )
    if options.flag("transformer-pool"):
        raise options.refuse("transformer-pool")
    if options.text("transformer-attention-mask", "default") != "default":
        raise options.refuse("transformer-attention-mask")
    for name in ("transformer-alibi-shift", "transformer-alibi-trainable"):
        if options.flag(name):
            raise options.refuse(name)
    # Only Marian's experimental layers know these two; its transformer proper ignores them.
    if options.flag("transformer-no-bias") and "encoder_l1_self_bq" not in parameters:
        raise options.refuse("transformer-no-bias")
    if options.flag("transformer-no-affine") and not any(name.endswith("_scale") for name in parameters):
        raise options.refuse("transformer-no-affine")


def _parameter_layers(options: Options, dec_depth: int) -> tuple[int, ...]:
    layers = options.numbers("transformer-tied-layers") or tuple(range(1, dec_depth + 1))
    if len(layers) != dec_depth or not all(1 <= layer <= dec_depth for layer in layers):
        raise options.refuse(
            "transformer-tied-layers", f"It must name {dec_depth} layers of 1 to {dec_depth}."
        )
    return layers


def _alignment_layer(options: Options, dec_depth: int) -> int:
    name = "transformer-guided-alignment-layer"
    value = options.given(name)
    text = "last" if value is None else str(value)
    if text == "last":
        return dec_depth
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= dec_depth:
        raise options.refuse(name, f"It must be 'last' or a layer from 1 to {dec_depth}.")
    return int(text[:9])
