"""Which of Marian's options describe a model's architecture, and how those stated beside a model file count.

A model file holds them as ``special:model.yml``, and Marian merges that over its command line and configuration,
unless ``ignore-model-config`` says otherwise (``src/translator/scorers.cpp``). Nematus' own files hold none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["ARCHITECTURE_OPTIONS", "GivenOptions", "architecture_options"]

_NAMES = """type dim-emb factors-dim-emb factors-combine lemma-dependency lemma-dim-emb dim-rnn enc-type enc-cell
    enc-cell-depth enc-depth dec-cell dec-cell-base-depth dec-cell-high-depth dec-depth skip layer-normalization
    right-left tied-embeddings tied-embeddings-src tied-embeddings-all output-omit-bias
    transformer-heads transformer-no-projection transformer-rnn-projection transformer-pool transformer-dim-ffn
    transformer-decoder-dim-ffn transformer-ffn-depth transformer-decoder-ffn-depth transformer-ffn-activation
    transformer-dim-aan transformer-aan-depth transformer-aan-activation transformer-aan-nogate
    transformer-decoder-autoreg transformer-tied-layers transformer-guided-alignment-layer transformer-preprocess
    transformer-postprocess-emb transformer-postprocess transformer-postprocess-top
    transformer-train-position-embeddings transformer-disable-position-embeddings transformer-depth-scaling
    transformer-no-bias transformer-no-affine transformer-attention-mask transformer-alibi-shift
    transformer-alibi-trainable bert-train-type-embeddings bert-type-vocab-size ulr ulr-dim-emb
    ulr-trainable-transformation ulr-softmax-temperature"""
ARCHITECTURE_OPTIONS = frozenset(_NAMES.split())
"""Marian's model options (``ConfigParser::addOptionsModel``) that decide what is computed at translation."""


def architecture_options(values: Mapping[str, object]) -> dict[str, object]:
    """Those of the stated options that describe an architecture; texts of a command line as plain values."""
    found = {name: _plain(value) for name, value in values.items() if name in ARCHITECTURE_OPTIONS}
    return {name: value for name, value in found.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        if re.fullmatch(r"-?[0-9]{1,12}", value):
            return int(value)
        return {"true": True, "false": False}.get(value.lower(), value)
    return value


@dataclass(frozen=True)
class GivenOptions:
    """Architecture options from beside the model file.

    Attributes:
        values: Marian's names and plain values.
        ignore_file: those in the model file do not count.
    """

    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    ignore_file: bool = False

    def under(self, stored: Mapping[str, object]) -> dict[str, object]:
        """All of a model's options: the file's before these."""
        return dict(self.values) if self.ignore_file else {**self.values, **stored}

    def __reduce__(self) -> tuple[type[GivenOptions], tuple[dict[str, object], bool]]:
        return GivenOptions, (dict(self.values), self.ignore_file)
