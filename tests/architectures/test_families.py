"""Every family builds a sound graph, whose parameters are exactly those of a model file."""

from __future__ import annotations

import numpy as np
import pytest
from architectures.evaluator import Array, Evaluator
from random_models import FAMILIES, make_model

from dragoman.architectures.build import build_graph, check_parameters
from dragoman.architectures.config import read_config
from dragoman.errors import ModelFormatError
from dragoman.graph import ops
from dragoman.graph.graph import Graph, Phase


def build(name: str, seed: int = 0) -> tuple[Graph, dict[str, Array]]:
    options, arrays = make_model(FAMILIES[name], seed=seed)
    shapes = {parameter: array.shape for parameter, array in arrays.items()}
    config = read_config(options, shapes, compat="trained")
    graph = build_graph(config)
    check_parameters(graph, shapes, config)
    return graph, arrays


@pytest.mark.parametrize("name", FAMILIES)
def test_graph_is_sound(name: str) -> None:
    graph, _ = build(name)
    starts = [node.op.state for node in graph.nodes if isinstance(node.op, ops.StateStart)]
    reads = [node.op.state for node in graph.nodes if isinstance(node.op, ops.State) and not node.op.scan]
    updates = [
        node.op.state
        for node in graph.nodes
        if isinstance(node.op, ops.StateUpdate) and node.phase is Phase.STEP
    ]
    caches = [node.op.state for node in graph.nodes if isinstance(node.op, ops.CachedAttention)]
    assert sorted(starts) == sorted(reads) == sorted(updates)
    assert len(set(starts + caches)) == len(starts + caches)
    alignments = [node for node in graph.nodes if getattr(node.op, "alignment", False)]
    assert len(alignments) == 1
    order = {None: -1, Phase.ENCODE: 0, Phase.PRIME: 1, Phase.STEP: 2}
    for node in graph.nodes:
        for number in node.inputs:
            assert number is None or number < node.number
            assert number is None or order[graph.nodes[number].phase] <= order[node.phase]
    assert graph.nodes[graph.logits].phase is Phase.STEP


@pytest.mark.parametrize("name", FAMILIES)
def test_every_parameter_matters(name: str) -> None:
    """Changing any one parameter changes the translation's scores: nothing is read in vain."""
    graph, arrays = build(name)
    before = scores(graph, arrays)
    assert np.isfinite(before).all()
    for parameter in graph.parameters():
        changed = dict(arrays)
        changed[parameter] = arrays[parameter] * np.linspace(0.5, 1.5, arrays[parameter].size).reshape(
            arrays[parameter].shape
        )
        assert np.abs(scores(graph, changed) - before).max() > 1e-9 or harmless(parameter), parameter


def harmless(parameter: str) -> bool:
    """Key biases shift all scores of a query alike: they cancel in the softmax."""
    return parameter.endswith("_bk")


def scores(graph: Graph, arrays: dict[str, Array]) -> Array:
    evaluator = Evaluator(graph, arrays, [5, 9, 3, 0], np.float64)
    return np.stack([evaluator.log_probabilities(previous) for previous in (None, [4], [7])])


def test_families_use_every_operation() -> None:
    used = {type(node.op) for name in FAMILIES for node in build(name)[0].nodes}
    assert used == set(ops.Op.__subclasses__())


def test_rows_are_independent() -> None:
    """The evaluator's hypotheses do not see each other, and follow their parents."""
    graph, arrays = build("transformer")
    together = Evaluator(graph, arrays, [5, 9, 0], np.float64)
    together.step()
    together.step([4, 7], parents=[0, 0])
    both = together.step([8, 6], parents=[1, 0])
    for row, path in enumerate(([7, 8], [4, 6])):
        alone = Evaluator(graph, arrays, [5, 9, 0], np.float64)
        for previous in (None, [path[0]], [path[1]]):
            logits = alone.step(previous)
        np.testing.assert_allclose(both[row], logits[0], rtol=1e-12, atol=1e-12)


def test_parameters_are_checked() -> None:
    options, arrays = make_model(FAMILIES["transformer"])
    shapes = {name: array.shape for name, array in arrays.items()}
    config = read_config(options, shapes, compat="trained")
    graph = build_graph(config)
    assert check_parameters(graph, shapes, config) == []
    surplus = {"encoder_l9_self_Wq": (24, 24), "bert_pos": (1,)}
    assert check_parameters(graph, shapes | surplus, config) == sorted(surplus), "of a larger pre-trained model"
    for name, shape, problem in (
        ("encoder_l1_self_Wq", None, "missing"),
        ("encoder_l1_self_Wq", (24, 25), "shape"),
        ("encoder_l1_self_bq", (24, 1), "shape"),
        ("decoder_ff_logit_out_b", (1, 36), "as many"),
    ):
        changed = {other: size for other, size in shapes.items() if other != name}
        if shape is not None:
            changed[name] = shape
        with pytest.raises(ModelFormatError, match=problem) as caught:
            check_parameters(graph, changed, config)
        assert caught.value.parameter == name


def test_vocabularies_share_a_graph() -> None:
    graphs = [
        build_graph(read_config(make_model(FAMILIES["ssru"], size)[0], {}, compat="trained"))
        for size in (37, 64)
    ]
    assert graphs[0].nodes == graphs[1].nodes
