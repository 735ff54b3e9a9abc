"""Marian's recurrent options as frozen records (``src/models/{s2s,amun,nematus}.h``, ``src/rnn/cells.h``)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, cast

from dragoman.architectures.options import Options

__all__ = ["CELLS", "CellConfig", "CellKind", "EncoderType", "RnnConfig", "read_rnn"]

CellKind = Literal["gru", "gru-nematus", "lstm", "mlstm", "mgru", "tanh", "relu", "sru", "ssru"]
EncoderType = Literal["bidirectional", "alternating", "bi-unidirectional"]

CELLS: tuple[CellKind, ...] = (
    "gru", "gru-nematus", "lstm", "mlstm", "mgru", "tanh", "relu", "sru", "ssru",
)  # fmt: skip
"""All of Marian's cells, for s2s and for a transformer's rnn decoder."""

_NEED_INPUT = ("mlstm", "mgru", "sru", "ssru")
_EQUAL_WIDTHS = ("sru", "ssru")


@dataclass(frozen=True)
class CellConfig:
    """A recurrent cell. Normalisation: of its products, with parameters named after the cell's kind."""

    kind: CellKind
    normalize: bool

    @classmethod
    def read(cls, options: Options, name: str, allowed: Collection[str]) -> CellConfig:
        kind = options.text(name, "gru", allowed)
        normalize = options.flag("layer-normalization")
        if kind == "tanh" and normalize:
            raise options.refuse(
                "layer-normalization", "Marian's tanh cell has norms of a width that fits nothing."
            )
        return cls(cast(CellKind, kind), normalize)


@dataclass(frozen=True)
class RnnConfig:
    """What only recurrent models have.

    Attributes:
        dim_rnn: width R of a state.
        encoder_type: how the encoder's layers run; `read_rnn` lists what they may combine with.
        encoder_cell, decoder_cell: the cells.
        encoder_cells: cells of one encoder layer, all but the first transitions.
        base_cells: cells of the first decoder layer; the attention lies after the first.
        high_cells: cells of each further decoder layer.
        skip: each layer but the first adds its input to its output.
        normalize: layer norm in the start state, attention and output ("" none, "marian", or "nematus": bias
            before the norm, scale and shift, epsilon 1e-5).
        nematus_names: the file uses the names of Nematus (types amun and nematus).
    """

    dim_rnn: int
    encoder_type: EncoderType
    encoder_cell: CellConfig
    decoder_cell: CellConfig
    encoder_cells: int
    base_cells: int
    high_cells: int
    skip: bool
    normalize: Literal["", "marian", "nematus"]
    nematus_names: bool


def read_rnn(
    options: Options, kind: str, parameters: Collection[str], dim_emb: int, enc_depth: int, dec_depth: int
) -> RnnConfig:
    """Read and check the options of an s2s, amun or nematus model."""
    cells = {"amun": ("gru",), "nematus": ("gru-nematus",)}.get(kind, CELLS)
    types = ("bidirectional", "alternating", "bi-unidirectional") if kind == "s2s" else ("bidirectional",)
    normalize = options.flag("layer-normalization")
    config = RnnConfig(
        dim_rnn=options.count("dim-rnn", 1024),
        encoder_type=cast(EncoderType, options.text("enc-type", "bidirectional", types)),
        encoder_cell=CellConfig.read(options, "enc-cell", cells),
        decoder_cell=CellConfig.read(options, "dec-cell", cells),
        encoder_cells=options.depth("enc-cell-depth"),
        base_cells=options.depth("dec-cell-base-depth", 2),
        high_cells=options.depth("dec-cell-high-depth"),
        skip=options.flag("skip"),
        normalize=("nematus" if kind == "nematus" else "marian") if normalize else "",
        nematus_names=kind != "s2s" and "ff_state_W" in parameters,
    )
    if kind == "amun":
        _check_amun(options, config, enc_depth, dec_depth)
    _check_encoder(options, config, dim_emb, enc_depth)
    _check_decoder(options, config, dim_emb, enc_depth, dec_depth)
    return config


def _check_amun(options: Options, config: RnnConfig, enc_depth: int, dec_depth: int) -> None:
    single = {
        "enc-depth": enc_depth,
        "dec-depth": dec_depth,
        "enc-cell-depth": config.encoder_cells,
        "dec-cell-high-depth": config.high_cells,
        "dec-cell-base-depth": config.base_cells - 1,
    }
    for name, value in single.items():
        if value != 1:
            raise options.refuse(name, "Type amun is shallow: Marian itself refuses this.")
    if config.skip:
        raise options.refuse("skip", "Type amun has no skip connections: Marian itself refuses this.")


def _check_encoder(options: Options, config: RnnConfig, dim_emb: int, enc_depth: int) -> None:
    """Combinations that Marian aborts on, or reads memory it has not written for."""
    kind = config.encoder_cell.kind
    uneven = config.encoder_type == "bi-unidirectional" and enc_depth > 1
    if kind in _NEED_INPUT and config.encoder_cells > 1:
        raise options.refuse("enc-cell-depth", f"A {kind} cell needs an input: no deep transition.")
    if kind in _EQUAL_WIDTHS and (uneven or dim_emb != config.dim_rnn):
        raise options.refuse("enc-cell", "Its input must be as wide as its state.")
    if kind == "gru-nematus" and uneven and config.encoder_cells > 1:
        raise options.refuse("enc-cell-depth", "Marian has no deep transition of this cell here.")


def _check_decoder(options: Options, config: RnnConfig, dim_emb: int, enc_depth: int, dec_depth: int) -> None:
    kind = config.decoder_cell.kind
    even = config.encoder_type == "bi-unidirectional" and enc_depth > 1
    if kind in _NEED_INPUT and config.base_cells > 2:
        raise options.refuse("dec-cell-base-depth", f"A {kind} cell needs an input: no deep transition.")
    if kind in (*_NEED_INPUT, "gru-nematus") and config.high_cells > 1 and dec_depth > 1:
        raise options.refuse("dec-cell-high-depth", f"Marian has no deep transition of a {kind} cell here.")
    if kind in _EQUAL_WIDTHS and (dim_emb != config.dim_rnn or (config.base_cells > 1 and not even)):
        raise options.refuse("dec-cell", "Its input must be as wide as its state.")
