"""From a config to a graph, and from a graph to what its model file must hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from dragoman.architectures.config import ModelConfig
from dragoman.architectures.names import NamedGraphBuilder
from dragoman.architectures.rnn import build_rnn
from dragoman.architectures.transformer import build_transformer
from dragoman.architectures.transformer_config import TransformerConfig
from dragoman.errors import ModelFormatError
from dragoman.graph.extents import Dimension, Symbol
from dragoman.graph.graph import Graph, GraphBuilder

__all__ = ["build_graph", "check_parameters"]


def build_graph(config: ModelConfig) -> Graph:
    """The expression graph. Its parameters carry the names of the model's file."""
    if isinstance(config.family, TransformerConfig):
        builder = GraphBuilder(_describe(config))
        return builder.build(build_transformer(builder, config, config.family))
    builder = NamedGraphBuilder(_describe(config)) if config.nematus_names else GraphBuilder(_describe(config))
    return builder.build(build_rnn(builder, config, config.family))


def check_parameters(
    graph: Graph,
    shapes: Mapping[str, tuple[int, ...]],
    config: ModelConfig,
    *,
    path: Path = Path("model"),
    unread: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """Whether a file holds what the graph needs.

    Args:
        graph: of the config.
        shapes: logical ones of the file's tensors: [in, out] or [V, D]; a vector [1, n] or [n].
        config: that the graph was drawn from.
        path: of the file, for messages.
        unread: items of the file that cannot be parameters, and why.

    Returns:
        Names of tensors that the graph does not need, sorted: of a pre-trained model, or a training's leftovers.
        Marian does not mind them either.

    Raises:
        ModelFormatError: a parameter is missing or of another shape; tables disagree on V.
    """
    vocabulary: dict[str, int] = {}
    needed = graph.parameters()
    for name, expected in needed.items():
        found = shapes.get(name)
        if found is None:
            problem = f"the parameter cannot be used: {unread[name]}" if name in unread else "the parameter is missing"
            raise ModelFormatError(path, problem, parameter=name, expected=_shown(expected))
        if expected[0] == 1 and len(found) == 1:
            found = (1, *found)
        if len(found) != 2 or not all(
            _fits(wanted, size) for wanted, size in zip(expected, found, strict=True)
        ):
            raise ModelFormatError(
                path,
                "the parameter has another shape",
                parameter=name,
                expected=_shown(expected),
                found=found,
            )
        if Symbol.CANDIDATES in expected:
            vocabulary[name] = found[expected.index(Symbol.CANDIDATES)]
    _check_vocabulary(path, config, vocabulary)
    return sorted(shapes.keys() - needed.keys())


def _check_vocabulary(path: Path, config: ModelConfig, sizes: Mapping[str, int]) -> None:
    """The target table, the output matrix and its bias speak of one vocabulary."""
    tables = config.tables
    output = config.stored(tables.output)
    for name in (tables.target, tables.bias):
        known = name and config.stored(name)
        if known and sizes[known] != sizes[output]:
            raise ModelFormatError(
                path,
                f"it must have as many entries as {output}",
                parameter=known,
                expected=sizes[output],
                found=sizes[known],
            )


def _fits(wanted: Dimension, size: int) -> bool:
    return size >= 1 if isinstance(wanted, Symbol) else size == wanted


def _shown(expected: tuple[Dimension, Dimension]) -> str:
    return f"[{', '.join('V' if isinstance(size, Symbol) else str(size) for size in expected)}]"


def _describe(config: ModelConfig) -> str:
    """A short name for people."""
    depths = f"{config.enc_depth}-{config.dec_depth}"
    if isinstance(config.family, TransformerConfig):
        cell = config.family.cell
        kind = cell.kind if cell else config.family.autoregressive
        return f"transformer-{depths}-{config.dim_emb}-{config.family.encoder_stack.width}-{kind}"
    family = config.family
    return f"{config.type}-{depths}-{config.dim_emb}-{family.dim_rnn}-{family.decoder_cell.kind}"
