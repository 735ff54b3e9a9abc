"""Plans by architecture: models whose graphs and precisions are equal share one plan.

The only state of this package: one process-wide table, never emptied. A plan is some hundred small records,
and a process sees few architectures, however many models it loads.
"""

from __future__ import annotations

import hashlib
import threading

from dragoman.graph import ops
from dragoman.graph.graph import Graph
from dragoman.planning.lowering.lower import compile_graph
from dragoman.planning.plan import Plan
from dragoman.planning.precisions import Precisions

__all__ = ["architecture_signature", "plan_for"]

_plans: dict[str, Plan] = {}
_lock = threading.Lock()


def architecture_signature(graph: Graph, precisions: Precisions) -> str:
    """Hex digest of all that decides a plan: the nodes and the precisions, but neither the graph's name nor
    the names of alpha groups. Of alphas it counts only which products of one input have equal ones."""
    floats = sorted(precisions.floats & graph.parameters().keys())
    content = (graph.nodes, graph.logits, precisions.default, floats, _partition(graph, precisions))
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _partition(graph: Graph, precisions: Precisions) -> list[tuple[int, int]]:
    """For each product the number of its input, and of that input's first product with the same alpha."""
    first: dict[tuple[int, str | None], int] = {}
    found = []
    for node in graph.nodes:
        source, weight = (*node.inputs, None, None)[:2]
        if source is None or weight is None or not isinstance(node.op, ops.Product | ops.Logits):
            continue
        while isinstance(graph.nodes[source].op, ops.Columns):
            source = graph.nodes[source].inputs[0] or 0
        op = graph.nodes[weight].op
        group = precisions.alpha_group(op.names) if isinstance(op, ops.Parameter) else None
        found.append((source, first.setdefault((source, group), node.number)))
    return found


def plan_for(graph: Graph, precisions: Precisions) -> Plan:
    """The plan of an architecture, compiled at most once. May be called from any thread.

    Raises PlanError as `compile_graph` does; a failure is not remembered.
    """
    signature = architecture_signature(graph, precisions)
    plan = _plans.get(signature)
    if plan is not None:
        return plan
    with _lock:  # compiling takes some 50 ms: whoever wants the same plan waits for it
        plan = _plans.get(signature)
        if plan is None:
            plan = _plans[signature] = compile_graph(graph, precisions)
    return plan
