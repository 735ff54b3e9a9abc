"""Images of plans come from files: damaged ones are refused, or are plans that run without harm."""

from __future__ import annotations

import pytest
from backends.families import compiled
from hypothesis import given
from hypothesis import strategies as st
from plan_attack import attack

from dragoman import _native
from dragoman.errors import NativeError
from dragoman.planning.records import Precision

CHILD = """
import random, sys
sys.path[:0] = {paths!r}
from backends.families import LIMITS, SOURCES, compiled
from dragoman import _native
from dragoman.backends import native
from dragoman.backends.batch import Batch, SearchOptions
from dragoman.weights.bind import bind
from dragoman.errors import DragomanError
from dragoman.weights.pack import prepare
from dragoman.planning.records import Precision

ran = refused = 0
for seed in range({first}, {last}):
    rng = random.Random(seed)
    name = rng.choice(("ssru", "transformer", "s2s-lstm-norm", "average"))
    _, plan, file = compiled(name, rng.choice(list(Precision)))
    slots, _ = prepare(plan, bind(plan, file), shortlist=False)
    image = bytearray(_native.Plan(plan).image())
    for _ in range(rng.randint(1, 3)):
        image[rng.randrange(len(image))] = rng.choice((0, 1, 2, 3, 7, 127, 128, 255))
    print(seed, file=sys.stderr, flush=True)
    try:
        weights = _native.Weights(_native.Plan.of_image(bytes(image)), slots)
        batch = Batch.of(SOURCES, LIMITS)
        call = _native.Call([(weights, 1.0)], None, batch.source, batch.offsets, batch.limits, None, None,
                            native.native_options(SearchOptions(beam_size=2, alignment=True, group_tokens=12)))
        workspace = _native.Workspace(1 << 16, 1 << 26)
        call.run(workspace, _native.StopFlag())
        call.results()
        ran += 1
    except DragomanError:
        refused += 1
print(ran, refused)
"""


def test_damaged_images() -> None:
    ran, refused = attack(CHILD, 0, 400)
    assert ran > 20 and refused > 100


@pytest.mark.slow
def test_damaged_images_thoroughly() -> None:
    attack(CHILD, 1000, 21000)


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("name", ["ssru", "transformer", "s2s-lstm-norm", "average"])
def test_an_image_is_the_plan(name: str, precision: Precision) -> None:
    image = _native.Plan(compiled(name, precision)[1]).image()
    assert _native.Plan.of_image(image).image() == image


@given(st.data())
def test_cut_or_lengthened(data: st.DataObject) -> None:
    image = _native.Plan(compiled("ssru")[1]).image()
    with pytest.raises(NativeError, match="image of a plan: it is cut short"):
        _native.Plan.of_image(image[: data.draw(st.integers(0, len(image) - 1))])
    with pytest.raises(NativeError, match="image of a plan: bytes are left over"):
        _native.Plan.of_image(image + b"\0")


def test_absurd_counts_allocate_nothing() -> None:
    with pytest.raises(NativeError, match="cut short"):
        _native.Plan.of_image(b"\xff\xff\xff\xff" * 4)
