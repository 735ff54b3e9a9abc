"""The native back end: hands a batch to the C++ core, one call a batch, without the GIL."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

from dragoman import _native
from dragoman.backends.batch import Batch, RawHypothesis, SearchOptions
from dragoman.backends.protocol import Costs, Member, Packing, PlacedShortlist, PlacedWeights, Workspace
from dragoman.errors import OptionsError
from dragoman.host import Region, StopFlag, anonymous

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dragoman.backends.slots import BoundSlot
    from dragoman.formats.shortlist import Shortlist
    from dragoman.planning.records import PlanRecord

__all__ = ["NativeBackend", "NativeWeights", "native_options", "native_plan"]

_PEAK_ROUNDS = 400_000

_plans: dict[bytes, _native.Plan] = {}
_plans_lock = threading.Lock()


def native_plan(image: bytes) -> _native.Plan:
    """The native plan of an image, validated; one for all models of an architecture. Raises NativeError."""
    key = hashlib.sha256(image).digest()
    with _plans_lock:
        found = _plans.get(key)
        if found is None:
            found = _plans[key] = _native.Plan.of_image(image)
        return found


@dataclass(frozen=True, slots=True)
class NativeWeights:
    """Addresses of a model's slots in one region, which they keep alive."""

    native: _native.Weights
    nbytes: int

    @property
    def vocabulary(self) -> int:
        return self.native.vocabulary


@dataclass(frozen=True, slots=True)
class NativeBackend:
    """A `dragoman.backends.protocol.StoringBackend` over the kernels of this processor."""

    name: str = "native"

    @property
    def fingerprint(self) -> int:
        return _native.layout_fingerprint()

    def packing(self, plan: PlanRecord, slots: Sequence[BoundSlot], *, shortlist: bool) -> Packing:
        from dragoman.backends.native_pack import NativePacking  # what is prepared already needs no NumPy

        return NativePacking(plan, slots, shortlist=shortlist)

    def place(self, image: bytes, region: Region, table: bytes) -> NativeWeights:
        return NativeWeights(_native.weights_in(native_plan(image), region, table), region.nbytes)

    def prepare(self, plan: PlanRecord, slots: Sequence[BoundSlot], *, shortlist: bool) -> NativeWeights:
        packing = self.packing(plan, slots, shortlist=shortlist)
        region = anonymous(max(packing.nbytes, 1))
        used, records = packing.write(region.view(), 0)
        region.seal(max(used, 1))
        return self.place(packing.image, region, b"".join(records))

    def shortlist(
        self, lists: Shortlist, *, shared_vocabulary: bool, target_vocabulary: int, eos_id: int
    ) -> PlacedShortlist:
        offsets = cast("NDArray[np.uint64]", memoryview(lists.offsets).cast("B").cast("Q"))
        return _native.Shortlist(offsets, lists.ids, lists.first, shared_vocabulary, target_vocabulary, eos_id)

    def workspace(self, first: int, limit: int) -> Workspace:
        return _native.Workspace(first, limit)

    def run(
        self,
        members: Sequence[Member],
        workspace: Workspace,
        batch: Batch,
        options: SearchOptions,
        *,
        shortlist: PlacedShortlist | None = None,
        stop: StopFlag | None = None,
        scores: bool = True,
    ) -> list[list[RawHypothesis]] | None:
        call = _call(members, batch, native_options(options, scores=scores), shortlist)
        if not call.run(_own(workspace), _native.StopFlag() if stop is None else cast(_native.StopFlag, stop)):
            return None
        return [[_hypothesis(raw, options) for raw in sentence] for sentence in call.results()]

    def measure(
        self,
        weights: PlacedWeights,
        workspace: Workspace,
        batch: Batch,
        options: SearchOptions,
        *,
        shortlist: PlacedShortlist | None = None,
    ) -> Costs:
        settings = native_options(options)
        settings.profile = True
        call = _call([Member(weights)], batch, settings, shortlist)
        start = time.thread_time()
        call.run(_own(workspace), _native.StopFlag())
        seconds = time.thread_time() - start
        return Costs(tuple(call.costs()), call.candidates(), seconds)

    def peaks(self) -> tuple[float, float]:
        target = _native.kernels.chosen()
        integers, floats = (_native.kernels.peak(target, kind, _PEAK_ROUNDS) for kind in (True, False))
        return integers, floats


def native_options(options: SearchOptions, *, scores: bool = True) -> _native.SearchOptions:
    """``scores``: False lets greedy search leave path scores at 0."""
    native = _native.SearchOptions()
    native.beam_size = options.beam_size
    native.normalize = options.normalize
    native.word_penalty = options.word_penalty
    native.eos = options.eos_id
    native.never = options.suppressed
    native.n_best = options.n_best
    native.alignment = options.alignment
    native.skip_cost = options.skip_cost
    native.group_tokens = options.group_tokens
    native.scores = scores
    return native


def _call(
    members: Sequence[Member], batch: Batch, settings: _native.SearchOptions, shortlist: PlacedShortlist | None
) -> _native.Call:
    phrases = () if batch.constraints is None else (batch.constraints.arrays,)
    return _native.Call(
        [(_placed(member.weights).native, member.weight) for member in members],
        shortlist,
        batch.source,
        batch.offsets,
        batch.limits,
        None if batch.prefix_offsets is None else batch.prefix,
        batch.prefix_offsets,
        settings,
        *phrases,
    )


def _placed(weights: PlacedWeights) -> NativeWeights:
    if not isinstance(weights, NativeWeights):
        raise OptionsError("model", type(weights).__name__, "weights of the native back end, as all of a flight")
    return weights


def _own(workspace: Workspace) -> _native.Workspace:
    if not isinstance(workspace, _native.Workspace):
        raise OptionsError("workspace", type(workspace).__name__, "one that the native back end made")
    return workspace


RawResult: TypeAlias = "tuple[bytes, bytes, NDArray[np.float32] | None, float, float, tuple[float, ...]]"
"""See `_native.Call.results`."""


def _hypothesis(raw: RawResult, options: SearchOptions) -> RawHypothesis:
    ids, path_scores, alignment, path_score, score, model_scores = raw
    word_scores = None
    if options.word_scores:
        import numpy as np

        word_scores = np.diff(np.frombuffer(path_scores, np.float32), prepend=np.float32(0))
    return RawHypothesis(memoryview(ids).cast("i"), path_score, score, word_scores, alignment, model_scores)
