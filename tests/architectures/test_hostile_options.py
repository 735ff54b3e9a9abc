"""Whatever a model file says, its options make a graph or are refused by name."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import FAMILIES

from dragoman.architectures.build import build_graph
from dragoman.architectures.config import read_config
from dragoman.errors import UnsupportedModelError

KEYS = [
    *sorted({key for family in FAMILIES.values() for key in family}),
    "version", "input-types", "dim-vocabs", "lemma-dim-emb", "factors-combine", "output-approx-knn", "ulr",
    "transformer-attention-mask", "transformer-no-bias", "transformer-pool", "transformer-alibi-shift",
]  # fmt: skip
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["n", "dan", "rnn", "lstm", "ssru", "sru", "mgru", "alternating", "gelu", "s2s", "amun", "\u00b2"]
    ),
    st.lists(st.one_of(st.integers(-1, 4), st.text(max_size=3)), max_size=4),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(FAMILIES)), st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=3)
)
def test_options_build_or_are_refused(name: str, changes: dict[str, object]) -> None:
    options = FAMILIES[name] | changes
    try:
        config = read_config(options, {}, compat="trained")
    except UnsupportedModelError as error:
        assert error.option in str(error)
        return
    graph = build_graph(config)
    assert graph.parameters()
