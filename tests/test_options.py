"""Decoding options: checked when made; a call's over the model's over Marian's."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.errors import OptionsError
from dragoman.formats.bundle import Bundle
from dragoman.formats.decoder_yml import parse_decoder_config
from dragoman.options import Constraint, DecodingChanges, DecodingOptions, option_names


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("beam_size", 0, "from 1 to 1024"),
        ("beam_size", True, "an integer"),
        ("beam_size", 2.0, "an integer"),
        ("beam_size", 1 << 40, "from 1 to 1024"),
        ("n_best", 0, "from 1 to 1024"),
        ("max_length", 1, "from 2 to"),
        ("max_length_factor", 0, "above 0"),
        ("max_length_factor", float("inf"), "a number"),
        ("normalize", -0.1, "from 0 to 100"),
        ("normalize", float("nan"), "from 0 to 100"),
        ("normalize", "0.6", "a number"),
        ("word_penalty", None, "a number"),
        ("long_lines", "drop", "'cut', 'crop' or 'refuse'"),
        ("alignment", "middle", "'soft', 'hard', or a threshold"),
        ("alignment", 1.5, "a threshold between 0 and 1"),
        ("alignment", float("nan"), "a threshold between 0 and 1"),
        ("word_scores", 1, "True or False"),
        ("weights", [1.0, float("nan")], "finite"),
        ("weights", 3, "a sequence of numbers"),
        ("target_prefix", 3, "a text"),
        ("target_prefix", ["a", 3], "a text"),
    ],
)
def test_values_out_of_range_are_named(name: str, value: Any, allowed: str) -> None:
    with pytest.raises(OptionsError) as caught:
        DecodingOptions(**{name: value})
    assert caught.value.name == name
    assert allowed in caught.value.allowed
    assert str(caught.value).startswith(f"{name} is ")


def test_numpy_numbers_are_numbers() -> None:
    options = DecodingOptions(beam_size=np.int32(4), normalize=np.float32(0.5))  # type: ignore[arg-type]
    assert (options.beam_size, options.normalize) == (4, 0.5)
    assert type(options.beam_size) is int


@pytest.mark.parametrize(
    ("given_value", "kept"),
    [(None, None), ("soft", "soft"), ("hard", "hard"), (0.25, 0.25), (1, "hard"), (True, "hard"), (0, None)],
)
def test_alignment_as_marian_spells_it(given_value: Any, kept: Any) -> None:
    assert DecodingOptions(alignment=given_value).alignment == kept


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(OptionsError, match="beam_size"):
        DecodingOptions().replace(beamsize=4)
    with pytest.raises(OptionsError, match="one of the options beam_size, "):
        DecodingOptions.of(None, {"zzz": 1}, DecodingOptions())
    with pytest.raises(OptionsError, match="a DecodingOptions"):
        DecodingOptions.of({"beam_size": 4}, {}, DecodingOptions())  # type: ignore[arg-type]


def test_keywords_before_options_before_the_models_defaults() -> None:
    model = DecodingOptions(beam_size=6, normalize=1.0, max_length=128)
    options = DecodingOptions(normalize=0.6)
    merged = DecodingOptions.of(options, {"max_length": 50}, model)
    assert (merged.beam_size, merged.normalize, merged.max_length) == (6, 0.6, 50)
    assert merged.max_length_factor == 3.0
    assert DecodingOptions.of(None, {}, model) == model


def test_beam_and_n_best_give_way_to_what_is_stated_later() -> None:
    assert DecodingOptions(n_best=4).beam_size == 4
    with pytest.raises(OptionsError, match="n_best is 4, but must be at most beam_size, which is 2"):
        DecodingOptions(beam_size=2, n_best=4)
    greedy, wide = DecodingOptions(beam_size=1), DecodingOptions(beam_size=12)
    assert greedy.replace(n_best=4).beam_size == 4
    assert DecodingOptions(n_best=4).over(wide).beam_size == 12
    assert wide.replace(n_best=8).replace(beam_size=3).n_best == 3
    assert DecodingOptions(beam_size=2).over(DecodingOptions(n_best=5)).n_best == 2


def test_scores_without_normalisation_do_not_choose_among_hypotheses() -> None:
    model = DecodingOptions(beam_size=1, skip_cost=True)
    assert DecodingOptions.of(None, {"normalize": 1.0}, model).skip_cost
    assert not DecodingOptions.of(None, {"beam_size": 4}, model).skip_cost
    assert DecodingOptions.of(None, {"beam_size": 4, "skip_cost": True}, model).skip_cost


def test_prefixes_are_one_for_all_or_one_for_each() -> None:
    assert DecodingOptions().prefixes(2) is None
    assert DecodingOptions(target_prefix="").prefixes(2) is None
    assert DecodingOptions(target_prefix="a").prefixes(2) == ("a", "a")
    one_each = DecodingOptions(target_prefix=["a", None])  # type: ignore[arg-type]
    assert one_each.prefixes(2) == ("a", "")
    with pytest.raises(OptionsError, match="3 of them"):
        one_each.prefixes(3)


def test_frozen_and_picklable() -> None:
    options = DecodingOptions(beam_size=4, alignment="soft", weights=[1, 2])  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.beam_size = 5  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(options))
    assert copy == options and hash(copy) == hash(options) and copy.stated == options.stated
    assert dataclasses.replace(options, beam_size=5).beam_size == 5


def bundle(kind: Any, **config: Any) -> Bundle:
    path = Path("model.npz")
    values = {"models": ["model.npz"], "vocabs": ["v.spm"], **config}
    read = parse_decoder_config(values, Path("decoder.yml")) if config else None
    return Bundle(path, (path, path), None, None, read, None, None, kind)


def test_a_models_own_defaults() -> None:
    assert DecodingOptions.of_model(bundle("marian")) == DecodingOptions()
    firefox = DecodingOptions.of_model(bundle("firefox"))
    assert (firefox.normalize, firefox.max_length, firefox.max_length_factor) == (1.0, 128, 2.0)
    config = {
        "beam-size": 6,
        "normalize": True,
        "word-penalty": 0.5,
        "max-length-break": 64,
        "max-length": 99,
    }
    configured = DecodingOptions.of_model(bundle("marian", **config))
    assert (configured.beam_size, configured.normalize, configured.word_penalty) == (6, 1.0, 0.5)
    assert configured.max_length == 64
    printing = DecodingOptions.of_model(bundle("marian", **{"n-best": True, "alignment": "soft"}))
    assert (printing.n_best, printing.beam_size, printing.alignment) == (12, 12, "soft"), "Marian's beam"


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "beam_size": st.integers(1, 20),
    "n_best": st.integers(1, 20),
    "normalize": st.floats(0, 2),
    "max_length": st.integers(2, 500),
    "skip_cost": st.booleans(),
    "alignment": st.sampled_from([None, "soft", "hard", 0.5]),
}


@given(st.fixed_dictionaries({}, optional=VALUES), st.fixed_dictionaries({}, optional=VALUES))
def test_merging_keeps_what_is_stated(first: dict[str, Any], second: dict[str, Any]) -> None:
    for one in (first, second):
        if "beam_size" in one and "n_best" in one:
            one["n_best"] = min(one["n_best"], one["beam_size"])
    model, call = DecodingOptions(**first), DecodingOptions(**second)
    merged = call.over(model)
    assert merged.n_best <= merged.beam_size
    for name in second:
        assert getattr(merged, name) == second[name]
    for name in set(first) - set(second) - {"beam_size", "n_best", "skip_cost"}:
        assert getattr(merged, name) == first[name]
    again = merged.over(model)
    assert all(getattr(again, name) == getattr(merged, name) for name in option_names())


def test_names() -> None:
    assert "stated" not in option_names() and "beam_size" in option_names()


def test_keywords_of_calls_are_the_options() -> None:
    """Names and types of `DecodingChanges` are those of the record; sequences may stand where it keeps tuples."""
    keywords = get_type_hints(DecodingChanges)
    fields = get_type_hints(DecodingOptions)
    assert list(keywords) == list(option_names())
    wider = {
        "weights": Sequence[float],
        "target_prefix": str | Sequence[str | None] | None,
        "constraints": Sequence[str | Constraint] | Sequence[Sequence[str | Constraint] | None],
    }
    assert keywords == {name: fields[name] for name in keywords} | wider


def test_segments_have_a_bound() -> None:
    """What one segment may cost is bounded, and whoever wants more hears it."""
    assert DecodingOptions(max_length=1 << 14).max_length == 1 << 14
    with pytest.raises(OptionsError, match="an integer from 2 to 16384"):
        DecodingOptions(max_length=(1 << 14) + 1)
