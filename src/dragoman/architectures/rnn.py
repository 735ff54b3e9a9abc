"""Draws the graph of an s2s, amun or nematus model (``src/models/s2s.h``, ``src/rnn/*.h``).

T source tokens, S sentences, R rows; E = dim-emb, H = dim-rnn, C = width of the encoder's output.
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.architectures.cells import Cell, CellState, keep_states, make_cell, read_states, start_states
from dragoman.architectures.config import ModelConfig
from dragoman.architectures.layers import affine, columns, norm, output_layer, table
from dragoman.architectures.rnn_config import RnnConfig
from dragoman.graph import ops
from dragoman.graph.graph import GraphBuilder, Node, Phase

__all__ = ["build_rnn"]

_EPSILON = 1e-9
_NEMATUS_EPSILON = 1e-5


def build_rnn(builder: GraphBuilder, config: ModelConfig, rnn: RnnConfig) -> Node:
    """Add the whole model; returns the logits."""
    with builder.phase(Phase.ENCODE):
        context = _encoder(builder, config, rnn)
    with builder.phase(Phase.PRIME):
        start = _squash(
            builder, _dense(builder, rnn, "decoder_ff_state", "", _mean(builder, context), rnn.dim_rnn)
        )
        projected = _project_context(builder, rnn, context)
    with builder.phase(Phase.STEP):
        return _decoder(builder, config, rnn, start, context, projected)


def _encoder(builder: GraphBuilder, config: ModelConfig, rnn: RnnConfig) -> Node:
    """[T, C]: C = 2H, or H where forward layers lie on top of a bidirectional one."""
    source = table(builder, config.tables.source, config.dim_emb)
    x = builder.add(ops.SourceEmbedding(1.0, False), source)
    unidirectional = rnn.encoder_type == "bi-unidirectional"
    depth = 1 if unidirectional else config.enc_depth
    stacks: list[Node] = []
    for prefix, backward in (("encoder_bi", False), ("encoder_bi_r", True)):
        layers: list[tuple[str, bool]] = []
        for number in range(1, depth + 1):
            turned = rnn.encoder_type == "alternating" and number % 2 == 0
            layers.append((prefix if number == 1 else f"{prefix}_l{number}", backward != turned))
        stacks.append(_stack(builder, rnn, layers, x))
    context = builder.add(ops.Concatenate(), *stacks)
    if unidirectional and config.enc_depth > 1:
        layers = [(f"encoder_l{number}", False) for number in range(2, config.enc_depth + 1)]
        context = _stack(builder, rnn, layers, context)
    return context


def _stack(builder: GraphBuilder, rnn: RnnConfig, layers: Sequence[tuple[str, bool]], x: Node) -> Node:
    """Layers (prefix, backward) one over the other. [T, k] -> [T, H]"""
    for index, (prefix, backward) in enumerate(layers):
        y = _scan(builder, rnn, prefix, x, backward=backward)
        x = builder.add(ops.Add(), y, x) if rnn.skip and index > 0 else y
    return x


def _scan(builder: GraphBuilder, rnn: RnnConfig, prefix: str, x: Node, *, backward: bool) -> Node:
    """One encoder layer: a cell with the input, and transitions. The very first cell has no number."""
    bare = prefix in ("encoder_bi", "encoder_bi_r")
    cells = [
        make_cell(
            builder,
            rnn.encoder_cell,
            prefix if bare and number == 1 else f"{prefix}_cell{number}",
            rnn.dim_rnn,
        )
        for number in range(1, rnn.encoder_cells + 1)
    ]
    projected = cells[0].project(x)
    with builder.scan(backward=backward):
        inputs = tuple(builder.add(ops.ScanRead(), value) for value in projected)
        state = cells[0].step(inputs, read_states(builder, cells[0], prefix, scan=True))
        for cell in cells[1:]:
            state = cell.step((), state)
        hidden = keep_states(builder, cells[0], prefix, state)
        return builder.add(ops.ScanWrite(), hidden)


def _mean(builder: GraphBuilder, context: Node) -> Node:
    return builder.add(ops.MeanOverSentence(), context)


def _dense(builder: GraphBuilder, rnn: RnnConfig, prefix: str, number: str, x: Node, width: int) -> Node:
    """x W + b, or its norm: with the bias after it, or before it (Nematus) (``mlp::Dense``)."""
    weight, bias = f"{prefix}_W{number}", f"{prefix}_b{number}"
    if rnn.normalize == "nematus":
        product = affine(builder, x, weight, bias, width)
        return norm(builder, product, f"{prefix}_ln_s{number}", f"{prefix}_ln_b{number}", _NEMATUS_EPSILON)
    if rnn.normalize == "marian":
        product = affine(builder, x, weight, None, width)
        return norm(builder, product, f"{prefix}_gamma{number}", bias, _EPSILON)
    return affine(builder, x, weight, bias, width)


def _squash(builder: GraphBuilder, x: Node) -> Node:
    return builder.add(ops.Activate(ops.Function.TANH), x)


def _project_context(builder: GraphBuilder, rnn: RnnConfig, context: Node) -> Node:
    """The attention's part that depends on the source only. [T, C] -> [T, C]"""
    weight, bias, width = "decoder_Wc_att", "decoder_b_att", columns(context)
    if rnn.normalize == "nematus":
        product = affine(builder, context, weight, bias, width)
        return norm(builder, product, f"{weight}_lns", f"{weight}_lnb", _NEMATUS_EPSILON)
    if rnn.normalize == "marian":
        product = affine(builder, context, weight, None, width)
        return norm(builder, product, "decoder_att_gamma1", bias, _EPSILON)
    return affine(builder, context, weight, bias, width)


