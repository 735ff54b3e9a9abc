"""Pieces shared by the architectures: dense layers, norms, op strings, the output layer.

Marian: ``src/layers/generic.h``.
"""

from __future__ import annotations

from dataclasses import dataclass

from dragoman.architectures.config import ModelConfig
from dragoman.graph import ops
from dragoman.graph.extents import Symbol
from dragoman.graph.graph import GraphBuilder, Node

__all__ = ["affine", "columns", "dense", "norm", "output_layer", "postprocess", "preprocess", "table"]

_TRANSFORMER_EPSILON = 1e-6


def columns(node: Node) -> int:
    """Columns of a value that only the architecture decides."""
    width = node.shape[1]
    if not isinstance(width, int):
        raise ops.GraphError(f"{node} has {width} columns")
    return width


@dataclass(frozen=True)
class _Norm:
    kind: ops.NormKind
    scale: str
    bias: str


_NORMS = {
    "n": _Norm(ops.NormKind.LAYER, "_ln_scale", "_ln_bias"),
    "r": _Norm(ops.NormKind.RMS, "_rms_scale", ""),
}


def affine(builder: GraphBuilder, x: Node, weight: str, bias: str | None, width: int) -> Node:
    """x W + b. x [m, k], weight [k, width], bias [1, width] -> [m, width]"""
    matrix = builder.parameter(weight, columns(x), width)
    vector = None if bias is None else builder.parameter(bias, 1, width)
    return builder.add(ops.Product(), x, matrix, vector)


def dense(
    builder: GraphBuilder,
    x: Node,
    prefix: str,
    suffix: str,
    width: int,
    function: ops.Function = ops.Function.NONE,
) -> Node:
    """function(x W + b) with parameters ``prefix_Wsuffix``, ``prefix_bsuffix``. x [m, k] -> [m, width]"""
    y = affine(builder, x, f"{prefix}_W{suffix}", f"{prefix}_b{suffix}", width)
    return y if function is ops.Function.NONE else builder.add(ops.Activate(function), y)


def norm(
    builder: GraphBuilder,
    x: Node,
    scale: str,
    bias: str | None,
    epsilon: float = _TRANSFORMER_EPSILON,
    kind: ops.NormKind = ops.NormKind.LAYER,
) -> Node:
    """Norm of each row with named vectors [1, n]. x [m, n] -> [m, n]"""
    gain = builder.parameter(scale, 1, columns(x))
    shift = None if bias is None else builder.parameter(bias, 1, columns(x))
    return builder.add(ops.Normalize(kind, epsilon), x, gain, shift)


def preprocess(builder: GraphBuilder, prefix: str, operations: str, x: Node) -> Node:
    """What is done to the input of a sub-layer, from left to right; norms are named ``prefix_.._pre``."""
    for operation in operations:
        x = _named_norm(builder, prefix, operation, "_pre", x)
    return x


def postprocess(builder: GraphBuilder, prefix: str, operations: str, y: Node, x: Node) -> Node:
    """What is done to the output y of a sub-layer with input x, from left to right: a adds x; h mixes y and x
    by a gate of parameters ``prefix_Wh``, ``prefix_bh``; n and r normalise. Both [m, n]."""
    for operation in operations:
        if operation == "a":
            y = builder.add(ops.Add(), y, x)
        elif operation == "h":
            y = builder.add(ops.Mix(), dense(builder, x, prefix, "h", columns(x)), y, x)
        else:
            y = _named_norm(builder, prefix, operation, "", y)
    return y


def _named_norm(builder: GraphBuilder, prefix: str, operation: str, suffix: str, x: Node) -> Node:
    names = _NORMS[operation]
    bias = f"{prefix}{names.bias}{suffix}" if names.bias else None
    return norm(builder, x, f"{prefix}{names.scale}{suffix}", bias, kind=names.kind)


def table(builder: GraphBuilder, name: str, dim_emb: int) -> Node:
    """An embedding table [V, dim_emb]."""
    return builder.parameter(name, Symbol.CANDIDATES, dim_emb)


def output_layer(builder: GraphBuilder, config: ModelConfig, x: Node) -> Node:
    """Logits of x [ROWS, k] (``src/layers/output.cpp``). -> [ROWS, CANDIDATES]"""
    tables = config.tables
    rows, width = (
        (Symbol.CANDIDATES, columns(x)) if tables.output_transposed else (columns(x), Symbol.CANDIDATES)
    )
    matrix = builder.parameter(tables.output, rows, width)
    bias = None if tables.bias is None else builder.parameter(tables.bias, 1, Symbol.CANDIDATES)
    return builder.add(ops.Logits(tables.output_transposed), x, matrix, bias)
