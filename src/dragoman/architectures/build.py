"""From a config to a graph, and from a graph to what its model file must hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dragoman.architectures.config import ModelConfig
from dragoman.architectures.names import NamedGraphBuilder, file_name
from dragoman.architectures.rnn import build_rnn
from dragoman.architectures.rnn_config import RnnConfig
from dragoman.architectures.transformer import build_transformer
from dragoman.architectures.transformer_config import TransformerConfig
from dragoman.errors import ModelFormatError
from dragoman.graph.extents import Dimension, Symbol
from dragoman.graph.graph import Graph, GraphBuilder

__all__ = ["IGNORED_PARAMETERS", "build_graph", "check_parameters"]

IGNORED_PARAMETERS = frozenset({"decoder_c_tt", "uidx", "history_errs"})
"""Items of old amun and nematus files that mean nothing."""

_ALPHA_SUFFIX = "_QuantMultA"


def build_graph(config: ModelConfig) -> Graph:
    """The expression graph. Its parameters carry the names of the model's file."""
    if isinstance(config.family, TransformerConfig):
        builder = GraphBuilder(_describe(config))
        return builder.build(build_transformer(builder, config, config.family))
    builder = (
        NamedGraphBuilder(_describe(config))
        if config.family.nematus_names
        else GraphBuilder(_describe(config))
    )
    return builder.build(build_rnn(builder, config, config.family))


def check_parameters(
    graph: Graph, shapes: Mapping[str, tuple[int, ...]], config: ModelConfig, *, path: Path | None = None
) -> None:
    """Whether a file holds exactly what the graph needs.

    Args:
        graph: of the config.
        shapes: logical ones of the file's tensors: [in, out] or [V, D]; a vector [1, n] or [n].
        config: that the graph was drawn from.
        path: of the file, for messages.

    Raises:
        ModelFormatError: a parameter is missing, unknown, or of another shape; tables disagree on V.
    """
    where = path or Path("model")
    vocabulary: dict[str, int] = {}
    needed = graph.parameters()
    for name, expected in needed.items():
        found = shapes.get(name)
        if found is None:
            raise ModelFormatError(
                where, "the parameter is missing", parameter=name, expected=_shown(expected)
            )
        if expected[0] == 1 and len(found) == 1:
            found = (1, *found)
        if len(found) != 2 or not all(
            _fits(wanted, size) for wanted, size in zip(expected, found, strict=True)
        ):
            raise ModelFormatError(
                where,
                "the parameter has another shape",
                parameter=name,
                expected=_shown(expected),
                found=found,
            )
        if Symbol.CANDIDATES in expected:
            vocabulary[name] = found[expected.index(Symbol.CANDIDATES)]
    _check_vocabulary(where, config, vocabulary)
    for name in sorted(shapes):
        if name not in needed and name not in IGNORED_PARAMETERS and not name.endswith(_ALPHA_SUFFIX):
            raise ModelFormatError(
                where, "the parameter is unknown to this architecture", parameter=name, found=shapes[name]
            )


def _check_vocabulary(where: Path, config: ModelConfig, sizes: Mapping[str, int]) -> None:
    """The target table, the output matrix and its bias speak of one vocabulary."""
    tables = config.tables
    renamed = isinstance(config.family, RnnConfig) and config.family.nematus_names
    output = file_name(tables.output) if renamed else tables.output
    for name in (tables.target, tables.bias):
        known = name and (file_name(name) if renamed else name)
        if known and sizes[known] != sizes[output]:
            raise ModelFormatError(
                where,
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
