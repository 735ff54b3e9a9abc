"""The options of marian-decoder 1.9 to 1.12 and of Bergamot's fork, and how its command line spells them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import click

__all__ = ["GEMM_PRECISIONS", "OPTIONS", "Option", "Values", "parse_arguments"]

Role = Literal["used", "idle", "refused"]
Values = dict[str, "list[str]"]
"""What is stated: texts by the option's long name. Flags have ["true"] or ["false"]."""


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: long, without dashes.
        kind: "flag"; "value"; "optional", a value that may be left out; "list", values up to the next option.
        short: one letter, or empty.
        implicit: what a value that is left out stands for.
        role: "used"; "idle", accepted though it means nothing here; "refused": the output would be another.
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
    Option("skip-cost", "flag", "used", note="scores are raw logits"),
    Option("max-length", "value", "used", note="source pieces; longer lines are cut and rejoined; 1000"),
    Option("max-length-crop", "flag", "used", note="longer lines are cropped"),
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

_IDLE_FLAGS = """allow-special best-deep check-nan fp16 ignore-model-config model-mmap optimize
    quiet-translation use-legacy-batching layer-normalization output-omit-bias right-left skip
    tied-embeddings tied-embeddings-all tied-embeddings-src transformer-aan-nogate transformer-alibi-shift
    transformer-alibi-trainable alibi transformer-depth-scaling transformer-disable-position-embeddings
    transformer-no-affine transformer-no-bias transformer-no-projection transformer-pool
    transformer-rnn-projection transformer-train-position-embeddings bert-train-type-embeddings
    comet-final-sigmoid comet-stop-grad comet-mix comet-mix-norm comet-mixup-reg comet-prepend-zero
    comet-use-separator ulr ulr-trainable-transformation"""
_IDLE_VALUES = """workspace:w log log-level log-time-zone seed clip-gemm num-devices mini-batch
    mini-batch-words maxi-batch maxi-batch-sort data-threads stat-freq quantize-range type dim-emb
    factors-dim-emb factors-combine lemma-dependency lemma-dim-emb dim-rnn enc-type enc-cell enc-cell-depth
    enc-depth dec-cell dec-cell-base-depth dec-cell-high-depth dec-depth transformer-heads transformer-dim-ffn
    transformer-decoder-dim-ffn transformer-ffn-depth transformer-decoder-ffn-depth transformer-ffn-activation
    transformer-dim-aan transformer-aan-depth transformer-aan-activation transformer-decoder-autoreg
    transformer-guided-alignment-layer transformer-preprocess transformer-postprocess-emb
    transformer-postprocess transformer-postprocess-top transformer-attention-mask separator-symbol
    bert-mask-symbol bert-sep-symbol bert-class-symbol bert-masking-fraction bert-type-vocab-size char-stride
    char-highway comet-pool comet-mix-transformation comet-dropout comet-mixup comet-augment-bad
    ulr-query-vectors ulr-keys-vectors ulr-dim-emb ulr-dropout ulr-softmax-temperature beam-size-divide-by
    beam-size-min max-length-break ssplit-mode ssplit-prefix-file quality cache-size cache-mutex-buckets"""
_IDLE_LISTS = """devices:d precision dim-vocabs transformer-tied-layers char-conv-filters-num
    char-conv-filters-widths comet-pooler-ffn"""


def _idle(names: str, kind: Literal["flag", "value", "list"]) -> Iterator[Option]:
    for entry in names.split():
        name, _, short = entry.partition(":")
        yield Option(name, kind, "idle", short)


OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        *_USED,
        *_REFUSED,
        *_idle(_IDLE_FLAGS, "flag"),
        *_idle(_IDLE_VALUES, "value"),
        *_idle(_IDLE_LISTS, "list"),
    )
}
_SHORT = {option.short: option for option in OPTIONS.values() if option.short}
_NUMBER = re.compile(r"-\.?\d")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0"})


def parse_arguments(arguments: Sequence[str]) -> Values:
    """A command line as Marian reads it: ``--name value``, ``--name=value``, ``-n value``, ``-nvalue``; lists
    go on to the next option, and given twice they are joined; of other options the last one counts.

    Raises click.UsageError: an option is not known or lacks its value, or a value belongs to no option.
    """
    values: Values = {}
    position = 0
    while position < len(arguments):
        option, attached = _option(arguments[position])
        position += 1
        end = position
        while end < len(arguments) and not _is_option(arguments[end]):
            end += 1
        own = ([attached] if attached is not None else []) + list(arguments[position:end])
        taken = _values(option, own)
        if len(own) > len(taken) and own:
            raise click.UsageError(f"Nothing goes with {own[len(taken)]!r} after --{option.name}.")
        position = end
        if not taken:
            taken = [option.implicit or "true"]
        joined = option.kind == "list" and option.name in values
        values[option.name] = values[option.name] + taken if joined else taken
    return values


def _values(option: Option, own: list[str]) -> list[str]:
    """Those of the texts behind an option that are its own."""
    if option.kind == "list" and (own or option.implicit):
        return own
    if option.kind == "flag":
        return own[:1] if own and own[0].lower() in _WORDS else []
    if not own and option.kind != "optional":
        raise click.UsageError(f"--{option.name} needs a value.")
    return own[:1]


def _is_option(argument: str) -> bool:
    return len(argument) > 1 and argument.startswith("-") and not _NUMBER.match(argument)


def _option(argument: str) -> tuple[Option, str | None]:
    """The option that an argument names, and the value attached to it."""
    if not _is_option(argument):
        raise click.UsageError(f"{argument!r} belongs to no option.")
    if not argument.startswith("--"):
        if argument[1] in _SHORT:
            return _SHORT[argument[1]], argument[2:].removeprefix("=") or None
        raise click.UsageError(f"marian-decoder has no option {argument[:2]}.")
    name, equals, value = argument[2:].partition("=")
    if name not in OPTIONS:
        raise click.UsageError(f"marian-decoder has no option --{name}.{_suggestion(name)}")
    return OPTIONS[name], value if equals else None


def _suggestion(name: str) -> str:
    near = difflib.get_close_matches(name, OPTIONS, 1)
    return f" Did you mean --{near[0]}?" if near else ""
