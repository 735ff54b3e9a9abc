"""Layouts of hand-made lifetimes, with exact offsets, and of random ones."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from dragoman.planning.layout.layout import Item, Layout, freeze, lower_bounds, naive, plan_layout
from dragoman.planning.layout.search import conflicts


def item(name: str, size: int | tuple[int, ...], first: int, last: int) -> Item:
    return Item(name, size if isinstance(size, tuple) else (size,), first, last)


def offsets(layout: Layout, items: list[Item], shape: int = 0) -> list[int]:
    return layout.offsets([each.sizes[shape] for each in items])[0]


def need(layout: Layout, items: list[Item], shape: int = 0) -> int:
    return layout.offsets([each.sizes[shape] for each in items])[1]


def test_nothing_needs_nothing() -> None:
    assert plan_layout([]) == Layout((), ()) and plan_layout([]).offsets([]) == ([], 0)


def test_values_that_never_meet_share_their_place() -> None:
    items = [item("a", 64, 0, 1), item("b", 128, 2, 3), item("c", 64, 4, 5)]
    assert offsets(plan_layout(items), items) == [0, 0, 0]


def test_an_inclusive_end_is_a_conflict() -> None:
    items = [item("a", 64, 0, 2), item("b", 64, 2, 3)]
    assert sorted(offsets(plan_layout(items), items)) == [0, 64]


def test_a_chain_alternates_between_two_places() -> None:
    items = [item(f"v{n}", 64, n, n + 1) for n in range(6)]
    layout = plan_layout(items)
    assert need(layout, items) == 128
    found = offsets(layout, items)
    assert found[0::2] == [found[0]] * 3 and found[1::2] == [found[1]] * 3


def test_what_always_lives_is_at_the_bottom() -> None:
    items = [item("a", 512, 1, 2), item("state", 64, 0, 4), item("b", 512, 3, 4)]
    assert offsets(plan_layout(items), items) == [64, 0, 64]


def test_the_largest_is_placed_first_and_the_small_fill_the_gap_above() -> None:
    items = [
        item("small", 64, 0, 1),
        item("large", 256, 1, 2),
        item("other", 128, 2, 3),
        item("last", 192, 3, 4),
    ]
    layout = plan_layout(items)
    assert need(layout, items) == 384
    assert offsets(layout, items)[1] == 0, "large is at the bottom"


def test_ties_are_broken_by_name() -> None:
    items = [item("b", 64, 0, 1), item("a", 64, 1, 2), item("c", 64, 2, 3)]
    turned = [items[0], items[1], items[2]][::-1]
    by_name = dict(zip("bac", offsets(plan_layout(items), items), strict=True))
    assert dict(zip("cab", offsets(plan_layout(turned), turned), strict=True)) == by_name


def test_directions_that_follow_from_others_are_left_out() -> None:
    items = [item("a", 64, 0, 3), item("b", 64, 0, 3), item("c", 64, 0, 3)]
    assert freeze(items, [2, 0, 1]) == Layout(((2,), (0,), ()), (2, 0, 1))


def test_one_stack_serves_shapes_that_trade_off() -> None:
    """Large and small change roles from shape to shape; the need stays the most alive at once in both."""
    items = [item("keys", (4096, 64), 0, 5), item("logits", (64, 8192), 3, 5), item("x", (640, 640), 1, 2)]
    layout = plan_layout(items)
    assert [need(layout, items, shape) for shape in (0, 1)] == lower_bounds(items) == [4736, 8256]


def test_the_baseline_uses_nothing_twice() -> None:
    items = [item("a", 64, 0, 0), item("b", 128, 1, 1), item("c", 64, 2, 2)]
    assert naive(items).offsets([64, 128, 64]) == ([0, 64, 192], 256)


random_items = st.lists(
    st.builds(
        lambda size, more, first, length: Item("v", (64 * size, 64 * more), first, first + length),
        st.integers(1, 30),
        st.integers(1, 30),
        st.integers(0, 20),
        st.integers(0, 8),
    ),
    min_size=1,
    max_size=25,
)


@settings(deadline=None)
@given(random_items, st.data())
def test_random_lifetimes(items: list[Item], data: st.DataObject) -> None:
    layout = plan_layout(items)
    assert layout == plan_layout(items), "the same twice"
    assert sorted(layout.order) == list(range(len(items)))
    bounds, most = lower_bounds(items), naive(items)
    for shape in (0, 1):
        assert bounds[shape] <= need(layout, items, shape) <= need(most, items, shape)
    # At sizes that the search has never seen:
    sizes = [64 * data.draw(st.integers(0, 50)) for _ in items]
    found, total = layout.offsets(sizes)
    for a, others in enumerate(conflicts(items)):
        for b in others:
            assert found[a] + sizes[a] <= found[b] or found[b] + sizes[b] <= found[a]
    assert all(offset >= 0 and offset + size <= total for offset, size in zip(found, sizes, strict=True))
    assert total <= naive(items).offsets(sizes)[1]
    grown = list(sizes)
    grown[data.draw(st.integers(0, len(items) - 1))] += 64
    assert layout.offsets(grown)[1] >= total, "the need never shrinks"


@settings(deadline=None, max_examples=50)
@given(random_items)
def test_random_lifetimes_come_close_to_the_bound(items: list[Item]) -> None:
    layout = plan_layout(items)
    for shape, bound in enumerate(lower_bounds(items)):
        assert need(layout, items, shape) <= 1.75 * bound


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_identical_lifetimes_are_simply_stacked(count: int) -> None:
    items = [item(f"v{n}", 64 * (n + 1), 0, 1) for n in range(count)]
    assert need(plan_layout(items), items) == sum(each.sizes[0] for each in items)
