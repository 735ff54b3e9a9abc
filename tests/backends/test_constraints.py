"""Phrases that translations must contain: both back ends alike, the same whatever else is in the batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from backends.families import BEAM, LIMITS, SOURCES, VOCABULARY, compiled, run
from backends.test_native_families import compare, run_native, weights_of
from backends.test_reference_search import MadeUpModel
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman import _native
from dragoman.backends.batch import Batch, SearchOptions
from dragoman.backends.constraints import Constraints, Phrase
from dragoman.backends.native import native_options
from dragoman.backends.reference_search import search
from dragoman.errors import NativeError, OptionsError
from dragoman.formats.shortlist import Shortlist

NAMES = ("transformer", "ssru", "s2s-lstm-norm")
PHRASES = [
    [Phrase((5, 9), 0, 3), Phrase((22,), 4, 5)],
    [],
    [Phrase((5, 9)), Phrase((5, 9)), Phrase((30, 31, 32))],
    [Phrase((7,), 0, 1)],
]


def contains(ids: list[int], phrase: tuple[int, ...], times: int) -> bool:
    return sum(tuple(ids[at : at + len(phrase)]) == phrase for at in range(len(ids))) >= times


@pytest.mark.parametrize("beam", [1, 2, 5])
@pytest.mark.parametrize("name", NAMES)
def test_back_ends_agree(name: str, beam: int) -> None:
    _, plan, file = compiled(name)
    batch = Batch.of(SOURCES, [20] * 4, constraints=PHRASES)
    for changes in ({}, {"alignment": False}, {"skip_cost": True}, {"unk_id": 22}):
        options = replace(BEAM, beam_size=beam, n_best=beam, **changes)
        compare(run_native([weights_of(name)], batch, options), run(plan, file, batch, options))


@pytest.mark.parametrize("beam", [1, 4])
def test_alone_or_together(beam: int) -> None:
    """Bit for bit, and sentences without phrases are what they are elsewhere."""
    weights = [weights_of("transformer")]
    options = replace(BEAM, beam_size=beam, n_best=beam)
    together = run_native(weights, Batch.of(SOURCES, LIMITS, constraints=PHRASES), options)
    without = run_native(weights, Batch.of(SOURCES, LIMITS), options)
    for number, source in enumerate(SOURCES):
        batch = Batch.of([source], [LIMITS[number]], constraints=[PHRASES[number]])
        (alone,) = run_native(weights, batch, options)
        for one, other in zip(alone, together[number], strict=True):
            assert one.ids.tolist() == other.ids.tolist() and one.path_score == other.path_score
            assert np.array_equal(np.asarray(one.word_scores), np.asarray(other.word_scores))
            assert np.array_equal(np.asarray(one.alignment), np.asarray(other.alignment))
    assert [one.path_score for one in together[1]] == [one.path_score for one in without[1]]
    assert [one.ids.tolist() for one in together[1]] == [one.ids.tolist() for one in without[1]]


def test_shortlists_have_the_phrases() -> None:
    rng = np.random.default_rng(5)
    lists = [np.sort(rng.choice(VOCABULARY, int(rng.integers(0, 7)), replace=False)) for _ in range(VOCABULARY)]
    offsets = np.cumsum([0, *(len(ids) for ids in lists)])
    shortlist = Shortlist(3, 7, offsets, np.concatenate(lists).astype(np.uint32))
    handle = _native.Shortlist(offsets.astype(np.uint64), shortlist.ids, 3, True, VOCABULARY, 0)
    candidates = [
        shortlist.candidates(
            source,
            shared_vocabulary=True,
            vocabulary_size=VOCABULARY,
            eos_id=0,
            forced=[id_ for phrase in own for id_ in phrase.ids],
        )
        for source, own in zip(SOURCES, PHRASES, strict=True)
    ]
    batch = Batch.of(SOURCES, [15] * 4, candidates=candidates, constraints=PHRASES)
    _, plan, file = compiled("transformer")
    found = run_native([weights_of("transformer", shortlist=True)], batch, shortlist=handle)
    compare(found, run(plan, file, batch))


def test_behind_a_prefix_and_in_an_ensemble() -> None:
    prefixes = [[3, 4], [], [8], []]
    batch = Batch.of(SOURCES, [12] * 4, prefixes=prefixes, constraints=PHRASES)
    _, plan, file = compiled("ssru")
    compare(run_native([weights_of("ssru")], batch), run(plan, file, batch))
    models = [weights_of("ssru"), weights_of("transformer")]
    found = run_native(models, batch, replace(BEAM, weights=(0.5, 1.0)))
    for own, prefix in zip(found, prefixes, strict=True):
        assert all(raw.ids.tolist()[: len(prefix)] == prefix for raw in own)
    assert contains(found[3][0].ids.tolist(), (7,), 1)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    beam_size=st.integers(1, 4),
    phrases=st.lists(st.lists(st.integers(2, 8), min_size=1, max_size=3).map(tuple), max_size=3),
)
def test_every_phrase_is_there(seed: int, beam_size: int, phrases: list[tuple[int, ...]]) -> None:
    """As often as it is given, if there is room; and one line's phrases change no other line."""
    sources = ([3, 4, 5, 0], [2, 6, 0])
    limits = [30, 6]
    own = [[Phrase(ids) for ids in phrases], []]
    options = SearchOptions(beam_size=beam_size, n_best=1, unk_id=1)
    batch = Batch.of(sources, limits, constraints=own)
    found = search([MadeUpModel(batch, seed)], batch, options)
    assert found is not None
    ids = found[0][0].ids.tolist()
    for phrase in phrases:
        assert contains(ids, phrase, phrases.count(phrase)) or _overlap(phrases)
    plain = Batch.of(sources, limits)
    other = search([MadeUpModel(plain, seed)], plain, options)
    assert other is not None and found[1][0].ids.tolist() == other[1][0].ids.tolist()
    if not phrases:
        assert ids == other[0][0].ids.tolist()


