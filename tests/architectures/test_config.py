"""Marian's options: defaults, what is refused by name, and what a version decides."""

from __future__ import annotations

from typing import Any

import pytest
from random_models import FAMILIES

from dragoman.architectures.config import ModelConfig, Tables, read_config
from dragoman.architectures.rnn_config import RnnConfig
from dragoman.architectures.transformer_config import TransformerConfig
from dragoman.errors import UnsupportedModelError
from dragoman.graph.ops import Function

TRANSFORMER = {"type": "transformer"}
RNN = {"type": "s2s"}
OUTPUT = "decoder_ff_logit_out"


def read(options: dict[str, Any], *names: str, compat: Any = "trained") -> ModelConfig:
    return read_config(options, dict.fromkeys(names, (1, 1)), compat=compat)


def transformer(options: dict[str, Any], *names: str, compat: Any = "trained") -> TransformerConfig:
    family = read(TRANSFORMER | options, *names, compat=compat).family
    assert isinstance(family, TransformerConfig)
    return family


def test_defaults_of_a_transformer() -> None:
    config = read(TRANSFORMER)
    family = transformer({})
    assert (config.dim_emb, config.enc_depth, config.dec_depth, config.right_to_left) == (512, 1, 1, False)
    assert (family.heads, family.encoder_stack.width, family.encoder_stack.depth) == (8, 2048, 2)
    assert family.encoder_stack.function is Function.SWISH
    assert (family.preprocess, family.postprocess, family.postprocess_embedding) == ("", "an", "")
    assert family.autoregressive == "self-attention" and family.alignment_layer == 1 and family.positions


def test_defaults_of_a_recurrent_model() -> None:
    config = read({})
    assert config.type == "amun" and isinstance(config.family, RnnConfig)
    assert (config.family.dim_rnn, config.family.base_cells, config.family.normalize) == (1024, 2, "")


def test_null_and_spelt_flags() -> None:
    assert read(TRANSFORMER | {"right-left": None}).right_to_left is False
    assert read(TRANSFORMER | {"right-left": "true"}).right_to_left is True
    assert read(TRANSFORMER | {"right-left": 1}).right_to_left is True


@pytest.mark.parametrize(
    ("flags", "names", "expected"),
    [
        ((), (), Tables("encoder_Wemb", "decoder_Wemb", f"{OUTPUT}_Wt", True, f"{OUTPUT}_b")),
        ((), (f"{OUTPUT}_W",), Tables("encoder_Wemb", "decoder_Wemb", f"{OUTPUT}_W", False, f"{OUTPUT}_b")),
        (("",), (), Tables("encoder_Wemb", "decoder_Wemb", "decoder_Wemb", True, f"{OUTPUT}_b")),
        (("-src",), (), Tables("Wemb", "Wemb", f"{OUTPUT}_Wt", True, f"{OUTPUT}_b")),
        (("", "-src"), (), Tables("Wemb", "Wemb", "Wemb", True, f"{OUTPUT}_b")),
        (("-all",), (), Tables("Wemb", "Wemb", "Wemb", True, f"{OUTPUT}_b")),
    ],
)
def test_tied_embeddings(flags: tuple[str, ...], names: tuple[str, ...], expected: Tables) -> None:
    options: dict[str, object] = {f"tied-embeddings{flag}": True for flag in flags}
    assert read(TRANSFORMER | options, *names).tables == expected
    assert read(TRANSFORMER | options | {"output-omit-bias": True}).tables.bias is None


@pytest.mark.parametrize(
    ("version", "function", "raw"),
    [
        ("v1.12.42 b7be0e964 2025-05-24", Function.GELU, False),
        ("v1.12.3", Function.GELU, False),
        ("v1.12.2", Function.GELU_SIGMOID, False),
        ("v1.11.0 f00d0621", Function.GELU_SIGMOID, False),
        ("v1.10.28", Function.GELU_SIGMOID, True),
        ("v1.9.56 2781d735 2022-05-10", Function.GELU_SIGMOID, True),
        ("nonsense", Function.GELU_SIGMOID, True),
        (None, Function.GELU_SIGMOID, True),
        ("v2.0.0", Function.GELU, False),
    ],
)
def test_version_decides_gelu_and_prenorm(version: str | None, function: Function, raw: bool) -> None:
    options = {"version": version, "transformer-ffn-activation": "gelu", "transformer-preprocess": "n"}
    family = transformer(options)
    assert (family.encoder_stack.function, family.raw_keys) == (function, raw)
    family = transformer(options, compat="browsermt")
    assert (family.encoder_stack.function, family.raw_keys) == (Function.GELU_SIGMOID, True)


def test_prenorm_matters_only_with_a_norm() -> None:
    assert not transformer({"transformer-preprocess": "d"}, compat="browsermt").raw_keys


def test_equal_architectures_are_equal() -> None:
    first = read(TRANSFORMER | {"transformer-postprocess": "dan", "dim-vocabs": [10, 10]})
    assert first == read(TRANSFORMER | {"transformer-postprocess": "an", "dim-vocabs": [20, 30]})
    assert first == read(
        TRANSFORMER | {"dec-cell": "lstm", "dec-cell-base-depth": 9, "transformer-dim-aan": 3}
    )


