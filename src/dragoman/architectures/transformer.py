"""Draws the graph of a transformer (``src/models/transformer.h``). T source tokens, R rows, D = dim-emb."""

from __future__ import annotations

import math

from dragoman.architectures.autoregressive import autoregressive_layer
from dragoman.architectures.config import ModelConfig
from dragoman.architectures.layers import columns, dense, output_layer, postprocess, preprocess, table
from dragoman.architectures.transformer_config import FeedForward, TransformerConfig
from dragoman.graph import ops
from dragoman.graph.graph import GraphBuilder, Node, Phase

__all__ = ["build_transformer"]


def build_transformer(builder: GraphBuilder, config: ModelConfig, transformer: TransformerConfig) -> Node:
    """Add the whole model; returns the logits."""
    context = _encoder(builder, config, transformer)
    keys = _context_keys(builder, transformer, context)
    with builder.phase(Phase.STEP):
        return _decoder(builder, config, transformer, keys)


def _encoder(builder: GraphBuilder, config: ModelConfig, transformer: TransformerConfig) -> Node:
    """The encoder's output [T, D]."""
    with builder.phase(Phase.ENCODE):
        source = table(builder, config.tables.source, config.dim_emb)
        bottom = builder.add(ops.SourceEmbedding(_scale(config, transformer), transformer.positions), source)
        x = preprocess(builder, "encoder_emb", transformer.postprocess_embedding, bottom)
        for number in range(1, config.enc_depth + 1):
            x = _self_attention(builder, transformer, f"encoder_l{number}_self", x)
            x = _feed_forward(builder, transformer, transformer.encoder_stack, f"encoder_l{number}_ffn", x)
        return postprocess(builder, "encoder_top", transformer.postprocess_top, x, bottom)


def _self_attention(builder: GraphBuilder, transformer: TransformerConfig, prefix: str, x: Node) -> Node:
    """x [T, D] -> [T, D]. Where keys and values of pre-norm come from: `TransformerConfig.raw_keys`."""
    query = preprocess(builder, f"{prefix}_Wo", transformer.preprocess, x)
    source = x if transformer.raw_keys else query
    q = dense(builder, query, prefix, "q", columns(x))
    k = dense(builder, source, prefix, "k", columns(x))
    v = dense(builder, source, prefix, "v", columns(x))
    y = builder.add(ops.SelfAttention(transformer.heads), q, k, v)
    if transformer.projection:
        y = dense(builder, y, prefix, "o", columns(x))
    return postprocess(builder, f"{prefix}_Wo", transformer.postprocess, y, x)


def _feed_forward(
    builder: GraphBuilder, transformer: TransformerConfig, stack: FeedForward, prefix: str, x: Node
) -> Node:
    """depth - 1 layers of the stack's width with its function, one back to D. Norms: ``prefix_ffn_..``."""
    y = preprocess(builder, f"{prefix}_ffn", transformer.preprocess, x)
    for number in range(1, stack.depth):
        y = dense(builder, y, prefix, str(number), stack.width, stack.function)
    y = dense(builder, y, prefix, str(stack.depth), columns(x))
    return postprocess(builder, f"{prefix}_ffn", transformer.postprocess, y, x)


def _context_keys(
    builder: GraphBuilder, transformer: TransformerConfig, context: Node
) -> list[tuple[Node, Node]]:
    """Keys and values [T, D] of each decoder layer's cross-attention; tied layers share them."""
    with builder.phase(Phase.PRIME):
        return [
            (
                dense(builder, context, f"decoder_l{layer}_context", "k", columns(context)),
                dense(builder, context, f"decoder_l{layer}_context", "v", columns(context)),
            )
            for layer in transformer.parameter_layers
        ]


def _decoder(
    builder: GraphBuilder, config: ModelConfig, transformer: TransformerConfig, keys: list[tuple[Node, Node]]
) -> Node:
    """One step: logits [R, CANDIDATES] from the previous target ids."""
    target = table(builder, config.tables.target, config.dim_emb)
    bottom = builder.add(ops.TargetEmbedding(_scale(config, transformer), transformer.positions), target)
    x = preprocess(builder, "decoder_emb", transformer.postprocess_embedding, bottom)
    for number, (layer, (k, v)) in enumerate(zip(transformer.parameter_layers, keys, strict=True), start=1):
        prefix = f"decoder_l{layer}"
        x = autoregressive_layer(builder, transformer, prefix, f"decoder_l{number}", x)
        alignment = number == transformer.alignment_layer
        x = _cross_attention(builder, transformer, f"{prefix}_context", x, k, v, alignment=alignment)
        x = _feed_forward(builder, transformer, transformer.decoder_stack, f"{prefix}_ffn", x)
    x = postprocess(builder, "decoder_top", transformer.postprocess_top, x, bottom)
    return output_layer(builder, config, x)


def _cross_attention(
    builder: GraphBuilder,
    transformer: TransformerConfig,
    prefix: str,
    x: Node,
    k: Node,
    v: Node,
    *,
    alignment: bool,
) -> Node:
    """x [R, D]; k, v [T, D]. -> [R, D]"""
    query = preprocess(builder, f"{prefix}_Wo", transformer.preprocess, x)
    q = dense(builder, query, prefix, "q", columns(x))
    y = builder.add(ops.CrossAttention(transformer.heads, alignment), q, k, v)
    if transformer.projection:
        y = dense(builder, y, prefix, "o", columns(x))
    return postprocess(builder, f"{prefix}_Wo", transformer.postprocess, y, x)


def _scale(config: ModelConfig, transformer: TransformerConfig) -> float:
    """Embeddings are scaled only where positions are added (``addSpecialEmbeddings``)."""
    return math.sqrt(config.dim_emb) if transformer.positions else 1.0
