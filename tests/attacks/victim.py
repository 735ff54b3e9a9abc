"""Weights that are sound, and a flight on whatever plan is given: the way that models go."""

from __future__ import annotations

from backends.families import LIMITS, SOURCES

from dragoman import _native
from dragoman.backends.batch import Batch, SearchOptions
from dragoman.backends.native import NativeBackend, native_options
from dragoman.backends.protocol import Packing
from dragoman.formats.parameters import ParameterFile
from dragoman.host import Region, anonymous
from dragoman.planning.plan import Plan
from dragoman.weights.bind import bind

OPTIONS = SearchOptions(beam_size=2, alignment=True, group_tokens=12)


def packed(plan: Plan, file: ParameterFile) -> tuple[Packing, Region, bytes]:
    """A model's weights as bytes, and their slot table."""
    packing = NativeBackend().packing(plan, bind(plan, file), shortlist=False)
    region = anonymous(packing.nbytes)
    used, records = packing.write(region.view(), 0)
    region.seal(used)
    return packing, region, b"".join(records)


def translate(plan: _native.Plan, region: Region, table: bytes) -> None:
    """A flight. Raises whatever refuses the plan or the weights."""
    weights = _native.weights_in(plan, region, table)
    batch = Batch.of(SOURCES, LIMITS)
    call = _native.Call(
        [(weights, 1.0)], None, batch.source, batch.offsets, batch.limits, None, None, native_options(OPTIONS)
    )
    call.run(_native.Workspace(1 << 16, 1 << 26), _native.StopFlag())
    call.results()
