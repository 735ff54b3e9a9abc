"""How a transformer's decoder layer looks back: attention, average or recurrence (Marian: ``transformer.h``).

Each function takes the layer's input x [ROWS, D] and returns the sub-layer's output [ROWS, D]. ``state``
names what is kept from step to step: unique for each layer, also where layers share parameters.
"""

from __future__ import annotations

from dragoman.architectures.cells import keep_states, make_cell, read_states, start_states
from dragoman.architectures.layers import columns, dense, postprocess, preprocess
from dragoman.architectures.transformer_config import TransformerConfig
from dragoman.graph import ops
from dragoman.graph.graph import GraphBuilder, Node, Phase

__all__ = ["autoregressive_layer"]


def autoregressive_layer(
    builder: GraphBuilder, config: TransformerConfig, layer: str, state: str, x: Node
) -> Node:
    """The configured kind of layer, with parameters ``layer_..`` (such as decoder_l1)."""
    if config.autoregressive == "self-attention":
        return _self_attention(builder, config, f"{layer}_self", f"{state}_self", x)
    if config.autoregressive == "average-attention":
        return _average_attention(builder, config, f"{layer}_aan", f"{state}_aan", x)
    return _recurrent(builder, config, f"{layer}_rnn", f"{state}_rnn", x)


def _self_attention(
    builder: GraphBuilder, config: TransformerConfig, prefix: str, state: str, x: Node
) -> Node:
    query = preprocess(builder, f"{prefix}_Wo", config.preprocess, x)
    source = x if config.raw_keys else query
    q = dense(builder, query, prefix, "q", columns(x))
    k = dense(builder, source, prefix, "k", columns(x))
    v = dense(builder, source, prefix, "v", columns(x))
    y = builder.add(ops.CachedAttention(config.heads, state), q, k, v)
    if config.projection:
        y = dense(builder, y, prefix, "o", columns(x))
    return postprocess(builder, f"{prefix}_Wo", config.postprocess, y, x)


def _average_attention(
    builder: GraphBuilder, config: TransformerConfig, prefix: str, state: str, x: Node
) -> Node:
    """The preprocessing is done to the running average, not to x."""
    if config.average is None:
        raise ops.GraphError("no details of the average attention")
    width, stack = columns(x), config.average.stack
    with builder.phase(Phase.PRIME):
        builder.add(ops.StateStart(state, width), None)
    average = builder.add(ops.RunningAverage(), builder.add(ops.State(state, width)), x)
    builder.add(ops.StateUpdate(state), average)
    y = preprocess(builder, f"{prefix}_ffn", config.preprocess, average)
    for number in range(1, stack.depth):
        y = dense(builder, y, prefix, str(number), stack.width, stack.function)
    if columns(y) != width:
        y = dense(builder, y, prefix, str(stack.depth), width)
    if config.average.gate:
        keep = dense(builder, x, prefix, "i", width, ops.Function.SIGMOID)
        take = dense(builder, y, prefix, "f", width, ops.Function.SIGMOID)
        y = builder.add(ops.Add(), builder.add(ops.Multiply(), keep, x), builder.add(ops.Multiply(), take, y))
    return postprocess(builder, f"{prefix}_ffn", config.postprocess, y, x)


def _recurrent(builder: GraphBuilder, config: TransformerConfig, prefix: str, state: str, x: Node) -> Node:
    """One cell of width D. Norms before it: ``prefix_ln_.._pre``, after it: ``prefix_ffn_ln_..``."""
    if config.cell is None:
        raise ops.GraphError("no details of the recurrent cell")
    width = columns(x)
    cell = make_cell(builder, config.cell, prefix, width)
    inputs = cell.project(preprocess(builder, prefix, config.preprocess, x))
    start_states(builder, cell, state, None)
    y = keep_states(builder, cell, state, cell.step(inputs, read_states(builder, cell, state)))
    if config.rnn_projection:
        y = dense(builder, y, prefix, "o", width)
    return postprocess(builder, f"{prefix}_ffn", config.postprocess, y, x)
