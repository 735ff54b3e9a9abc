"""Cells against their formulas, one number at a time, written without the graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from architectures.evaluator import Array, Evaluator
from random_models import FAMILIES, make_model

from dragoman.architectures.build import build_graph
from dragoman.architectures.cells import CellState, make_cell
from dragoman.architectures.config import read_config
from dragoman.architectures.rnn_config import CellConfig, CellKind
from dragoman.graph import ops
from dragoman.graph.extents import Symbol
from dragoman.graph.graph import GraphBuilder, Node, Phase

IN, R = 5, 6


def sig(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def layer_norm(x: Array, gain: Array, shift: Array | float = 0, epsilon: float = 1e-9) -> Array:
    return np.asarray(gain * (x - x.mean()) / np.sqrt(x.var() + epsilon) + shift)


def gru(p: dict[str, Array], x: Array, h: Array, c: Array, *, final: bool) -> tuple[Array, Array]:
    r = sig(x @ p["W"][:, :R] + h @ p["U"][:, :R] + p["b"][0, :R])
    z = sig(x @ p["W"][:, R:] + h @ p["U"][:, R:] + p["b"][0, R:])
    bias = p["bx"][0]
    candidate = r * (h @ p["Ux"] + bias) if final else r * (h @ p["Ux"]) + bias
    return (1 - z) * np.tanh(x @ p["Wx"] + candidate) + z * h, c


def gru_normed(p: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    xs = layer_norm(np.concatenate([x @ p["W"], x @ p["Wx"]]), p["gamma1"][0])
    hs = layer_norm(np.concatenate([h @ p["U"], h @ p["Ux"]]), p["gamma2"][0])
    b = np.concatenate([p["b"][0], p["bx"][0]])
    r, z = sig(xs[:R] + hs[:R] + b[:R]), sig(xs[R : 2 * R] + hs[R : 2 * R] + b[R : 2 * R])
    return (1 - z) * np.tanh(xs[2 * R :] + r * hs[2 * R :] + b[2 * R :]) + z * h, c


def gru_nematus_normed(p: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    def normed(value: Array, name: str) -> Array:
        return layer_norm(value, p[f"{name}_lns"][0], p[f"{name}_lnb"][0], 1e-5)

    xs = normed(x @ p["W"] + p["b"][0], "W") + normed(h @ p["U"], "U")
    r, z = sig(xs[:R]), sig(xs[R:])
    return (1 - z) * np.tanh(
        normed(x @ p["Wx"] + p["bx"][0], "Wx") + r * normed(h @ p["Ux"], "Ux")
    ) + z * h, c


def lstm(p: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    f, i, g, o = np.split(x @ p["W"] + h @ p["U"] + p["b"][0], 4)
    memory = sig(f) * c + sig(i) * np.tanh(g)
    return sig(o) * np.tanh(memory), memory


def mlstm(p: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    return lstm(p, x, (x @ p["Wm"] + p["bwm"][0]) * (h @ p["Um"] + p["bm"][0]), c)


def mgru(p: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    return gru(p, x, (x @ p["Wm"] + p["bwm"][0]) * (h @ p["Um"] + p["bm"][0]), c, final=False)


def relu_normed(p: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    total = layer_norm(x @ p["W"], p["gamma1"][0]) + layer_norm(h @ p["U"], p["gamma2"][0]) + p["b"][0]
    return np.maximum(total, 0), c


def ssru(p: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    f = sig(x @ p["Wf"] + p["bf"][0])
    memory = f * c + (1 - f) * (x @ p["W"])
    return np.maximum(memory, 0), memory


def sru_normed(p: dict[str, Array], x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    f = sig(layer_norm(x @ p["Wf"], p["gammaf"][0], p["bf"][0]))
    r = sig(layer_norm(x @ p["Wr"], p["gammar"][0], p["br"][0]))
    memory = f * c + (1 - f) * layer_norm(x @ p["W"], p["gamma"][0])
    return r * np.tanh(memory) + (1 - r) * x, memory


Formula = Callable[[dict[str, Array], Array, Array, Array], tuple[Array, Array]]
CASES: list[tuple[CellKind, bool, bool, Formula]] = [
    ("gru", False, False, lambda p, x, h, c: gru(p, x, h, c, final=False)),
    ("gru", False, True, lambda p, x, h, c: gru(p, x, h, c, final=True)),
    ("gru", True, False, gru_normed),
    ("gru-nematus", False, True, lambda p, x, h, c: gru(p, x, h, c, final=True)),
    ("gru-nematus", True, False, gru_nematus_normed),
    ("lstm", False, False, lstm),
    ("mlstm", False, False, mlstm),
    ("mgru", False, False, mgru),
    ("tanh", False, False, lambda p, x, h, c: (np.tanh(x @ p["W"] + h @ p["U"] + p["b"][0]), c)),
    ("relu", True, False, relu_normed),
    ("ssru", False, False, ssru),
    ("sru", True, False, sru_normed),
]


@pytest.mark.parametrize(("kind", "normalize", "final", "formula"), CASES)
def test_cell_follows_its_formula(kind: CellKind, normalize: bool, final: bool, formula: Formula) -> None:
    """One step from a random state on a random input."""
    width = R if kind in ("ssru", "sru") else IN
    builder = GraphBuilder("cell")
    with builder.phase(Phase.STEP):
        x, h, c = (builder.add(ops.State(name, size)) for name, size in (("x", width), ("h", R), ("c", R)))
        cell = make_cell(builder, CellConfig(kind, normalize), "p", R, final=final)
        state = cell.step(cell.project(x), CellState(h, c))
        output = [node for node in (state.hidden, state.memory) if node is not None]
        assert len(output) == 2
        both = builder.add(ops.Concatenate(), *output)
        table = builder.parameter("identity", Symbol.CANDIDATES, 2 * R)
        graph = builder.build(builder.add(ops.Logits(), both, table))
    rng = np.random.default_rng(5)
    arrays = {name: rng.standard_normal(_size(shape)) for name, shape in graph.parameters().items()}
    arrays["identity"] = np.eye(2 * R)
    values = [rng.standard_normal(size) for size in (width, R, R)]
    evaluator = Evaluator(graph, arrays, [], np.float64)
    evaluator.states.update({name: value[None] for name, value in zip("xhc", values, strict=True)})
    expected = formula({name.removeprefix("p_"): value for name, value in arrays.items()}, *values)
    np.testing.assert_allclose(evaluator.step()[0], np.concatenate(expected), rtol=1e-12, atol=1e-12)


def _size(shape: tuple[object, object]) -> tuple[int, int]:
    rows, columns = (2 * R if isinstance(size, Symbol) else size for size in shape)
    assert isinstance(rows, int) and isinstance(columns, int)
    return rows, columns


def test_a_transition_has_no_input() -> None:
    builder = GraphBuilder("transition")
    names: set[str] = set()
    with builder.phase(Phase.STEP):
        h, c = (builder.add(ops.State(name, R)) for name in "hc")
        for kind in ("gru", "lstm", "tanh", "gru-nematus"):
            cell = make_cell(builder, CellConfig(kind, kind == "gru-nematus"), f"decoder_{kind}", R)
            after: Node | None = cell.step((), CellState(h, c)).hidden
            assert after is not None and after.shape == (Symbol.ROWS, R)
            graph = builder.build(after)
            names |= set(graph.parameters())
    assert not any("_W" in name or "gamma1" in name for name in names)


def test_ssru_decoder_by_hand() -> None:
    """The recurrent part of a whole model's first decoder layer, from ids to states, over three steps."""
    options, arrays = make_model(FAMILIES["ssru"] | {"dec-depth": 1, "enc-depth": 1}, seed=2)
    graph = build_graph(read_config(options, {}, compat="trained"))
    evaluator = Evaluator(graph, arrays, [5, 0], np.float64)
    width = 24
    rates = np.exp(-np.arange(width // 2) * np.log(10000) / (width // 2 - 1))
    p = {name.removeprefix("decoder_l1_rnn_"): array.astype(float) for name, array in arrays.items()}
    c = np.zeros(width)
    for position, token in enumerate((None, 7, 3)):
        evaluator.step(None if token is None else [token])
        angles = position * rates
        x = np.concatenate([np.sin(angles), np.cos(angles)])
        if token is not None:
            x = x + np.sqrt(width) * arrays["Wemb"][token].astype(float)
        _, c = ssru(p, x, c, c)
        np.testing.assert_allclose(evaluator.states["decoder_l1_rnn_cell"][0], c, rtol=1e-9, atol=1e-9)
