"""What Marian's options make of a model: a frozen record from which `build.build_graph` draws the graph."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from dragoman.architectures import Compatibility
from dragoman.architectures.names import file_name
from dragoman.architectures.options import Options
from dragoman.architectures.rnn_config import RnnConfig, read_rnn
from dragoman.architectures.transformer_config import TransformerConfig, read_transformer

__all__ = ["Compatibility", "ModelConfig", "ModelType", "Tables", "read_config"]

ModelType = Literal["transformer", "s2s", "amun", "nematus"]

_SUPPORTED = ("transformer", "s2s", "amun", "nematus")
_KEYS_NORMALISED_SINCE = (1, 11, 0)
_GELU_EXACT_SINCE = (1, 12, 3)


@dataclass(frozen=True)
class Tables:
    """Names (Marian's) of the embedding tables and of the output layer.

    Attributes:
        source, target: embedding tables [V, dim-emb].
        output: the output matrix; a table [V, k], or [k, V] if not ``output_transposed`` (legacy files).
        bias: the output bias [1, V], or None.
    """

    source: str
    target: str
    output: str
    output_transposed: bool
    bias: str | None


@dataclass(frozen=True)
class ModelConfig:
    """An architecture. Vocabulary sizes are no part of it: models of different vocabularies share a plan.

    ``right_to_left``: the model was trained on reversed sentences; both sides are reversed outside of the
    graph. ``family`` decides which builder draws the graph.
    """

    type: ModelType
    dim_emb: int
    enc_depth: int
    dec_depth: int
    tables: Tables
    right_to_left: bool
    family: TransformerConfig | RnnConfig

    @property
    def nematus_names(self) -> bool:
        """Whether the file names its parameters as Nematus does."""
        return isinstance(self.family, RnnConfig) and self.family.nematus_names

    def stored(self, name: str) -> str:
        """What the model's file calls the parameter that Marian calls ``name``."""
        return file_name(name) if self.nematus_names else name


def read_config(
    options: Mapping[str, object], parameters: Mapping[str, tuple[int, ...]], *, compat: Compatibility
) -> ModelConfig:
    """Make a config from ``special:model.yml``.

    Args:
        options: as stored; absent keys take Marian's defaults.
        parameters: names and logical shapes of the file's tensors; what is there decides old or new names.
        compat: "trained": compute as the Marian that trained the model did, by its ``version``:

            * GELU is x * Phi(x) since v1.12.3 (marian-dev d225c24d), x * sigmoid(1.702 x) before;
            * pre-norm self-attention takes keys and values from the normalised input since v1.11.0
              (8da539e8), from the un-normalised before. Later Marians decode step by step otherwise than they
              train; this follows the training.

            The fork browsermt/marian-dev branched off at v1.9 and has the old form of both; its models say
            v1.9.x, so the same two limits hold for them. A model without a version is older than the option.
            "browsermt": compute as that fork does, whatever the version.

    Raises:
        UnsupportedModelError: an option has a value that is unknown, damaged or not built.
    """
    read = Options(options)
    kind = cast(ModelType, read.text("type", "amun"))
    if kind not in _SUPPORTED:
        raise read.refuse("type", f"Supported: {', '.join(_SUPPORTED)}.")
    _refuse_unbuilt(read, parameters)
    dim_emb = read.count("dim-emb", 512)
    enc_depth, dec_depth = read.depth("enc-depth"), read.depth("dec-depth")
    family: TransformerConfig | RnnConfig
    if kind == "transformer":
        version = (0, 0, 0) if compat == "browsermt" else _version(read)
        family = read_transformer(
            read, parameters, dim_emb, dec_depth,
            exact_gelu=version >= _GELU_EXACT_SINCE, raw_keys=version < _KEYS_NORMALISED_SINCE,
        )  # fmt: skip
        output = "decoder_ff_logit_out"
    else:
        family = read_rnn(read, kind, parameters, dim_emb, enc_depth, dec_depth)
        output = "decoder_ff_logit_l2"
    tables = _read_tables(read, parameters, output)
    return ModelConfig(kind, dim_emb, enc_depth, dec_depth, tables, read.flag("right-left"), family)


def _refuse_unbuilt(options: Options, parameters: Collection[str]) -> None:
    if options.flag("ulr"):
        raise options.refuse("ulr")
    if any(kind != "sequence" for kind in options.texts("input-types")):
        raise options.refuse("input-types")
    if len(options.numbers("dim-vocabs")) not in (0, 2):
        raise options.refuse("dim-vocabs", "One source and one target vocabulary are needed.")
    if options.given("lemma-dim-emb") not in (None, 0) or any("_lemmaEt" in name for name in parameters):
        raise options.refuse("lemma-dim-emb", "Factored vocabularies are not built.")
    for name, neutral in (("lemma-dependency", ""), ("factors-combine", "sum")):
        if options.text(name, neutral) != neutral:
            raise options.refuse(name, "Factored vocabularies are not built.")
    if options.given("output-approx-knn") not in (None, [], ()):
        raise options.refuse("output-approx-knn")


def _read_tables(options: Options, parameters: Collection[str], prefix: str) -> Tables:
    """Tying of the embeddings and the output (``src/layers/embedding.cpp``, ``src/layers/output.cpp``)."""
    tied_all = options.flag("tied-embeddings-all")
    shared = tied_all or options.flag("tied-embeddings-src")
    source, target = ("Wemb", "Wemb") if shared else ("encoder_Wemb", "decoder_Wemb")
    bias = None if options.flag("output-omit-bias") else f"{prefix}_b"
    if tied_all or options.flag("tied-embeddings"):
        return Tables(source, target, target, True, bias)
    legacy = f"{prefix}_W" in parameters or ("ff_logit_W" in parameters and f"{prefix}_Wt" not in parameters)
    return Tables(source, target, f"{prefix}_W" if legacy else f"{prefix}_Wt", not legacy, bias)


def _version(options: Options) -> tuple[int, int, int]:
    found = re.match(r"v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})", options.text("version", ""))
    if found is None:
        return 0, 0, 0
    major, minor, patch = found.groups()
    return int(major), int(minor), int(patch)
