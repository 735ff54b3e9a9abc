"""Models of random weights for every family that can be built, small enough for thousands of tests.

`make_model` gives what a model file would hold; `save_model` writes it as Marian's ``.npz``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from dragoman.architectures.build import build_graph
from dragoman.architectures.config import read_config
from dragoman.graph.extents import Symbol

VERSION = "v1.12.42 b7be0e964 2025-05-24 22:34:42 -0700"

TRANSFORMER: dict[str, object] = {
    "type": "transformer",
    "dim-emb": 24,
    "transformer-heads": 4,
    "transformer-dim-ffn": 40,
    "transformer-ffn-activation": "relu",
    "enc-depth": 2,
    "dec-depth": 2,
    "tied-embeddings-all": True,
}
SSRU = TRANSFORMER | {"transformer-decoder-autoreg": "rnn", "dec-cell": "ssru"}
AVERAGE = TRANSFORMER | {"transformer-decoder-autoreg": "average-attention", "transformer-dim-aan": 40}
PRENORM = {"transformer-preprocess": "n", "transformer-postprocess": "da", "transformer-postprocess-top": "n"}
RNN: dict[str, object] = {"type": "s2s", "dim-emb": 24, "dim-rnn": 40}
NORMED = RNN | {"layer-normalization": True}
UNEVEN = RNN | {"enc-type": "bi-unidirectional", "enc-depth": 3, "dec-depth": 2}
NEMATUS = {
    "type": "nematus",
    "dim-emb": 24,
    "dim-rnn": 40,
    "enc-cell": "gru-nematus",
    "dec-cell": "gru-nematus",
}

FAMILIES: dict[str, dict[str, object]] = {
    "transformer": TRANSFORMER,
    "transformer-untied-gelu": TRANSFORMER
    | {"tied-embeddings-all": False, "transformer-ffn-activation": "gelu", "transformer-ffn-depth": 3},
    "transformer-tied-target-swish": TRANSFORMER
    | {"tied-embeddings-all": False, "tied-embeddings": True, "transformer-ffn-activation": "swish"},
    "transformer-tied-source": TRANSFORMER
    | {"tied-embeddings-all": False, "tied-embeddings-src": True, "output-omit-bias": True},
    "transformer-prenorm": TRANSFORMER | PRENORM | {"transformer-postprocess-emb": "nd"},
    "transformer-rms": TRANSFORMER | {"transformer-postprocess": "dar", "transformer-preprocess": "r"},
    "transformer-highway-top": TRANSFORMER
    | {
        "transformer-postprocess": "dhn",
        "transformer-postprocess-top": "an",
        "transformer-no-projection": True,
    },
    "transformer-tied-layers": TRANSFORMER
    | {"dec-depth": 3, "transformer-tied-layers": [1, 2, 1], "transformer-guided-alignment-layer": "2"},
    "transformer-small-decoder": TRANSFORMER
    | {"transformer-decoder-dim-ffn": 16, "transformer-decoder-ffn-depth": 3, "right-left": True},
    "transformer-no-positions": TRANSFORMER | {"transformer-disable-position-embeddings": True},
    "ssru": SSRU,
    "ssru-norm-prenorm": SSRU | PRENORM | {"layer-normalization": True, "transformer-rnn-projection": True},
    "ssru-tied-layers": SSRU | {"dec-depth": 3, "transformer-tied-layers": [1, 1, 2]},
    **{f"transformer-{cell}": SSRU | {"dec-cell": cell}
       for cell in ("sru", "gru", "lstm", "mlstm", "tanh")},
    "transformer-sru-norm": SSRU | {"dec-cell": "sru", "layer-normalization": True},
    "transformer-gru-norm-prenorm": SSRU | PRENORM | {"dec-cell": "gru", "layer-normalization": True},
    "transformer-nematus-norm": SSRU | {"dec-cell": "gru-nematus", "layer-normalization": True},
    "average": AVERAGE,
    "average-prenorm-nogate": AVERAGE | PRENORM
    | {"transformer-aan-nogate": True, "transformer-aan-depth": 3},
    "average-shallow": AVERAGE | {"transformer-aan-depth": 1, "transformer-aan-activation": "relu"},
    "average-own-width": AVERAGE | {"transformer-dim-aan": 24},
    **{f"s2s-{cell}": RNN | {"enc-cell": cell, "dec-cell": cell}
       for cell in ("gru", "lstm", "mlstm", "mgru", "tanh", "relu")},
    **{f"s2s-{cell}-norm": NORMED | {"enc-cell": cell, "dec-cell": cell, "tied-embeddings-all": True}
       for cell in ("gru", "lstm", "mlstm", "mgru", "relu")},
    "s2s-nematus-norm": NORMED | {"enc-cell": "gru-nematus", "dec-cell": "gru-nematus", "enc-cell-depth": 2},
    "s2s-lstm-deep": NORMED
    | {"enc-cell": "lstm", "dec-cell": "lstm", "enc-cell-depth": 2, "dec-cell-base-depth": 4, "skip": True,
       "enc-depth": 2, "dec-depth": 2, "dec-cell-high-depth": 2, "tied-embeddings": True},
    "s2s-alternating": NORMED
    | {"enc-type": "alternating", "enc-depth": 4, "enc-cell-depth": 2, "dec-depth": 3, "skip": True,
       "dec-cell-base-depth": 4, "dec-cell-high-depth": 2, "tied-embeddings-all": True},
    "s2s-shallow-decoder": RNN | {"dec-cell-base-depth": 1},
    "s2s-uneven-lstm": UNEVEN | {"enc-cell": "lstm", "dec-cell": "lstm", "enc-cell-depth": 2, "skip": True},
    "s2s-uneven-ssru-decoder": UNEVEN | {"dec-cell": "ssru", "dim-emb": 40, "enc-depth": 2},
    "s2s-sru": RNN | {"enc-cell": "sru", "dec-cell": "sru", "dim-emb": 40, "dec-cell-base-depth": 1},
    "amun": RNN | {"type": "amun"},
    "amun-norm": NORMED | {"type": "amun", "tied-embeddings-all": True},
    "nematus": NEMATUS,
    "nematus-norm": NEMATUS | {"layer-normalization": True},
    "nematus-norm-deep": NEMATUS
    | {"layer-normalization": True, "enc-cell-depth": 3, "dec-cell-base-depth": 5},
}  # fmt: skip
"""Options by a name for people. Together they use every operation of a graph."""

OLD_NAMES = {"amun": ("ff_state_W", "ff_logit_W"), "nematus": ("ff_state_W",)}
"""Parameters by which a file shows that it uses old names; ff_logit_W is an output matrix [k, V]."""

_OUTPUT_BIASES = ("decoder_ff_logit_out_b", "decoder_ff_logit_l2_b", "ff_logit_b")


def make_model(
    options: Mapping[str, object], vocab_size: int | tuple[int, int] = 37, seed: int = 0
) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Complete options and float32 tensors of a model file.

    Args:
        options: of the model, absent ones are Marian's defaults; ``version`` is that of a recent Marian if
            absent.
        vocab_size: of both sides, or (source, target); tied tables need equal ones.
        seed: equal seeds give equal models.
    """
    source, target = vocab_size if isinstance(vocab_size, tuple) else (vocab_size, vocab_size)
    complete = {"version": VERSION, "dim-vocabs": [source, target]} | dict(options)
    old_names = OLD_NAMES.get(str(complete["type"]), ())
    config = read_config(complete, dict.fromkeys(old_names, ()), compat="trained")
    rng = np.random.default_rng(seed)
    spread = 2 if complete["type"] == "transformer" else 4
    arrays: dict[str, NDArray[Any]] = {}
    for name, shape in build_graph(config).parameters().items():
        is_source = name in ("encoder_Wemb", "Wemb") and config.tables.target != "Wemb"
        entries = source if is_source else target
        rows, width = (entries if isinstance(size, Symbol) else size for size in shape)
        arrays[name] = _draw(rng, name, rows, width, spread).astype(np.float32)
    if old_names:
        arrays["decoder_c_tt"] = np.zeros((1, 0), np.float32)
    return complete, arrays


def _draw(rng: np.random.Generator, name: str, rows: int, width: int, spread: float) -> NDArray[Any]:
    """Values of scale 1, logits of ``spread``; norms flip signs, lest tied models repeat a piece."""
    drawn = rng.standard_normal((rows, width))
    if "gamma" in name or "_scale" in name or "_ln_s" in name or name.endswith("_lns"):
        signs: NDArray[Any] = np.sign(rng.standard_normal((rows, width)))
        return signs * (1 + 0.2 * drawn)
    if "Wemb" in name or name.endswith("_Wt"):
        drawn *= spread * np.sqrt(rows / width)
    if name == "ff_logit_W":
        drawn *= spread
    if name in _OUTPUT_BIASES:
        drawn[0, 0] += 25  # EOS comes now and then
    return 0.1 * drawn if rows == 1 else drawn / np.sqrt(rows)


def save_model(path: Path, options: Mapping[str, object], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a model as Marian's ``.npz``."""
    text = yaml.safe_dump(dict(options)).encode() + b"\0"
    np.savez(path, **arrays, **{"special:model.yml": np.frombuffer(text, np.int8)})  # type: ignore[arg-type]
