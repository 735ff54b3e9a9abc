"""The options of marian-decoder 1.9 to 1.12 and of Bergamot's fork, and what each means here: one table, for its
command line and for configuration files, whoever reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dragoman.formats.model_options import ARCHITECTURE_OPTIONS

__all__ = ["GEMM_PRECISIONS", "OPTIONS", "Option"]

Role = Literal["used", "model", "idle", "lost", "refused"]


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: long, without dashes.
        kind: "flag"; "value"; "optional", a value that may be left out; "list", values up to the next option.
        short: one letter, or empty.
        implicit: what a value that is left out stands for.
        role: "used"; "model": of the architecture, where the model file does not say it; "idle", accepted and without
            influence on translations; "lost": accepted, with an influence in Marian that is missing here, which is
            said; "refused": the output would be something else.
        note: for "used" what it does, for "refused" why and what to do.
    """

    name: str
    kind: Literal["flag", "value", "optional", "list"]
    role: Role
    short: str = ""
    implicit: str = ""
    note: str = ""


GEMM_PRECISIONS = (
    "float32",
    "int16",
    "int8",
    "int8Alpha",
    "int8shift",
    "int8shiftAlpha",
    "int8shiftAll",
    "int8shiftAlphaAll",
)
_NO_RANDOM = "nothing here is random"
_ONE_SOURCE = "lines come from one file or from standard input"

_USED = (
    Option("config", "list", "used", "c", note="configuration files; later ones go before earlier ones"),
    Option("relative-paths", "flag", "used", note="paths of configuration files start at the file"),
    Option("interpolate-env-vars", "flag", "used", note="${NAME} in paths is the environment variable"),
    Option("models", "list", "used", "m", note="model files; several make an ensemble"),
    Option("vocabs", "list", "used", "v", note="source and target vocabulary"),
    Option("weights", "list", "used", note="of the models of an ensemble"),
    Option("shortlist", "list", "used", note="path [first best threshold | false]"),
    Option("input", "list", "used", "i", note="a file; standard input if not given"),
    Option("output", "value", "used", "o", note="a file; standard output if not given"),
    Option("beam-size", "value", "used", "b", note="hypotheses kept; 12"),
    Option("normalize", "optional", "used", "n", "1", "exponent of the length that scores are divided by; 0"),
    Option("word-penalty", "value", "used", note="subtracted from the score for each piece; 0"),
    Option("n-best", "flag", "used", note="print all hypotheses of the beam"),
    Option("word-scores", "flag", "used", note="print the score of each piece"),
    Option("alignment", "optional", "used", "", "1", "hard, soft, or a threshold; print alignments"),
    Option("allow-unk", "flag", "used", note="the unknown piece may be in translations"),
    Option("allow-special", "flag", "used", note="pieces of control characters may be in translations"),
    Option("skip-cost", "flag", "used", note="scores are raw logits"),
    Option("max-length", "value", "used", note="source pieces; longer lines are cut and rejoined; 1000"),
    Option("max-length-crop", "flag", "used", note="longer lines are cropped"),
    Option("max-length-break", "value", "used", note="Bergamot's max-length: before that one"),
    Option("ignore-model-config", "flag", "used", note="options of the architecture count, not the model file's"),
    Option("max-length-factor", "value", "used", note="most target pieces for each source piece; 3"),
    Option("no-spm-decode", "flag", "used", note="print SentencePiece pieces"),
    Option("cpu-threads", "optional", "used", "", "1", "threads; 1"),
    Option("gemm-precision", "value", "used", note="float32; int8 and its kin: a float model in int8"),
    Option("gemm-type", "value", "used", "g", note="quantise a float model: intgemm8 and packed8 to int8"),
    *(Option(name, "flag", "used", note=f"as --gemm-precision {name}") for name in GEMM_PRECISIONS[1:]),
    Option(
        "compat", "value", "used", note="dragoman's own: trained, or browsermt to decode as Bergamot does"
    ),
    Option("quiet", "flag", "used", note="say nothing about options that mean nothing here"),
    Option("help", "flag", "used", "h", note="this list"),
    Option("version", "flag", "used"),
)

