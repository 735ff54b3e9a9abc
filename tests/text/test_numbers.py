"""Digits of a translation are those of its source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.text.numbers import check_numbers, numbers_of


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("1,234.50 dollars", "1.234,50 Dollar"),
        ("1,234,567", "1\u202f234\u202f567"),
        ("10000 people", "10 000 lidí"),
        ("12,34,567 rupees", "1.234.567 Rupien"),
        ("two of 300", "2 von 300"),
        ("on 05/13/2024", "am 13. Mai 2024"),
        ("٣٥٠ كتاب", "350 Bücher"),
        ("３５０冊", "350 Bücher"),
        ("no number", "keine Zahl"),
    ],
)
def test_equal(source: str, target: str) -> None:
    assert check_numbers(source, target).passed and check_numbers(target, source).passed


def test_different() -> None:
    assert check_numbers("1234 and 77", "1243 und") == (("1234", "77"), ("1243",))
    assert check_numbers("20 20", "20") == (("20",), ())


@given(st.lists(st.integers(0, 10**9)))
def test_thousands_do_not_matter(numbers: list[int]) -> None:
    plain = "; ".join(map(str, numbers))
    for separator in ",.'\u00a0":
        assert numbers_of("; ".join(f"{number:,}".replace(",", separator) for number in numbers)) == numbers_of(plain)