def _attend(builder: GraphBuilder, rnn: RnnConfig, hidden: Node, context: Node, projected: Node) -> Node:
    """hidden [R, H] -> [R, C]"""
    weight, width = "decoder_W_comb_att", columns(context)
    query = affine(builder, hidden, weight, None, width)
    if rnn.normalize == "nematus":
        query = norm(builder, query, f"{weight}_lns", f"{weight}_lnb", _NEMATUS_EPSILON)
    elif rnn.normalize == "marian":
        query = norm(builder, query, "decoder_att_gamma2", None, _EPSILON)
    energy = builder.parameter("decoder_U_att", width, 1)
    return builder.add(ops.AdditiveAttention(alignment=True), query, projected, context, energy)


def _decoder(
    builder: GraphBuilder, config: ModelConfig, rnn: RnnConfig, start: Node, context: Node, projected: Node
) -> Node:
    """One step: logits [R, CANDIDATES]."""
    target = table(builder, config.tables.target, config.dim_emb)
    embedding = builder.add(ops.TargetEmbedding(1.0, False), target)
    x, attended = _first_layer(builder, rnn, start, context, projected, embedding)
    for number in range(2, config.dec_depth + 1):
        cells = [
            make_cell(builder, rnn.decoder_cell, f"decoder_l{number}_cell{cell}", rnn.dim_rnn)
            for cell in range(1, rnn.high_cells + 1)
        ]
        state = _begin(builder, cells[0], f"decoder_l{number}", start, x)
        for cell in cells[1:]:
            state = cell.step((), state)
        y = keep_states(builder, cells[0], f"decoder_l{number}", state)
        x = builder.add(ops.Add(), y, x) if rnn.skip else y
    prefix = "decoder_ff_logit_l1"
    total = _dense(builder, rnn, prefix, "0", embedding, config.dim_emb)
    for index, value in enumerate((x, attended), start=1):
        total = builder.add(ops.Add(), total, _dense(builder, rnn, prefix, str(index), value, config.dim_emb))
    return output_layer(builder, config, _squash(builder, total))


def _first_layer(
    builder: GraphBuilder, rnn: RnnConfig, start: Node, context: Node, projected: Node, embedding: Node
) -> tuple[Node, Node]:
    """Output [R, H] and attended source [R, C]: a cell, the attention, a cell that reads it, transitions."""
    cells = [
        make_cell(builder, rnn.decoder_cell, f"decoder_cell{number}", rnn.dim_rnn, final=number > 1)
        for number in range(1, rnn.base_cells + 1)
    ]
    state = _begin(builder, cells[0], "decoder_l1", start, embedding)
    if state.hidden is None:
        raise ops.GraphError("the first decoder cell made no output")
    attended = _attend(builder, rnn, state.hidden, context, projected)
    for number, cell in enumerate(cells[1:]):
        state = cell.step(cell.project(attended) if number == 0 else (), state)
    return keep_states(builder, cells[0], "decoder_l1", state), attended


def _begin(builder: GraphBuilder, cell: Cell, name: str, start: Node, x: Node) -> CellState:
    """Start the layer's states at ``start`` and run its first cell on x."""
    start_states(builder, cell, name, start)
    return cell.step(cell.project(x), read_states(builder, cell, name))