_REFUSED = (
    Option("output-sampling", "list", "refused", implicit="full", note=_NO_RANDOM),
    Option("output-approx-knn", "list", "refused", implicit="100", note="the output layer is exact here"),
    Option("force-decode", "flag", "refused", note="in Python: translate(..., target_prefix=...)"),
    Option("tsv", "flag", "refused", note=_ONE_SOURCE),
    Option("tsv-fields", "value", "refused", note=_ONE_SOURCE),
    Option("input-types", "list", "refused", note=_ONE_SOURCE),
    Option("input-reorder", "list", "refused", note=_ONE_SOURCE),
    Option("input-join-fields", "flag", "refused", note=_ONE_SOURCE),
    Option("no-spm-encode", "flag", "refused", note="lines are cut into pieces here"),
    Option("dump-quantmult", "flag", "refused", note="use dragoman convert --calibrate"),
    Option("dump-config", "optional", "refused", "", "full", note="use dragoman inspect"),
    Option("build-info", "optional", "refused", "", "basic", note="this is not Marian"),
    Option("authors", "flag", "refused", note="this is not Marian"),
    Option("cite", "flag", "refused", note="this is not Marian"),
    Option("encryption-key-path", "value", "refused", note="models are read as they are"),
    Option("trie-pruning-path", "optional", "refused", note="the search is not pruned so here"),
    Option("file-to-trie-align", "optional", "refused", note="the search is not pruned so here"),
)

_MODEL_FLAGS = frozenset(
    """skip layer-normalization right-left tied-embeddings tied-embeddings-src tied-embeddings-all output-omit-bias
    transformer-no-projection transformer-rnn-projection transformer-pool transformer-aan-nogate
    transformer-depth-scaling transformer-train-position-embeddings transformer-disable-position-embeddings
    transformer-no-bias transformer-no-affine transformer-alibi-shift transformer-alibi-trainable
    bert-train-type-embeddings ulr ulr-trainable-transformation""".split()  # noqa: SIM905
)
_MODEL_LISTS = frozenset({"transformer-tied-layers"})

_IDLE_FLAGS = """best-deep check-nan fp16 model-mmap optimize quiet-translation use-legacy-batching alibi
    comet-final-sigmoid comet-stop-grad comet-mix comet-mix-norm comet-mixup-reg comet-prepend-zero
    comet-use-separator"""
_IDLE_VALUES = """workspace:w log log-level log-time-zone seed num-devices mini-batch mini-batch-words maxi-batch
    maxi-batch-sort data-threads stat-freq separator-symbol bert-mask-symbol bert-sep-symbol bert-class-symbol
    bert-masking-fraction char-stride char-highway comet-pool comet-mix-transformation comet-dropout comet-mixup
    comet-augment-bad ulr-query-vectors ulr-keys-vectors ulr-dropout ssplit-mode ssplit-prefix-file quality
    cache-size cache-mutex-buckets"""
_IDLE_LISTS = "devices:d precision dim-vocabs char-conv-filters-num char-conv-filters-widths comet-pooler-ffn"
_LOST_VALUES = "clip-gemm quantize-range beam-size-divide-by beam-size-min"


def _named(names: str, kind: Literal["flag", "value", "list"], role: Role) -> Iterator[Option]:
    for entry in names.split():
        name, _, short = entry.partition(":")
        yield Option(name, kind, role, short)


def _model_options() -> Iterator[Option]:
    for name in sorted(ARCHITECTURE_OPTIONS):
        yield Option(name, "flag" if name in _MODEL_FLAGS else "list" if name in _MODEL_LISTS else "value", "model")


OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        *_USED,
        *_REFUSED,
        *_model_options(),
        *_named(_IDLE_FLAGS, "flag", "idle"),
        *_named(_IDLE_VALUES, "value", "idle"),
        *_named(_IDLE_LISTS, "list", "idle"),
        *_named(_LOST_VALUES, "value", "lost"),
    )
}
