"""A model's weights: immutable, one copy, shared by every worker, and by every process if they lie in a file."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dragoman import _native
from dragoman.errors import WeightsError
from dragoman.formats.prepared import decode_head

__all__ = ["Weights", "native_plan_of"]

_IN_MEMORY = Path("prepared weights")

_plans: dict[bytes, Any] = {}
_plans_lock = threading.Lock()


def native_plan_of(image: bytes) -> Any:
    """The native plan of an image, validated; one for all models of an architecture. Raises NativeError."""
    key = hashlib.sha256(image).digest()
    with _plans_lock:
        found = _plans.get(key)
        if found is None:
            found = _plans[key] = _native.Plan.of_image(image)
        return found


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
        """What the region says of the model: JSON, read again from it. Errors: `ready`."""
        self.ready()
        return decode_head(memoryview(self._held[1]), self.path or _IN_MEMORY, verify_payload=False).facts

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
