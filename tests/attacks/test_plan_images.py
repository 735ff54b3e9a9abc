"""Images of plans come from files: damaged ones are refused, or are plans that run without harm."""

from __future__ import annotations

import pytest
from backends.families import compiled
from hypothesis import given
from hypothesis import strategies as st
from plan_attack import attack

from dragoman import _native
from dragoman.errors import NativeError
from dragoman.planning.image import plan_image
from dragoman.planning.records import Precision


def test_damaged_images() -> None:
    ran, refused = attack("damaged_images.py", 0, 400)
    assert ran > 20 and refused > 100


@pytest.mark.slow
def test_damaged_images_thoroughly() -> None:
    attack("damaged_images.py", 1000, 21000)


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("name", ["ssru", "transformer", "s2s-lstm-norm", "average"])
def test_an_image_is_the_plan(name: str, precision: Precision) -> None:
    image = plan_image(compiled(name, precision)[1])
    assert _native.Plan.of_image(image).image() == image


@given(st.data())
def test_cut_or_lengthened(data: st.DataObject) -> None:
    image = plan_image(compiled("ssru")[1])
    with pytest.raises(NativeError, match="image of a plan: it is cut short"):
        _native.Plan.of_image(image[: data.draw(st.integers(0, len(image) - 1))])
    with pytest.raises(NativeError, match="image of a plan: bytes are left over"):
        _native.Plan.of_image(image + b"\0")


def test_absurd_counts_allocate_nothing() -> None:
    with pytest.raises(NativeError, match="cut short"):
        _native.Plan.of_image(b"\xff\xff\xff\xff" * 4)