def _overlap(phrases: list[tuple[int, ...]]) -> bool:
    """Whether counting places could find fewer: one phrase begins inside another, or in itself."""
    return any(set(one) & set(other) for at, one in enumerate(phrases) for other in phrases[at + 1 :]) or any(
        len(set(one)) < len(one) for one in phrases
    )


def test_a_limit_that_is_too_low() -> None:
    """The sentence is not lost: what there is comes back."""
    batch = Batch.of(SOURCES, [2] * 4, constraints=PHRASES)
    found = run_native([weights_of("transformer")], batch)
    assert all(1 <= len(raw.ids.tolist()) <= 2 for own in found for raw in own) and all(found)


def test_wrong_phrases() -> None:
    for wrong in ([Phrase(())], [Phrase((1,))] * 17, [Phrase((1,) * 65)], [Phrase((1,), 2, 1)]):
        with pytest.raises(OptionsError, match="constraints"):
            Constraints.of([wrong])
    with pytest.raises(OptionsError, match="constraints"):
        Batch.of(SOURCES, LIMITS, constraints=[[]])


@pytest.mark.parametrize(
    "arrays",
    [
        ([1], [0, 1], [0, 1], [0, 0]),
        ([1], [0, 2], [0, 1, 1, 1, 1], [0, 0]),
        ([1], [0, 1], [0, 1, 1, 1, 1], [0]),
        ([99], [0, 1], [0, 1, 1, 1, 1], [0, 0]),
        ([1], [0, 1], [0, 1, 1, 1, 1], [0, 10]),
        ([1], [0, 1], [0, 1, 1, 1, 1], [1, 0]),
        ([1], [1, 1], [0, 1, 1, 1, 1], [0, 0]),
        ([1, 2], [0, 2, 2], [0, 2, 2, 2, 2], [0, 0, 0, 0]),
        ([1, 2], [0, 1, 2], [0, 2, 1, 2, 2], [0, 0, 0, 0]),
        ([1, 2], [0, -1, 2], [0, 2, 2, 2, 2], [0, 0, 0, 0]),
    ],
)
def test_arrays_that_do_not_fit(arrays: tuple[list[int], ...]) -> None:
    """The native core refuses them before it reads outside of one."""
    batch = Batch.of(SOURCES, LIMITS)
    weights = weights_of("ssru")
    phrases = tuple(np.array(one, np.int32) for one in arrays)
    with pytest.raises(NativeError, match="phrase"):
        _native.Call(
            [(weights.native, 1.0)],
            None,
            batch.source,
            batch.offsets,
            batch.limits,
            None,
            None,
            native_options(BEAM),
            phrases,
        )
