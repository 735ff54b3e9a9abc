"""The printed form of a graph."""

from __future__ import annotations

from random_models import FAMILIES, make_model

from dragoman.architectures.build import build_graph
from dragoman.architectures.config import read_config
from dragoman.graph.graph import Graph
from dragoman.graph.show import show


def build(name: str) -> Graph:
    return build_graph(read_config(make_model(FAMILIES[name])[0], {}, compat="trained"))


def test_one_line_a_node_under_its_phase() -> None:
    graph = build("ssru")
    text = show(graph)
    for heading in ("parameters:", "encode:", "prime:", "step:"):
        assert text.count(f"\n{heading}\n") == 1
    lines = [line.split()[0] for line in text.splitlines() if line.lstrip().startswith("%")]
    assert sorted(lines) == sorted(f"%{number}" for number in range(len(graph.nodes)))


def test_a_line_says_shape_inputs_and_settings() -> None:
    text = show(build("ssru"))
    assert "[C, 24]      Wemb\n" in text
    assert "SourceEmbedding(Wemb, scale=4.89898, positions=True)" in text
    assert "Normalize(%" in text and "kind=layer, epsilon=1e-06" in text
    assert "StateStart(state=decoder_l1_rnn_cell, columns=24)" in text
    assert "[R, C]       Logits(%" in text


def test_scans_and_joined_parameters() -> None:
    text = show(build("s2s-gru"))
    assert "  scan 0, forward:\n    %" in text
    assert "  scan 1, backward:\n    %" in text
    assert "encoder_bi_W | encoder_bi_Wx" in text
    assert "Gru(%" in text and "final=True" in text
