"""The builder: equal operations are one node, shapes must fit, phases and scans are kept."""

from __future__ import annotations

import pytest

from dragoman.graph import ops
from dragoman.graph.extents import Extents, Symbol, evaluate
from dragoman.graph.graph import GraphBuilder, Node, Phase


def embedded(builder: GraphBuilder) -> Node:
    return builder.add(ops.SourceEmbedding(1.0, False), builder.parameter("Wemb", Symbol.CANDIDATES, 8))


def test_equal_operations_are_one_node_in_a_phase() -> None:
    builder = GraphBuilder("test")
    with builder.phase(Phase.ENCODE):
        x = embedded(builder)
        first = builder.add(ops.Activate(ops.Function.RELU), x)
        assert builder.add(ops.Activate(ops.Function.RELU), x) is first
        assert builder.add(ops.Activate(ops.Function.TANH), x) is not first
    with builder.phase(Phase.PRIME):
        assert builder.add(ops.Activate(ops.Function.RELU), x) is not first
    assert builder.parameter("Wemb", Symbol.CANDIDATES, 8) is builder.parameter("Wemb", Symbol.CANDIDATES, 8)


def test_states_are_never_merged() -> None:
    builder = GraphBuilder("test")
    with builder.phase(Phase.STEP):
        assert builder.add(ops.State("a", 8)) is not builder.add(ops.State("a", 8))


@pytest.mark.parametrize(
    ("op", "shapes"),
    [
        (ops.Product(), [(Symbol.TOKENS, 8), (9, 4), None]),
        (ops.Product(), [(Symbol.TOKENS, 8), (8, 4), (1, 5)]),
        (ops.Product(transposed=True), [(Symbol.TOKENS, 8), (8, 4), None]),
        (ops.Logits(), [(Symbol.ROWS, 8), (Symbol.CANDIDATES, 9), None]),
        (ops.Normalize(ops.NormKind.LAYER, 1e-6), [(Symbol.ROWS, 8), (1, 9), None]),
        (ops.Add(), [(Symbol.ROWS, 8), (Symbol.TOKENS, 8)]),
        (ops.Mix(), [(Symbol.ROWS, 8), (Symbol.ROWS, 8), (Symbol.ROWS, 9)]),
        (ops.CrossAttention(2, False), [(Symbol.ROWS, 8), (Symbol.TOKENS, 8), (Symbol.TOKENS, 9)]),
        (ops.Columns(4, 5), [(Symbol.ROWS, 8)]),
        (ops.Columns(-1, 5), [(Symbol.ROWS, 8)]),
        (ops.StateStart("s", 8), [(Symbol.ROWS, 8)]),
        (ops.Gru(False), [None, (Symbol.ROWS, 16), (Symbol.ROWS, 8), None]),
        (ops.Lstm(), [None, (Symbol.ROWS, 24), (Symbol.ROWS, 8), None]),
        (ops.Concatenate(), [(Symbol.ROWS, 8), (Symbol.TOKENS, 8)]),
        (ops.Activate(ops.Function.RELU), [None]),
        (ops.Parameter(("a", "b"), 1, (8, Symbol.CANDIDATES)), []),
        (
            ops.AdditiveAttention(False),
            [(Symbol.ROWS, 8), (Symbol.TOKENS, 8), (Symbol.TOKENS, 8), (9, 1)],
        ),
    ],
    ids=lambda x: type(x).__name__,
)
def test_shapes_that_do_not_fit_are_refused(op: ops.Op, shapes: list[ops.Shape | None]) -> None:
    with pytest.raises(ops.GraphError):
        op.shape(shapes)


def test_additions_need_a_phase_and_the_right_inputs() -> None:
    builder = GraphBuilder("test")
    with pytest.raises(ops.GraphError, match="phase"):
        builder.add(ops.State("a", 8))
    with builder.phase(Phase.ENCODE):
        x = embedded(builder)
        with pytest.raises(ops.GraphError, match="inputs"):
            builder.add(ops.Activate(ops.Function.RELU), x, x)


def test_scans_lie_in_the_encoder_and_are_counted() -> None:
    builder = GraphBuilder("test")
    with pytest.raises(ops.GraphError, match="scan"), builder.scan(backward=False):
        pass
    with builder.phase(Phase.ENCODE):
        x = embedded(builder)
        nodes = []
        for backward in (False, True):
            with builder.scan(backward=backward):
                nodes.append(builder.add(ops.ScanRead(), x))
                with pytest.raises(ops.GraphError, match="scan"), builder.scan(backward=False):
                    pass
        assert [node.scan and (node.scan.number, node.scan.backward) for node in nodes] == [
            (0, False),
            (1, True),
        ]
        assert builder.add(ops.Activate(ops.Function.RELU), x).scan is None


def test_parameters_of_a_graph() -> None:
    builder = GraphBuilder("test")
    bias = builder.parameter(("", "b"), 1, (16, 8))
    assert bias.shape == (1, 24)
    with builder.phase(Phase.STEP):
        x = builder.add(ops.State("a", 8))
        table = builder.parameter("Wemb", Symbol.CANDIDATES, 8)
        graph = builder.build(
            builder.add(ops.Logits(), x, table, builder.parameter("c", 1, Symbol.CANDIDATES))
        )
    assert graph.parameters() == {
        "b": (1, 8),
        "Wemb": (Symbol.CANDIDATES, 8),
        "c": (1, Symbol.CANDIDATES),
    }
    assert str(graph.nodes[graph.logits]) == f"%{graph.logits}"


def test_extents_are_numbers_of_symbols() -> None:
    extents = Extents.of({symbol: index for index, symbol in enumerate(Symbol)})
    assert len(extents) == len(Symbol) and list(extents) == list(Symbol)
    assert evaluate(Symbol.SENTENCES, extents) == 1 and evaluate(7, extents) == 7
