"""Prints a graph for people: a line a node, a heading a phase."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from enum import Enum

from dragoman.graph.extents import Dimension
from dragoman.graph.graph import Graph, Node, Phase
from dragoman.graph.ops import Parameter

__all__ = ["show"]


def show(graph: Graph) -> str:
    """The whole graph as text: parameters and their shapes, then what each phase computes."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    parameters = [node for node in graph.nodes if isinstance(node.op, Parameter)]
    yield f"graph {graph.name}: {len(graph.nodes)} nodes, logits %{graph.logits}"
    for title, nodes in (
        ("parameters", parameters),
        *((phase.value, [node for node in graph.nodes if node.phase is phase]) for phase in Phase),
    ):
        yield ""
        yield f"{title}:"
        scan = None
        for node in nodes:
            if node.scan != scan and node.scan is not None:
                yield f"  scan {node.scan.number}, {'backward' if node.scan.backward else 'forward'}:"
            scan = node.scan
            yield ("    " if scan else "  ") + _line(graph, node)


def _line(graph: Graph, node: Node) -> str:
    shape = f"[{_dimension(node.shape[0])}, {_dimension(node.shape[1])}]"
    if isinstance(node.op, Parameter):
        return f"%{node.number:<4} {shape:<12} {_parameter(node.op)}"
    arguments = [_argument(graph, number) for number in node.inputs]
    while arguments and arguments[-1] == "none":
        arguments.pop()
    arguments += [f"{name}={value}" for name, value in _settings(node)]
    return f"%{node.number:<4} {shape:<12} {type(node.op).__name__}({', '.join(arguments)})"


def _argument(graph: Graph, number: int | None) -> str:
    """A value by its number, a parameter by its name."""
    if number is None:
        return "none"
    op = graph.nodes[number].op
    return _parameter(op) if isinstance(op, Parameter) else f"%{number}"


def _parameter(op: Parameter) -> str:
    return " | ".join(name or "zeros" for name in op.names)


def _settings(node: Node) -> Iterator[tuple[str, str]]:
    """Fields of the operation that say something: no false flags."""
    for field in fields(node.op):
        value = getattr(node.op, field.name)
        if value is not False:
            yield field.name, _setting(value)


def _setting(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _dimension(dimension: Dimension) -> str:
    return str(dimension)
