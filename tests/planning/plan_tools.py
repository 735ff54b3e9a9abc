"""What the planner's tests share: precisions with Marian's equal alphas, compiled plans, random batches."""

from __future__ import annotations

import functools

import hypothesis.strategies as st
from graphs import all_graphs

from dragoman.graph.extents import Extents
from dragoman.graph.graph import Graph
from dragoman.planning.batch_extents import extents_of_batch, groups
from dragoman.planning.lowering.lower import Precisions, compile_graph
from dragoman.planning.plan import Plan
from dragoman.planning.records import Precision

GRAPHS = all_graphs()


def precisions(graph: Graph, precision: Precision) -> Precisions:
    """As in Marian's files: products of one input have equal alphas. Query, key and value; keys and values of
    all cross-attentions; the two matrices of an SSRU."""
    found = {}
    for name in graph.parameters():
        if name.endswith(("_q_W", "_k_W", "_v_W", "_Wq", "_Wk", "_Wv")):
            query = name.endswith(("_q_W", "_Wq"))
            found[name] = "context" if "context" in name and not query else name.rstrip("_Wqkv")
        if "_rnn" in name and name.endswith(("_W", "_Wf")):
            found[name] = name.split("_rnn")[0] + "_rnn"
    return Precisions(precision, alphas=found)


@functools.cache
def compiled(name: str, precision: Precision) -> Plan:
    return compile_graph(GRAPHS[name], precisions(GRAPHS[name], precision))


@st.composite
def batches(draw: st.DrawFn) -> Extents:
    """Extents of batches as they come: any lengths, beams, shortlists, with and without alignment."""
    lengths = sorted(draw(st.lists(st.integers(1, 200), min_size=1, max_size=40)), reverse=True)
    union = draw(st.sampled_from([0, 1, 40, 512, 3000]))
    return extents_of_batch(
        lengths,
        groups(lengths, draw(st.sampled_from([1, 32, 96]))),
        beam_size=draw(st.integers(1, 8)),
        target_limits=[draw(st.integers(1, 3)) * length for length in lengths],
        vocabulary_size=draw(st.sampled_from([40, 8000, 32000])),
        union_size=union,
        alignment=draw(st.booleans()),
    )
