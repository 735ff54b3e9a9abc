"""Decides which operations of a graph become one instruction.

- products of one input become one product with a wider matrix (query, key and value);
- an activation right after a product is done by the product;
- a sum that is normalised is added by the norm;
- a result that integer products read is quantised by the kernel that computes it, where that kernel can.
"""

from __future__ import annotations

from dataclasses import dataclass

from dragoman.errors import PlanError
from dragoman.graph import ops
from dragoman.graph.graph import Node
from dragoman.planning.lowering.facts import Facts, Key
from dragoman.planning.precisions import Precisions
from dragoman.planning.records import Precision

JOINED_MULTIPLE = 16
"""Parts of a joined product start on multiples of 16 floats, so that each is as well aligned as a value of
its own."""


@dataclass(frozen=True)
class Fusions:
    """The decisions, by node number.

    Attributes:
        activations: product -> the activation it applies.
        norms: sum -> the norm that adds it.
        joined: product -> all products of its instruction, in order of columns (itself alone if not joined).
        fused_readers: value -> the integer product (or logits) that its own kernel quantises it for.
        floats: values that someone reads as floats.
    """

    activations: dict[int, Node]
    norms: dict[int, Node]
    joined: dict[int, tuple[Node, ...]]
    fused_readers: dict[Key, Node]
    floats: frozenset[Key]

    def result(self, product: Node) -> Node:
        """The node whose value a product's instruction writes."""
        return self.activations.get(product.number, product)


def weight_names(facts: Facts, node: Node) -> tuple[str, ...]:
    """Parameters of the matrix of a product or of the output layer."""
    op = facts.node(node.inputs[1]).op
    if not isinstance(op, ops.Parameter):
        raise PlanError(f"node {node} multiplies by something that is not a parameter.")
    return op.names


def fuse(facts: Facts, precisions: Precisions) -> Fusions:
    """All decisions for one graph."""
    activations: dict[int, Node] = {}
    norms: dict[int, Node] = {}
    for node in facts.live:
        if isinstance(node.op, ops.Product):
            activation = facts.sole_reader(node, ops.Activate)
            if activation is not None:
                activations[node.number] = activation
        elif isinstance(node.op, ops.Add):
            for reader, position in facts.readers[node.number]:
                same_place = (reader.phase, reader.scan) == (node.phase, node.scan)
                if isinstance(reader.op, ops.Normalize) and position == 0 and same_place:
                    norms[node.number] = reader
                    break
    joined = _join_products(facts, precisions, activations)
    fused_readers, floats = _quantise(facts, precisions, activations, norms, joined)
    return Fusions(activations, norms, joined, fused_readers, floats)


def _join_products(
    facts: Facts, precisions: Precisions, activations: dict[int, Node]
) -> dict[int, tuple[Node, ...]]:
    groups: dict[tuple[object, ...], list[Node]] = {}
    scans = 0
    for node in facts.live:
        if node.scan is not None:
            scans = node.scan.number + 1
        if not isinstance(node.op, ops.Product):
            continue
        names = weight_names(facts, node)
        activation = activations.get(node.number)
        # Products before and after a loop over positions stay apart: joined, both results would outlive it.
        key: tuple[object, ...] = (
            node.inputs[0], node.phase, node.scan, scans, node.op.transposed, precisions.of(names),
            precisions.alpha_group(names), activation.op if activation else None, facts.stored_rows(node),
        )  # fmt: skip
        if _feeds_cross_attention(facts, node) or not _aligned(node):
            key = (node.number,)
        groups.setdefault(key, []).append(node)
    return {node.number: tuple(group) for group in groups.values() for node in group}


def _feeds_cross_attention(facts: Facts, node: Node) -> bool:
    """Keys and values of cross-attention are computed apart: keys are packed at once and their row-major form
    dropped, values live to the end of the batch; and joining layers would only hold more at a time (a product
    of 96 tokens is no faster for being wider)."""
    return any(
        isinstance(reader.op, ops.CrossAttention) and position > 0
        for reader, position in facts.value_readers(node.number)
    )


def _aligned(node: Node) -> bool:
    return isinstance(node.shape[1], int) and node.shape[1] % JOINED_MULTIPLE == 0


def _quantise(
    facts: Facts,
    precisions: Precisions,
    activations: dict[int, Node],
    norms: dict[int, Node],
    joined: dict[int, tuple[Node, ...]],
) -> tuple[dict[Key, Node], frozenset[Key]]:
    """Who is quantised by its own kernel, for which reader, and whose floats somebody needs."""
    products = {activation.number: product for product, activation in activations.items()}

    def can_quantise(key: Key) -> bool:
        node = facts.node(key[0])
        product = facts.node(products.get(node.number, node.number))
        if isinstance(product.op, ops.Product):
            integer = precisions.of(weight_names(facts, product)) is not Precision.FLOAT32
            return integer and len(joined[product.number]) == 1
        return isinstance(
            node.op, ops.Normalize | ops.SelfAttention | ops.CrossAttention | ops.CachedAttention
        )

    readers: dict[Key, Node] = {}
    floats: set[Key] = set()
    for node in facts.live:
        if isinstance(node.op, ops.Columns):
            continue
        for position, number in enumerate(node.inputs):
            if number is None or isinstance(facts.node(number).op, ops.Parameter):
                continue
            if position == 0 and (products.get(node.number) == number or norms.get(number) == node):
                continue
            view = facts.view(number)
            if position == 0 and view.whole and isinstance(node.op, ops.Product | ops.Logits):
                group = precisions.alpha_group(weight_names(facts, node))
                if group is not None and can_quantise(view.key):
                    first = readers.setdefault(view.key, node)
                    if precisions.alpha_group(weight_names(facts, first)) == group:
                        continue
            floats.add(view.key)
    return readers, frozenset(floats)
