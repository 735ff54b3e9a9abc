"""Sentences join and leave while others are in their steps: whatever is under way, each gets what it gets alone."""

from __future__ import annotations

from functools import cache
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from backends.families import VOCABULARY
from backends.test_native_families import weights_of
from hypothesis import given, settings

from dragoman import _native
from dragoman.backends import native
from dragoman.backends.batch import Batch, SearchOptions, target_limit

FAMILIES = ("ssru", "average", "transformer", "s2s-lstm-norm", "transformer-gru")
"""All kinds of decoder states, caches and attention."""


@cache
def shortlist() -> Any:
    rng = np.random.default_rng(3)
    lists = [np.sort(rng.choice(VOCABULARY, int(rng.integers(0, 7)), replace=False)) for _ in range(VOCABULARY)]
    offsets = np.cumsum([0, *(len(ids) for ids in lists)]).astype(np.uint64)
    return _native.Shortlist(offsets, np.concatenate(lists).astype(np.uint32), 3, True, VOCABULARY, 0)


def call_of(name: str, restricted: bool, batch: Batch, options: SearchOptions, **live: int) -> Any:
    settings_ = native.native_options(options)
    for field, number in live.items():
        setattr(settings_, field, number)
    prefix = None if batch.prefix_offsets is None else batch.prefix
    return _native.Call(
        [(weights_of(name, shortlist=restricted).native, 1.0)], shortlist() if restricted else None,
        batch.source, batch.offsets, batch.limits, prefix, batch.prefix_offsets, settings_,
    )  # fmt: skip


def translate(call: Any) -> list[Any]:
    """In a workspace of exactly the announced size, full of garbage."""
    need = call.need(_native.Workspace(4096, 1 << 28))
    workspace = _native.Workspace(need, need + 4095)
    workspace.poison()
    assert call.run(workspace, _native.StopFlag())
    return [
        [
            (ids, scores, None if links is None else links.tobytes(), *rest)
            for ids, scores, links, *rest in sentence
        ]
        for sentence in call.results()
    ]


sentences = st.lists(
    st.tuples(st.lists(st.integers(2, VOCABULARY - 1), max_size=39), st.lists(st.integers(2, 9), max_size=3)),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize("restricted", [False, True], ids=["all", "shortlist"])
@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=25, deadline=None)
@given(
    sentences=sentences,
    beam_size=st.integers(1, 4),
    group_tokens=st.integers(1, 80),
    live_tokens=st.integers(0, 200),
    live_rows=st.integers(1, 60),
    live_sentences=st.integers(1, 20),
    live_columns=st.integers(1, VOCABULARY),
)
def test_any_number_under_way(
    name: str, restricted: bool, sentences: list[tuple[list[int], list[int]]], beam_size: int, **live: int
) -> None:
    ordered = sorted(sentences, key=lambda pair: -len(pair[0]))
    sources = [[*ids, 0] for ids, _ in ordered]
    prefixes = [prefix for _, prefix in ordered]
    limits = [target_limit(len(ids), 2.0) for ids in sources]
    options = SearchOptions(beam_size=beam_size, n_best=beam_size, normalize=0.6, alignment=name != "ssru")
    together = translate(call_of(name, restricted, Batch.of(sources, limits, prefixes=prefixes), options, **live))
    for number, (ids, limit, prefix) in enumerate(zip(sources, limits, prefixes, strict=True)):
        alone = Batch.of([ids], [limit], prefixes=[prefix])
        assert translate(call_of(name, restricted, alone, options)) == [together[number]], f"sentence {number}"


@pytest.mark.parametrize("restricted", [False, True], ids=["all", "shortlist"])
def test_many_sentences_need_little_more_than_those_under_way(restricted: bool) -> None:
    """But for their own results, a few numbers for each target position."""
    rng = np.random.default_rng(4)

    def need(count: int) -> int:
        sources = [[*rng.integers(2, VOCABULARY, 15).tolist(), 0] for _ in range(count)]
        batch = Batch.of(sources, [32] * count)
        return int(call_of("transformer", restricted, batch, SearchOptions()).need(_native.Workspace(4096, 1 << 28)))

    assert need(400) - need(50) < 350 * (32 * 12 + 100)


def test_few_sentences_need_no_more_than_their_own() -> None:
    batch = Batch.of([[5, 9, 0]], [6])
    small, large = ({"live_tokens": most, "live_rows": most, "live_sentences": most} for most in (3, 10_000))
    needs = [
        call_of("transformer", False, batch, SearchOptions(), **live).need(_native.Workspace(4096, 1 << 28))
        for live in (small, large)
    ]
    assert needs[0] == needs[1]


def test_a_flag_stops_between_groups() -> None:
    """Not only between steps: the flag is seen before anything is encoded."""
    batch = Batch.of([[5, 9, 0]] * 40, [6] * 40)
    stop = _native.StopFlag()
    stop.set()
    assert not call_of("ssru", False, batch, SearchOptions()).run(_native.Workspace(4096, 1 << 28), stop)