REFUSED = [
    ("type", {"type": "multi-transformer"}),
    ("type", {"type": "shared-multi-s2s"}),
    ("type", {"type": "lm-transformer"}),
    ("type", {"type": "bert"}),
    ("type", {"type": "transformer-new"}),
    ("type", {"type": "transformer_s2s"}),
    ("type", {"type": "char-s2s"}),
    ("type", {"type": ["transformer"]}),
    ("ulr", TRANSFORMER | {"ulr": True}),
    ("input-types", TRANSFORMER | {"input-types": ["class", "sequence"]}),
    ("dim-vocabs", TRANSFORMER | {"dim-vocabs": [1, 2, 3]}),
    ("lemma-dim-emb", TRANSFORMER | {"lemma-dim-emb": -1}),
    ("lemma-dependency", TRANSFORMER | {"lemma-dependency": "re-embedding"}),
    ("factors-combine", TRANSFORMER | {"factors-combine": "concat"}),
    ("output-approx-knn", TRANSFORMER | {"output-approx-knn": [100, 1024]}),
    ("transformer-pool", TRANSFORMER | {"transformer-pool": True}),
    ("transformer-attention-mask", TRANSFORMER | {"transformer-attention-mask": "alibi"}),
    ("transformer-alibi-shift", TRANSFORMER | {"transformer-alibi-shift": True}),
    ("transformer-no-bias", TRANSFORMER | {"transformer-no-bias": True}),
    ("transformer-no-affine", TRANSFORMER | {"transformer-no-affine": True}),
    ("transformer-heads", TRANSFORMER | {"transformer-heads": 7}),
    ("transformer-heads", TRANSFORMER | {"transformer-heads": 0}),
    ("transformer-heads", TRANSFORMER | {"transformer-heads": True}),
    ("dim-emb", TRANSFORMER | {"dim-emb": 7, "transformer-heads": 7}),
    ("dim-emb", TRANSFORMER | {"dim-emb": 10**9}),
    ("dim-emb", TRANSFORMER | {"dim-emb": "512"}),
    ("enc-depth", TRANSFORMER | {"enc-depth": 100000}),
    ("transformer-postprocess", TRANSFORMER | {"transformer-postprocess": "dax"}),
    ("transformer-postprocess", TRANSFORMER | {"transformer-postprocess": "n" * 1000}),
    ("transformer-preprocess", TRANSFORMER | {"transformer-preprocess": "a"}),
    ("transformer-ffn-activation", TRANSFORMER | {"transformer-ffn-activation": "prelu"}),
    ("transformer-decoder-autoreg", TRANSFORMER | {"transformer-decoder-autoreg": "mamba"}),
    ("transformer-tied-layers", TRANSFORMER | {"transformer-tied-layers": [1, 1]}),
    ("transformer-tied-layers", TRANSFORMER | {"transformer-tied-layers": [True]}),
    ("transformer-guided-alignment-layer", TRANSFORMER | {"transformer-guided-alignment-layer": "2"}),
    ("transformer-guided-alignment-layer", TRANSFORMER | {"transformer-guided-alignment-layer": "first"}),
    ("right-left", TRANSFORMER | {"right-left": "maybe"}),
    ("version", TRANSFORMER | {"version": 1.9}),
    ("enc-type", RNN | {"enc-type": "unidirectional"}),
    ("enc-cell", RNN | {"enc-cell": "transformer"}),
    ("enc-cell", RNN | {"enc-cell": "ssru"}),
    ("dec-cell", RNN | {"dec-cell": "ssru", "dim-emb": 1024}),
    ("enc-cell-depth", RNN | {"enc-cell": "mlstm", "enc-cell-depth": 2}),
    ("dec-cell-base-depth", RNN | {"dec-cell": "mgru", "dec-cell-base-depth": 3}),
    ("dec-cell-high-depth", RNN | {"dec-cell": "mgru", "dec-cell-high-depth": 2, "dec-depth": 2}),
    ("layer-normalization", RNN | {"enc-cell": "tanh", "layer-normalization": True}),
    ("enc-cell-depth", RNN
     | {"enc-cell": "gru-nematus", "enc-cell-depth": 2, "enc-type": "bi-unidirectional", "enc-depth": 2}),
    ("dec-depth", {"type": "amun", "dec-depth": 2}),
    ("skip", {"type": "amun", "skip": True}),
    ("dec-cell", {"type": "amun", "dec-cell": "lstm"}),
    ("enc-cell", {"type": "nematus"}),
]  # fmt: skip


@pytest.mark.parametrize(("option", "options"), REFUSED)
def test_unsupported_is_refused_by_name(option: str, options: dict[str, object]) -> None:
    with pytest.raises(UnsupportedModelError) as caught:
        read(options)
    assert caught.value.option == option


def test_files_can_be_refused_too() -> None:
    for option, name in (
        ("transformer-train-position-embeddings", "Wpos"),
        ("lemma-dim-emb", "decoder_ff_logit_out_lemmaEt"),
    ):
        with pytest.raises(UnsupportedModelError) as caught:
            read(TRANSFORMER, name)
        assert caught.value.option == option


def test_ignored_options_of_the_experimental_layers() -> None:
    """Marian's transformer proper makes biases and scales in any case: a file that has them is sound."""
    options = {"transformer-no-bias": True, "transformer-no-affine": True}
    transformer(options, "encoder_l1_self_bq", "encoder_l1_self_Wo_ln_scale")


def test_old_names_where_the_file_has_them() -> None:
    for name in ("amun", "nematus"):
        for names, old in ((("ff_state_W",), True), (("decoder_ff_state_W",), False)):
            family = read(FAMILIES[name], *names).family
            assert isinstance(family, RnnConfig) and family.nematus_names is old
