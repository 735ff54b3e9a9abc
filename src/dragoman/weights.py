"""A model's weights: immutable, one copy, shared by every worker, and by every process if they lie in a file."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dragoman import _native
from dragoman.binding import bind
from dragoman.errors import WeightsError
from dragoman.formats.parameters import ParameterFile
from dragoman.formats.prepared import PAGE, Head, decode_head, encode_head, head_size, pages
from dragoman.formats.shortlist import Shortlist
from dragoman.packing import Memory, pack, packed_bytes, slot_record
from dragoman.planning.plan import Plan

__all__ = ["Weights", "build_region", "prepare_weights"]

_IN_MEMORY = Path("prepared weights")


class Weights:
    """Prepared parameters of one model, in one region of memory: a mapped file, or private pages.

    A mapped file that somebody shortens or writes to cannot kill the process, but what was computed
    meanwhile is wrong. So a run goes ``ready``, run, ``check``.

    Attributes:
        native: the table slot -> address; keeps the region alive.
        nbytes: size of the region.
        vocabulary: rows of the output layer.
        path: the mapped file, or None.
    """

    def __init__(self, native_plan: Any, region: Any, table: bytes, path: Path | None = None) -> None:
        """``region``, ``table``: a prepared file and its slot table. ``path``: if the region is mapped."""
        self._held = (_native.weights_in(native_plan, region, table), region)
        self._lock = threading.Lock()
        self._renew: Callable[[], Weights] | None = None
        self.nbytes: int = region.nbytes
        self.vocabulary: int = self.native.vocabulary
        self.path = path

    @property
    def native(self) -> Any:
        return self._held[0]

    @property
    def file_backed(self) -> bool:
        """Whether the weights lie in a mapped file, which all processes share."""
        return self.path is not None

    def facts(self) -> Mapping[str, Any]:
        """What the region says of the model: JSON, read again from it."""
        return decode_head(self._held[1].view(), self.path or _IN_MEMORY, verify_payload=False).facts

    def renew_with(self, renew: Callable[[], Weights]) -> None:
        """How to make the same weights again, should their file be damaged. May raise ModelError."""
        self._renew = renew

    def ready(self) -> Any:
        """``native``, from an undamaged region: made again before, where the file was damaged.

        Raises ModelError if that fails.
        """
        native, region = self._held
        return self._renewed(native) if region.damaged else native

    def check(self, native: Any) -> None:
        """After a run on ``native``. Raises WeightsError if the file was damaged meanwhile; the next run
        finds the weights made again.
        """
        held, region = self._held
        if held is native and not region.damaged:
            return
        self._renewed(native)
        raise WeightsError(
            "all",
            f"the file of prepared weights {self.path} was changed or cut short while it was in use. The weights"
            " were prepared again: repeat the request.",
        )

    def _renewed(self, damaged: Any) -> Any:
        with self._lock:
            if self._held[0] is damaged:
                if self._renew is None:
                    raise WeightsError("all", f"the file of prepared weights {self.path} is damaged: load again.")
                fresh = self._renew()
                self._held, self.path, self.nbytes = fresh._held, fresh.path, fresh.nbytes
            return self._held[0]


def build_region(
    facts: Mapping[str, Any], plan: Plan, file: ParameterFile, lists: Shortlist | None, *, shortlist: bool
) -> tuple[Any, Head]:
    """A prepared file in private memory: bind a model file to a plan, pack it, and write the head before it.

    Args:
        facts: of the model, for the head; JSON.
        plan: of the model.
        file: the model's parameters. Nothing of it is referenced afterwards.
        lists: the model's shortlist, for the head, or None.
        shortlist: output columns will be selected by a shortlist.

    Returns:
        The region, read-only, and its head.

    Raises:
        ModelFormatError: a parameter is missing or has another shape.
        WeightsError: a matrix cannot be quantised.
    """
    slots = bind(plan, file)
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    start = head_size(text, len(slots), lists)
    need = packed_bytes(plan, slots, shortlist=shortlist)
    region: Any = _native.Region.anonymous(start + pages(need) + PAGE)
    view = region.view()
    memory = Memory(view, start)
    prepared = pack(plan, slots, memory, shortlist=shortlist)
    records = [slot_record(slot, view) for slot in prepared]
    end = start + pages(memory.used) + PAGE
    head = encode_head(text, records, lists, view[start:end])
    view[:start] = memoryview(head)
    del prepared, memory, view, slots
    region.seal(end)
    return region, decode_head(region.view(), file.path, verify_payload=False)


def prepare_weights(plan: Plan, native_plan: Any, file: ParameterFile, *, shortlist: bool) -> Weights:
    """Weights in private memory, not on disk. Arguments and errors: `build_region`; ``native_plan``: the same
    plan for the kernels.
    """
    region, head = build_region({}, plan, file, None, shortlist=shortlist)
    return Weights(native_plan, region, head.table)
